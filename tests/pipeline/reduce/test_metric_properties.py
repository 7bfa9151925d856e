"""The metric reducer under hypothesis: order, repeats, cuts and restarts change nothing."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.metrics import MetricReducer
from schemas.resolve import Resolver, ResolverConfig
from schemas.signal import SeriesPane, TelemetrySignal
from schemas.telemetry import MetricBatch, Series, labels_of

T0 = 1_700_000_010_000
SCRAPE_MS = 15_000
NAMES = (
    ("cart", "process_resident_memory_bytes"),
    ("cart", "http_server_requests_seconds_sum"),
    ("cart", "http_server_requests_seconds_count"),
    ("cart", "orders_failed_total"),
    ("cart", "up"),
    ("mysql", "mysql_global_status_threads_connected"),
    ("mysql", "mysql_global_variables_max_connections"),
    ("mysql", "mysql_info_schema_processlist_threads"),
)
TABLE = tuple(
    Series(
        name=name,
        labels=labels_of(
            {"job": job, "instance": f"{job}-0:80"}
            | ({"user": "report"} if "processlist" in name else {})
        ),
    )
    for job, name in NAMES
)
Row = tuple[int, int, float]


def a_batch(rows: Iterable[Row]) -> MetricBatch:
    listed = list(rows)
    return MetricBatch(
        series=np.array([row[0] for row in listed], np.int32),
        time_ms=np.array([row[1] for row in listed], np.int64),
        value=np.array([row[2] for row in listed], np.float64),
        table=TABLE,
    )


def a_reducer() -> MetricReducer:
    return MetricReducer("m-0", Resolver(ResolverConfig()), ReduceConfig(flush_seconds=0))


@st.composite
def scrapes(draw: st.DrawFn) -> list[Row]:
    """A quiet quarter of an hour and then anything, in the order of time."""
    rows: list[Row] = []
    turns = 20 + draw(st.integers(1, 12))
    counters = np.zeros(len(TABLE))
    for turn in range(turns):
        for series, (_, name) in enumerate(NAMES):
            value = 100.0
            if turn >= 20:
                value = draw(st.sampled_from([0.0, 100.0, 101.0, 180.0, 900.0]))
                if draw(st.integers(0, 9)) == 0:
                    continue
            if name.endswith(("_sum", "_count", "_total")):
                counters[series] += value
                value = float(counters[series])
            rows.append((series, T0 + turn * SCRAPE_MS, value))
    return rows


def replay(reducer: MetricReducer, batches: Iterable[list[Row]]) -> list[TelemetrySignal]:
    said = []
    for rows in batches:
        said += [s for _, s in reducer.handle(a_batch(rows), T0 + 10**7)]
    said += [s for _, s in reducer.flush()]
    return said


def totals(said: Iterable[TelemetrySignal]) -> dict[tuple[str, int], tuple[object, ...]]:
    """What an engine holds in the end: of each pane the one with the most samples."""
    held: dict[tuple[str, int], SeriesPane] = {}
    for signal in said:
        for pane in signal.series:
            key = (pane.series_id, pane.start_ms)
            if key not in held or pane.samples >= held[key].samples:
                held[key] = pane
    return {
        key: (pane.samples, round(pane.value, 9), pane.stale, pane.holder)
        for key, pane in held.items()
    }


def cut(rows: list[Row], places: list[int]) -> list[list[Row]]:
    bounds = [0, *sorted(places), len(rows)]
    return [rows[a:b] for a, b in pairwise(bounds)]


cuts = st.lists(st.integers(0, 250), max_size=8)


@settings(max_examples=30, deadline=None)
@given(scrapes(), cuts)
def test_a_batch_cut_into_many_gives_the_same_anomalous_panes(
    rows: list[Row], places: list[int]
) -> None:
    whole = totals(replay(a_reducer(), [rows]))
    parts = totals(replay(a_reducer(), cut(rows, places)))
    # What is told as the "before" of an anomaly may differ in which panes are still remembered.
    assert {key: whole[key] for key in whole if key in parts} == {
        key: parts[key] for key in parts if key in whole
    }
    assert set(whole) <= set(parts)


@settings(max_examples=30, deadline=None)
@given(scrapes(), st.randoms(use_true_random=False))
def test_the_order_of_rows_in_a_batch_does_not_matter(rows: list[Row], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    assert replay(a_reducer(), [rows]) == replay(a_reducer(), [shuffled])


@settings(max_examples=30, deadline=None)
@given(scrapes(), st.integers(0, 250))
def test_rows_that_come_again_change_nothing(rows: list[Row], place: int) -> None:
    once = replay(a_reducer(), cut(rows, [place]))
    again = replay(a_reducer(), [rows[:place], rows[:place], rows[place:]])
    assert totals(once) == totals(again)


@settings(max_examples=30, deadline=None)
@given(scrapes(), cuts, st.integers(0, 8))
def test_a_restored_reducer_says_what_one_that_never_stopped_says(
    rows: list[Row], places: list[int], restart: int
) -> None:
    batches = cut(rows, places)
    reducer = a_reducer()
    expected = replay(reducer, batches)
    first = a_reducer()
    said = [s for rows in batches[:restart] for _, s in first.handle(a_batch(rows), T0 + 10**7)]
    frozen = first.snapshot()
    second = a_reducer()
    second.restore(frozen)
    assert second.snapshot() == frozen
    assert said + replay(second, batches[restart:]) == expected
    assert second.snapshot() == reducer.snapshot()
