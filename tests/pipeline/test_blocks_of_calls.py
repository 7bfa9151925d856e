"""What spans, calls and silence measure and say, on scenes built for it."""

import math
from dataclasses import replace

import pytest

from pipeline.blocks.edges import measure_edges
from pipeline.blocks.silence import measure_silence
from pipeline.blocks.spans import measure_spans
from schemas.signal import StatementTotal
from tests.pipeline.builders import (
    T0,
    a_series_pane,
    a_service_pane,
    an_alert,
    an_edge_pane,
    telemetry,
)
from tests.pipeline.scenes import a_case, a_scene
from tests.pipeline.storms import (
    BEFORE,
    calls,
    db_case,
    kinds,
    reports,
    said,
    serves,
)


def test_a_callee_that_fails_is_accused_by_its_caller():
    signals = calls("cart", "db", before={}, since={"errors": 30}, timeouts=12, refused=6)
    block = measure_edges(db_case(signals), "db")
    assert said(block, "edge_errors") == "50 % of the calls from cart fail"
    assert said(block, "edge_timeouts") == "20 % of the calls from cart time out"
    assert said(block, "edge_refused") == "10 % of the calls from cart are refused"
    assert block.measures["edge_errors"] == 0.5
    assert block.measures["edge_fan_in"] == 1.0


def test_other_callers_that_see_it_are_counted():
    signals = [
        *calls("cart", "db", before={}, since={"errors": 30}),
        *calls("web", "db", before={}, since={"errors": 6}),
        *calls("mail", "db", before={}, since={}),
    ]
    block = measure_edges(db_case(signals), "db")
    statement = said(block, "edge_errors")
    assert statement == "50 % of the calls from cart fail, and 1 other callers see it too"
    assert block.measures["edge_fan_in"] == pytest.approx(2 / 3)


def test_blame_goes_on_to_a_callee_that_fails_as_much():
    signals = [
        *calls("web", "cart", before={}, since={"errors": 30}),
        *calls("cart", "db", before={}, since={"errors": 30}),
    ]
    case = a_case(a_scene(signals), an_alert("web"))
    assert measure_edges(case, "cart").measures["edge_errors"] == 0.0
    assert measure_edges(case, "db").measures["edge_errors"] == 0.5


def test_slow_calls_are_told_with_both_times_and_traces_to_look_at():
    signals = calls("cart", "db", before={"ms": 10.0}, since={"ms": 800.0})
    block = measure_edges(db_case(signals), "db")
    statement = said(block, "edge_latency")
    assert statement.startswith("calls from cart take ")
    assert "usually " in statement
    assert block.measures["edge_latency_ratio"] == pytest.approx(math.log(801 / 11), abs=0.2)


def test_the_caller_whose_calls_pile_up_is_named_as_holder():
    signals = [
        *calls("cart", "db", before={}, since={}),
        *calls("report-job", "db", before={"count": 3}, since={"ms": 9000.0, "count": 60}),
    ]
    block = measure_edges(db_case(signals), "db")
    assert said(block, "holder_dominant").startswith("report-job keeps 18 calls in flight to it")
    (found,) = (e for e in block.evidence if e.kind == "holder_dominant")
    assert found.details == {"holder": "report-job"}


def test_load_and_retries_are_told():
    signals = calls("cart", "db", before={}, since={"count": 240}, parents=80)
    block = measure_edges(db_case(signals), "db")
    assert said(block, "traffic_up") == "it gets 4.0 times its usual calls"
    assert said(block, "retries").startswith("cart makes 2.9 times as many attempts")
    fewer = measure_edges(db_case(calls("cart", "db", before={}, since={"count": 6})), "db")
    assert said(fewer, "traffic_down") == "it gets 0.1 times its usual calls"


def test_a_statement_that_slowed_alone_is_named():
    def with_statements(report_ms: float):
        return (
            StatementTotal(text="SELECT report", count=20, duration_ms=20 * report_ms),
            StatementTotal(text="SELECT 1", count=20, duration_ms=100.0),
        )

    before = [
        replace(s, edges=(replace(s.edges[0], statements=with_statements(10.0)),))
        for s in calls("cart", "db", before={}, since=None)
    ]
    since = calls("cart", "db", before=None, since={}, statements=with_statements(900.0))
    block = measure_edges(db_case([*before, *since]), "db")
    assert said(block, "slow_statement") == "SELECT report takes 900 ms, usually 10 ms"
    assert block.measures["statement_ratio"] > 4


def test_a_component_slower_in_itself_is_told_apart_from_one_that_waits_for_another():
    signals = [
        *serves("cart", before={}, since={"ms": 900.0}, self_ms=60 * 10.0),
        *serves("db", before={}, since={"ms": 900.0}, self_ms=60 * 890.0),
    ]
    case = db_case(signals)
    cart, db = measure_spans(case, "cart"), measure_spans(case, "db")
    assert "latency_up" in kinds(cart)
    assert "self_time_up" not in kinds(cart)
    assert said(db, "self_time_up").endswith("are spent in itself, 100 % of all extra time")
    assert db.measures["self_time_share"] == pytest.approx(1.0)
    assert cart.measures["self_time_share"] == pytest.approx(0.0)


def test_errors_are_told_with_the_share_that_begins_here():
    signals = [
        *serves("cart", before={}, since={"errors": 30}, origin_errors=0),
        *serves("db", before={}, since={"errors": 30}, origin_errors=30),
    ]
    case = db_case(signals)
    statement = said(measure_spans(case, "db"), "errors_up")
    assert statement == "50 % of its requests fail, 100 % of the incident's errors begin in it"
    assert measure_spans(case, "cart").measures["error_origin"] == 0.0


def test_time_spent_waiting_is_told():
    signals = serves("cart", before={}, since={"ms": 100.0}, wait_ms=60 * 60.0)
    block = measure_spans(db_case(signals), "cart")
    assert said(block, "pool_waiting") == "60 % of its time it waits for a pool or lock"


def test_one_that_is_called_and_serves_nothing_is_silent():
    signals = [
        *serves("db", before={}, since=None),
        *calls("cart", "db", before={}, since={"errors": 60}),
    ]
    block = measure_silence(db_case(signals), "db")
    assert said(block, "silent").startswith("it serves almost no requests")
    assert block.measures["silence"] < -3


def test_one_that_nobody_calls_any_more_is_not_silent():
    signals = [
        *serves("db", before={}, since=None),
        *calls("cart", "db", before={}, since={"count": 3}),
    ]
    block = measure_silence(db_case(signals), "db")
    assert block.measures["silence"] == 0.0
    assert block.evidence == []


def test_one_that_nobody_calls_since_the_alert_is_not_silent():
    busy = range(BEFORE.start, 0, 30)
    signals = [
        telemetry(
            at_s=second + 30,
            services=(a_service_pane("db", T0 + second * 1000),),
            edges=(an_edge_pane("cart", "db", T0 + second * 1000),),
        )
        for second in busy
    ]
    assert measure_silence(db_case(signals), "db").evidence == []


def test_series_that_stopped_are_told():
    row = a_series_pane("db", T0, z=0.0, metric="mysql_up", cls="availability")
    gone = measure_silence(db_case(reports(replace(row, stale=True))), "db")
    assert said(gone, "stale") == "1 of its metric series stopped"
    assert said(gone, "silent") == "it stopped reporting"
    assert measure_silence(db_case(reports(row)), "db").evidence == []
