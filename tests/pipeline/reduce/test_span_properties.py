"""The span reducer under hypothesis: order, repeats, cuts and restarts change nothing."""

from collections.abc import Iterable
from dataclasses import asdict
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.spans import SpanReducer
from schemas.resolve import Resolver, ResolverConfig
from schemas.signal import TelemetrySignal
from schemas.telemetry import SpanBatch, SpanKind, labels_of

T0_NS = 1_700_000_010_000 * 1_000_000
SERVICES = ("cart", "stock", "price")
RESOURCES = tuple(
    labels_of({"service.name": name, "k8s.node.name": f"node-{len(name) % 2}"})
    for name in SERVICES
)
SETS = (
    (),
    *(labels_of({"server.address": name}) for name in SERVICES),
    labels_of({"db.system.name": "mysql", "server.address": "mysql", "db.query.text": "SELECT 1"}),
    labels_of({"server.address": "redis", "db.system.name": "redis", "error.type": "timeout"}),
    labels_of({"messaging.system": "kafka", "messaging.destination.name": "orders"}),
)
NAMES = ("GET /", "pool.acquire", "process")
# trace, span, parent, start ms, end ms, kind, status, service, attributes, name
Span = tuple[int, int, int, int, int, int, int, int, int, int]


def a_batch(spans: Iterable[Span]) -> SpanBatch:
    table = np.array(list(spans), np.int64).reshape(-1, 10)
    ids = table[:, :3].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return SpanBatch(
        trace_hi=np.zeros(len(table), np.uint64),
        trace_lo=ids[:, 0],
        span_id=ids[:, 1],
        parent_id=ids[:, 2],
        start_ns=T0_NS + table[:, 3] * 1_000_000,
        end_ns=T0_NS + table[:, 4] * 1_000_000,
        kind=table[:, 5].astype(np.uint8),
        status=table[:, 6].astype(np.uint8),
        resource=table[:, 7].astype(np.int32),
        attributes=table[:, 8].astype(np.int32),
        name=table[:, 9].astype(np.int32),
        resources=RESOURCES,
        attribute_sets=SETS,
        names=NAMES,
    )


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    """Some traces of a minute, each a tree with gaps, in the order in which their spans ended."""
    made: list[Span] = []
    for trace in range(1, draw(st.integers(1, 6)) + 1):
        at = draw(st.integers(0, 60_000))
        for number in range(1, draw(st.integers(1, 7)) + 1):
            kind = draw(st.sampled_from(list(SpanKind)[1:]))
            start = at + draw(st.integers(0, 400))
            made.append(
                (
                    trace,
                    trace * 100 + number,
                    draw(st.sampled_from([0, *range(trace * 100 + 1, trace * 100 + number)])),
                    start,
                    start + draw(st.integers(0, 400)),
                    kind,
                    draw(st.sampled_from([0, 0, 2])),
                    draw(st.integers(0, len(SERVICES) - 1)),
                    # Peers whose meaning nobody has to learn.
                    draw(st.sampled_from([4, 5, 6])) if kind >= SpanKind.CLIENT else 0,
                    draw(st.integers(0, len(NAMES) - 1)),
                )
            )
    return sorted(made, key=lambda span: span[4])


def a_reducer(**config: float) -> SpanReducer:
    config = {"flush_seconds": 0, "trace_hold_seconds": 1} | config
    return SpanReducer("s-0", Resolver(ResolverConfig()), ReduceConfig(**config))


def replay(reducer: SpanReducer, batches: Iterable[list[Span]]) -> list[TelemetrySignal]:
    said = []
    for rows in batches:
        said += [s for _, s in reducer.handle(a_batch(rows), T0_NS // 10**6 + 100_000)]
    said += [s for _, s in reducer.flush()]
    return said


def totals(said: Iterable[TelemetrySignal]) -> dict[tuple[str, ...], dict[str, object]]:
    """What an engine holds in the end: the last that was said of each pane."""
    held: dict[tuple[str, ...], dict[str, object]] = {}
    for signal in said:
        for service in signal.services:
            held[(service.component.name, str(service.start_ms))] = asdict(service)
        for edge in signal.edges:
            held[(edge.caller.name, edge.callee.name, str(edge.start_ms))] = asdict(edge)
    return held


def cut(rows: list[Span], places: list[int]) -> list[list[Span]]:
    return [rows[a:b] for a, b in pairwise([0, *sorted(places), len(rows)])]


cuts = st.lists(st.integers(0, 30), max_size=6)


@settings(max_examples=30, deadline=None)
@given(spans(), cuts)
def test_a_batch_cut_into_many_gives_the_same_totals(rows: list[Span], places: list[int]) -> None:
    assert totals(replay(a_reducer(), [rows])) == totals(replay(a_reducer(), cut(rows, places)))


@settings(max_examples=30, deadline=None)
@given(spans(), cuts, st.randoms(use_true_random=False))
def test_spans_in_any_order_give_the_same_totals(
    rows: list[Span], places: list[int], random: object
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    expected = totals(replay(a_reducer(), [rows]))
    assert totals(replay(a_reducer(trace_keep_seconds=90), cut(shuffled, places))) == expected


@settings(max_examples=30, deadline=None)
@given(spans(), cuts)
def test_spans_that_come_again_change_nothing(rows: list[Span], places: list[int]) -> None:
    batches = cut(rows, places)
    repeated = [batch for batch in batches for _ in range(2)]
    once = totals(replay(a_reducer(), batches))
    assert once == totals(replay(a_reducer(trace_keep_seconds=90), repeated))


@settings(max_examples=30, deadline=None)
@given(spans(), cuts, st.integers(0, 6))
def test_a_restored_reducer_says_what_one_that_never_stopped_says(
    rows: list[Span], places: list[int], restart: int
) -> None:
    batches = cut(rows, places)
    reducer = a_reducer(flush_seconds=5)
    expected = replay(reducer, batches)
    first = a_reducer(flush_seconds=5)
    said = [
        signal
        for batch in batches[:restart]
        for _, signal in first.handle(a_batch(batch), T0_NS // 10**6 + 100_000)
    ]
    frozen = first.snapshot()
    second = a_reducer(flush_seconds=5)
    second.restore(frozen)
    assert second.snapshot() == frozen
    assert said + replay(second, batches[restart:]) == expected
    assert second.snapshot() == reducer.snapshot()


@settings(max_examples=30, deadline=None)
@given(spans())
def test_totals_add_up(rows: list[Span]) -> None:
    held = totals(replay(a_reducer(), [rows]))
    kinds = [SpanKind(row[5]) for row in rows]
    served = sum(k in (SpanKind.SERVER, SpanKind.CONSUMER) for k in kinds)
    jobs = sum(k is SpanKind.INTERNAL and row[2] == 0 for k, row in zip(kinds, rows, strict=True))
    services = [pane for key, pane in held.items() if len(key) == 2]
    edges = [pane for key, pane in held.items() if len(key) == 3]
    assert sum(int(str(pane["count"])) for pane in services) == served + jobs
    calls = sum(k in (SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER) for k in kinds)
    assert sum(int(str(pane["count"])) for pane in edges) == calls
    for pane in services:
        assert float(str(pane["self_ms"])) >= 0
        assert int(str(pane["origin_errors"])) <= int(str(pane["errors"]))
