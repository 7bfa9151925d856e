"""Calls that are missing, as CORRELATE measures them."""

from dataclasses import replace

import pytest

from models.rules import RuleRanker
from pipeline.blocks.missing_calls import measure_missing_calls
from pipeline.config import PipelineConfig
from pipeline.engine import Engine
from pipeline.pane_store import PaneStore
from tests.pipeline.builders import T0, an_alert, an_edge_pane, telemetry
from tests.pipeline.scenes import CONFIG, a_case, a_scene
from tests.pipeline.storms import SINCE, calls, kinds, said

PANES = len(SINCE)
BEFORE = {"expected": 60.0, "made": 60}


def asked(caller: str, callee: str, *, expected: float, made: int, broke: int = 0):
    """An edge whose panes since the onset tell these numbers, and before it what is usual."""
    signals = calls(caller, callee, before={}, since={}, expected=expected, made=made, broke=broke)
    return [
        signal
        if signal.edges[0].expected
        else replace(signal, edges=(replace(signal.edges[0], **BEFORE),))
        for signal in signals
    ]


def measured(signals, name: str):
    return measure_missing_calls(a_case(a_scene(signals), an_alert("cart")), name)


def test_a_caller_that_leaves_out_its_usual_calls_is_told_with_numbers():
    signals = [
        *asked("cart", "stock", expected=10.0, made=4),
        *asked("cart", "db", expected=10.0, made=10),
    ]
    block = measured(signals, "cart")
    expected = 10.0 * PANES
    assert block.measures["calls_missing"] == pytest.approx(0.6 * expected / (expected + 3))
    assert said(block, "calls_missing") == (
        f"it makes {4 * PANES} calls to stock, {expected:.0f} are usual for the requests that it"
        " gets: 60 % less"
    )
    assert "called_less" not in block.measures


def test_the_callee_is_called_less_by_all_its_callers_together():
    signals = [
        *asked("cart", "stock", expected=10.0, made=0),
        *asked("web", "stock", expected=10.0, made=10),
    ]
    block = measured(signals, "stock")
    expected = 20.0 * PANES
    assert block.measures["called_less"] == pytest.approx(0.5 * expected / (expected + 3))
    assert "calls_missing" not in block.measures


def test_more_calls_than_usual_are_not_missing():
    block = measured(asked("cart", "stock", expected=10.0, made=12), "cart")
    assert block.measures["calls_missing"] == 0.0
    assert not kinds(block)


def test_calls_that_were_missing_before_too_say_nothing():
    fewer = calls("cart", "stock", before={}, since={})
    signals = [
        replace(signal, edges=(replace(signal.edges[0], expected=10.0, made=4),))
        for signal in fewer
    ]
    block = measured(signals, "cart")
    assert block.measures["calls_missing"] == pytest.approx(0.0, abs=0.01)
    assert not kinds(block)


def test_a_few_expected_calls_are_no_data():
    few = measured(asked("cart", "stock", expected=4.0 / PANES, made=0), "cart")
    assert few.measures == {}


def test_who_answered_last_before_requests_broke_off_is_told_apart():
    signals = [
        *asked("cart", "stock", expected=10.0, made=10, broke=6),
        *asked("cart", "db", expected=10.0, made=4, broke=0),
    ]
    broken = 6.0 * PANES
    stock, db = measured(signals, "stock"), measured(signals, "db")
    assert stock.measures["last_before_break"] == pytest.approx(broken / (broken + 3))
    assert db.measures["last_before_break"] == 0.0


def test_breaks_that_are_usual_say_nothing():
    signals = [
        replace(signal, edges=(replace(signal.edges[0], broke=6, made=10, expected=10.0),))
        for signal in calls("cart", "stock", before={}, since={})
    ]
    assert measured(signals, "stock").measures["last_before_break"] == 0.0


def test_a_copy_of_a_pane_that_expects_more_stands_though_nothing_was_called():
    store = PaneStore(CONFIG.evidence)
    pane = an_edge_pane("cart", "db", T0, count=0)
    older, newer = replace(pane, expected=2.0), replace(pane, expected=7.0, made=1)
    for one in (older, newer, older):
        store.add(telemetry(at_s=30, edges=(one,)))
    assert store.edges.row(("cart", "db"), range(T0, T0 + 1, 30_000)) == [newer]
    other = replace(pane, expected=1.0, made=1, broke=1)
    store.add(telemetry(at_s=30, edges=(other,), source="otlp_spans/1"))
    (total,) = store.edges.row(("cart", "db"), range(T0, T0 + 1, 30_000))
    assert total is not None
    assert (total.expected, total.made, total.broke) == (8.0, 2, 1)


def test_expected_calls_alone_make_no_edge_of_the_service_graph():
    engine = Engine("test", PipelineConfig(), RuleRanker())
    pane = an_edge_pane("cart", "db", T0, count=0)
    engine.handle(telemetry(at_s=30, edges=(replace(pane, expected=7.0),)), T0 + 31_000)
    engine.handle(telemetry(at_s=90), T0 + 91_000)
    assert engine.stats()["edges"] == 0.0
