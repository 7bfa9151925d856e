import math
from dataclasses import replace

import pytest

from pipeline.edge_reading import EdgeReading, read_edge
from schemas.signal import EdgePane, StatementTotal
from tests.pipeline.builders import PANE, T0, an_edge_pane


def panes(*facts: dict[str, float] | None, first: int = 0) -> list[EdgePane | None]:
    return [
        None if f is None else an_edge_pane("web", "db", T0 + (first + i) * PANE, **f)
        for i, f in enumerate(facts)
    ]


def read(now, before=None, *, settled: int = 4) -> EdgeReading:
    past = panes(*[{}] * 24, first=-24) if before is None else before
    reading = read_edge("web", "db", window=now, baseline=past, pane_ms=PANE, settled=settled)
    assert reading is not None
    return reading


def with_statement(pane: EdgePane | None, *, text: str, count: int, ms: float) -> EdgePane:
    assert pane is not None
    total = StatementTotal(text=text, count=count, duration_ms=ms * count)
    return replace(pane, statements=(*pane.statements, total))


def test_what_was_never_called_has_no_reading():
    nothing: list[EdgePane | None] = [None] * 4
    assert read_edge("a", "b", window=nothing, baseline=nothing, pane_ms=PANE, settled=4) is None


def test_usual_calls_are_no_anomaly():
    reading = read(panes({}, {}, {}, {}))
    assert not reading.is_anomalous
    assert (reading.caller, reading.callee) == ("web", "db")
    assert reading.latency_ratio == reading.traffic_ratio == reading.attempts_ratio == 0.0


@pytest.mark.parametrize(
    ("before_ms", "now_ms", "expected"),
    [(10.0, 100.0, True), (10.0, 14.0, False), (0.5, 4.0, False), (100.0, 150.0, False)],
    ids=["ten times", "a little", "within 5 ms", "half more"],
)
def test_slow_is_twice_and_by_more_than_five_milliseconds(before_ms, now_ms, expected):
    past = panes(*[{"ms": before_ms}] * 24, first=-24)
    assert read(panes(*[{"ms": now_ms}] * 4), past).is_anomalous is expected


@pytest.mark.parametrize(("errors", "expected"), [(3, False), (4, True), (60, True)])
def test_failing_is_five_percent_above_the_past(errors, expected):
    assert read(panes(*[{"errors": errors}] * 4)).is_anomalous is expected


def test_the_kinds_of_failure_are_shares_of_the_calls():
    pane = an_edge_pane("web", "db", T0, errors=30)
    pane = replace(pane, timeouts=6, refused=12, tls_errors=3)
    reading = read([pane, None, None, None])
    assert (reading.error_rate, reading.timeout_share) == (0.5, 0.1)
    assert (reading.refused_share, reading.tls_share) == (0.2, 0.05)


def test_calls_in_flight_follow_littles_law():
    reading = read(panes(*[{"ms": 1000.0, "count": 60}] * 4))
    assert reading.in_flight == pytest.approx(2.0)
    assert reading.baseline_in_flight == pytest.approx(0.02)


def test_attempts_count_retries_of_one_parent():
    retried = [replace(an_edge_pane("web", "db", T0 + i * PANE), parents=20) for i in range(4)]
    assert read(retried).attempts_ratio == pytest.approx(math.log(3.05 / 1.05))


def test_traffic_counts_only_panes_that_are_over():
    now = panes({"count": 240}, {"count": 240}, {"count": 9}, None)
    assert read(now, settled=2).traffic_ratio == pytest.approx(math.log(241 / 61))
    assert read(now, settled=0).traffic_ratio == 0.0


def test_a_new_edge_has_no_ratios():
    reading = read(panes(*[{"ms": 5000.0}] * 4), [])
    assert reading.baseline_count == 0
    assert reading.latency_ratio == reading.traffic_ratio == 0.0


def test_the_statement_that_grew_most_is_named():
    def both(pane: EdgePane | None, report_ms: float) -> EdgePane:
        fast = with_statement(pane, text="SELECT 1", count=30, ms=5.0)
        return with_statement(fast, text="SELECT report", count=30, ms=report_ms)

    past = [both(p, 10.0) for p in panes(*[{}] * 24, first=-24)]
    reading = read([both(p, 900.0) for p in panes(*[{}] * 4)], past)
    assert reading.slow_statement is not None
    assert reading.slow_statement.text == "SELECT report"
    assert reading.slow_statement.mean_ms == pytest.approx(900.0)
    assert reading.slow_statement.baseline_ms == pytest.approx(10.0)
    assert reading.slow_statement.ratio == pytest.approx(math.log(901 / 11))


def test_a_statement_never_seen_before_is_not_called_slow():
    now = [with_statement(p, text="SELECT new", count=30, ms=900.0) for p in panes({}, {})]
    assert read([*now, None, None]).slow_statement is None


def test_the_served_share_says_whether_the_other_side_was_seen():
    served = [replace(an_edge_pane("web", "db", T0), served=30), None, None, None]
    reading = read(served)
    assert (reading.served_share, reading.baseline_served_share) == (0.5, 0.0)
