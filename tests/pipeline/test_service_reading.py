import math

import pytest

from pipeline.service_reading import ServiceReading, read_service
from schemas.signal import Exemplar, ServicePane
from tests.pipeline.builders import PANE, T0, a_service_pane, component

STARTS = range(T0, T0 + 4 * PANE, PANE)


def past(*, ms: float = 20.0, count: int = 60, errors: int = 0, panes: int = 24):
    return [
        a_service_pane("cart", T0 - (i + 1) * PANE, ms=ms, count=count, errors=errors)
        for i in range(panes)
    ]


def window(*panes: dict[str, float] | None) -> list[ServicePane | None]:
    return [
        None if facts is None else a_service_pane("cart", start, **facts)
        for start, facts in zip(STARTS, panes, strict=True)
    ]


def read(now, before=None, *, settled: int = 4) -> ServiceReading:
    reading = read_service(
        now, past() if before is None else before, starts=STARTS, settled=settled
    )
    assert reading is not None
    return reading


CALM: dict[str, float] = {}


def test_what_never_had_a_span_has_no_reading():
    assert read_service([None] * 4, [None] * 24, starts=STARTS, settled=4) is None


def test_a_calm_window_reads_as_nothing_new():
    reading = read(window(CALM, CALM, CALM, CALM))
    assert reading.latency_ratio == reading.tail_ratio == 0.0
    assert reading.error_excess == 0.0
    assert reading.self_delta_ms == 0.0
    assert reading.served_ratio == pytest.approx(0.0)
    assert reading.onset_ms is None


def test_slowness_is_the_mean_of_the_two_slowest_panes():
    reading = read(window(CALM, {"ms": 200.0}, {"ms": 200.0}, CALM))
    assert reading.latency_ms == pytest.approx(200.0, rel=0.1)
    assert reading.baseline_latency_ms == pytest.approx(20.0, rel=0.1)
    assert reading.latency_ratio == pytest.approx(math.log(202 / 22), abs=0.1)
    assert reading.self_delta_ms == pytest.approx(90.0)
    assert reading.onset_ms == STARTS[1]


def test_failures_begin_where_three_and_five_percent_failed():
    reading = read(window({"errors": 2}, {"errors": 3}, {"errors": 30}, {"errors": 30}))
    assert reading.error_rate == pytest.approx(0.5)
    assert reading.onset_ms == STARTS[2]
    assert reading.origin_errors == 65


def test_what_always_fails_is_no_excess():
    reading = read(window(*[{"errors": 6}] * 4), past(errors=6))
    assert reading.error_rate == pytest.approx(0.1)
    assert reading.error_excess == 0.0


def test_panes_with_fewer_than_three_spans_say_nothing_of_rates():
    reading = read(window(*[{"count": 2, "errors": 2, "ms": 9000.0}] * 4))
    assert reading.count == 8
    assert (reading.latency_ms, reading.error_rate) == (0.0, 0.0)
    assert reading.latency_ratio == 0.0


def test_without_a_past_nothing_is_a_change():
    reading = read(window(*[{"ms": 9000.0}] * 4), [])
    assert reading.latency_ratio == reading.self_delta_ms == reading.served_ratio == 0.0
    assert reading.latency_ms > 5000
    assert reading.onset_ms is None


def test_silence_shows_only_in_panes_that_are_over():
    assert read(window(CALM, CALM, None, None)).served_ratio < -4
    assert read(window(CALM, CALM, None, None), settled=2).served_ratio == pytest.approx(0.0)
    assert read(window(CALM, CALM, None, None), settled=0).served_ratio == 0.0


def test_a_young_component_is_compared_with_the_time_that_it_existed():
    young = [None] * 20 + past(panes=4)
    assert read(window(CALM, CALM, CALM, CALM), young).served_ratio == pytest.approx(0.0)


def test_waiting_is_a_share_of_time_and_exemplars_come_from_the_last_panes():
    pane = ServicePane(
        component=component("cart"),
        start_ms=T0,
        count=10,
        duration_ms=1000.0,
        wait_ms=400.0,
        exemplars=(
            Exemplar(trace_id="t", span_id="s", operation="GET", start_ms=T0, duration_ms=9.0),
        ),
    )
    reading = read([pane, None, None, None])
    assert reading.wait_share == pytest.approx(0.4)
    assert [e.trace_id for e in reading.exemplars] == ["t"]
