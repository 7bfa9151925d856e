"""What alerts, metrics, changes and topology measure and say, on scenes built for it."""

import math
from dataclasses import replace

import pytest

from pipeline.blocks.alerts import measure_alerts
from pipeline.blocks.block import milliseconds, percent, ramp
from pipeline.blocks.changes import measure_changes
from pipeline.blocks.edges import measure_edges
from pipeline.blocks.metrics import measure_metrics
from pipeline.blocks.silence import measure_silence
from pipeline.blocks.spans import measure_spans
from pipeline.blocks.topology import measure_topology
from pipeline.question import ask
from pipeline.service_graph import ServiceGraph
from schemas.component import Component, ComponentKind
from schemas.signal import SeriesPane
from tests.pipeline.builders import (
    T0,
    a_change,
    a_series_pane,
    an_alert,
    component,
    healthy_then_slow,
    telemetry,
)
from tests.pipeline.scenes import CONFIG, NOW_S, a_case, a_graph, a_scene
from tests.pipeline.storms import (
    SINCE,
    db_case,
    kinds,
    reports,
    said,
)


def no_flaps(fingerprint: str) -> int:
    del fingerprint
    return 0


@pytest.mark.parametrize(("value", "expected"), [(-1, 0), (0.5, 0), (0.75, 0.5), (2, 1)])
def test_a_ramp_is_bounded(value, expected):
    assert ramp(value, 0.5, 1.0) == expected


def test_numbers_are_written_for_people():
    assert percent(0.005) == "0 %"
    assert [milliseconds(v) for v in (0.0, 9.94, 999.4, 1000.0)] == [
        "0.0 ms",
        "9.9 ms",
        "999 ms",
        "1.0 s",
    ]


def test_alerts_are_counted_and_told_by_cause_and_symptom():
    alerts = [
        an_alert("db", rule="MysqlConnectionsNearLimit", at_s=30, severity="warning"),
        an_alert("db", rule="HighLatency", at_s=40),
        an_alert("cart"),
    ]
    case = a_case(a_scene(graph=a_graph([("cart", "db")])), *alerts)
    block = measure_alerts(case, "db", flaps=lambda f: 3)
    assert block.measures["alert_count"] == 2
    assert block.measures["alert_share"] == pytest.approx(2 / 3)
    assert block.measures["alert_rules"] == 2
    assert block.measures["alert_onset_s"] == 30
    assert block.measures["alert_cause_share"] == 0.5
    assert block.measures["alert_flaps"] == 3
    assert said(block, "alert_cause") == "1 alert on it: MysqlConnectionsNearLimit"
    assert said(block, "alert_symptom") == "1 alert on it: HighLatency"


def test_many_rules_are_told_briefly_and_referred_to():
    alerts = [an_alert("db", rule=f"CpuHigh{i}") for i in range(6)]
    block = measure_alerts(a_case(a_scene(), *alerts), "db", flaps=no_flaps)
    statement = said(block, "alert_cause")
    assert statement.startswith("6 alerts on it: CpuHigh0, CpuHigh1")
    assert statement.endswith("and 2 more")
    assert {r.id for r in block.evidence[0].references} == {a.alert.fingerprint for a in alerts}


def test_a_candidate_without_alerts_has_a_count_of_zero():
    block = measure_alerts(db_case([]), "db", flaps=no_flaps)
    assert block.measures == {"alert_count": 0.0, "alert_share": 0.0}
    assert block.evidence == []


def test_no_data_is_not_zero():
    case = a_case(a_scene(), an_alert("cart"))
    for measure in (measure_metrics, measure_silence, measure_spans, measure_edges):
        assert measure(case, "cart").measures == {}, measure.__name__
    assert measure_topology(case, "cart").measures == {}
    assert measure_changes(case, "cart", any_seen=False).measures == {}


def test_a_metric_class_that_is_reported_and_calm_is_zero():
    block = measure_metrics(db_case(reports(classes=("cpu", "pool"))), "db")
    assert block.measures["z_cpu"] == block.measures["z_pool"] == 0.0
    assert "z_disk" not in block.measures
    assert block.evidence == []


def test_a_full_pool_is_told_with_its_share():
    usage = replace(
        a_series_pane("db", T0, z=20.0, metric="connections / max_connections"), value=0.97
    )
    block = measure_metrics(db_case(reports(usage)), "db")
    assert block.measures["pool_usage"] == 0.97
    assert said(block, "pool_saturated") == "97 % of its connections in use"
    half = measure_metrics(db_case(reports(replace(usage, value=0.5))), "db")
    assert half.measures["pool_usage"] == 0.5
    assert "pool_saturated" not in kinds(half)


def test_the_client_that_holds_a_pool_is_named():
    def held(by: str, value: float, usual: float) -> SeriesPane:
        pane = a_series_pane("db", T0, z=9.0, metric="client_connections")
        return replace(pane, series_id=by, holder=by, value=value, center=usual)

    rows = [held("report-job", 90.0, 2.0), held("orders", 10.0, 10.0)]
    block = measure_metrics(db_case(reports(*rows)), "db")
    assert said(block, "holder_dominant").startswith("report-job holds 90 % of its connections")
    (found,) = (e for e in block.evidence if e.kind == "holder_dominant")
    assert found.details == {"holder": "report-job"}
    assert found.strength == 1.0
    usual = [held("report-job", 90.0, 88.0), held("orders", 10.0, 10.0)]
    assert "holder_dominant" not in kinds(measure_metrics(db_case(reports(*usual)), "db"))


@pytest.mark.parametrize(
    ("metric", "metric_class", "kind"),
    [
        ("process_cpu_usage", "cpu", "cpu_saturated"),
        ("jvm_gc_pause", "gc", "gc_pauses"),
        ("disk_io_time", "disk", "disk_busy"),
        ("consumer_lag", "queue", "queue_lag"),
        ("cache_evictions", "cache", "evictions"),
        ("cache_misses", "cache", "cache_misses"),
        ("threads_pending", "pool", "pool_waiting"),
    ],
)
def test_each_class_that_left_its_baseline_is_told(metric, metric_class, kind):
    series = a_series_pane("db", T0, z=12.0, metric=metric, cls=metric_class)
    block = measure_metrics(db_case(reports(series)), "db")
    assert f"{metric} at 22, usually 10 (12 deviations)" in said(block, kind)
    assert block.measures[f"z_{metric_class}"] == 12.0
    calm = replace(series, z=2.9)
    assert measure_metrics(db_case(reports(calm)), "db").evidence == []


def test_the_last_anomalous_one_on_the_path_is_the_frontier():
    case = a_case(a_scene(healthy_then_slow(onset_s=0)), an_alert("web"), an_alert("cart"))
    web, db = measure_topology(case, "web"), measure_topology(case, "db")
    assert (web.measures["frontier"], db.measures["frontier"]) == (0.0, 1.0)
    assert said(web, "explained") == "it calls cart, orders, which is anomalous itself"
    assert not next(e for e in web.evidence if e.kind == "explained").supports
    assert db.measures["explains_recall"] == 1.0
    assert web.measures["explains_recall"] == 0.5
    assert db.measures["callers_anomalous"] == 1.0
    assert "callees_anomalous" not in db.measures
    assert db.measures["page_rank"] > web.measures["page_rank"]


def test_what_stayed_at_its_baseline_is_told_as_quiet():
    case = a_case(a_scene(healthy_then_slow(onset_s=9_000)), an_alert("cart"))
    quiet = measure_topology(case, "db")
    assert said(quiet, "quiet") == "nothing measured of it left its baseline"
    assert quiet.measures["frontier"] == 0.0


def test_a_node_is_told_with_what_suffers_on_it():
    hot = [
        telemetry(
            at_s=NOW_S,
            series=tuple(
                a_series_pane("node-1", T0 + s * 1000, z=30.0, metric="node_cpu", cls="cpu")
                for s in SINCE
            ),
        )
    ]
    graph = a_graph(on=[("cart", "node-1"), ("web", "node-1"), ("mail", "node-1")])
    case = a_case(
        a_scene(hot, graph=graph, firing=["cart", "web"]), an_alert("cart"), an_alert("web")
    )
    block = measure_topology(case, "node-1")
    assert said(block, "colocated") == "2 of the 3 components on it are anomalous (67 %)"
    assert block.measures["colocation"] == pytest.approx(2 / 3)


def test_a_recent_change_is_told_with_its_age():
    case = a_case(a_scene(), an_alert("cart"), changes=[a_change(at_s=-600)])
    block = measure_changes(case, "cart", any_seen=True)
    assert said(block, "change_recent") == "deploy 10 min before the onset: v2"
    assert block.measures["change_recency"] == pytest.approx(math.exp(-600 / 900))
    assert block.measures["change_precedes"] == 1.0


@pytest.mark.parametrize("at_s", [-1801, 61], ids=["too old", "after the onset"])
def test_other_changes_are_no_evidence_but_known(at_s):
    case = a_case(a_scene(), an_alert("cart"), changes=[a_change(at_s=at_s)])
    block = measure_changes(case, "cart", any_seen=True)
    assert block.evidence == []
    assert block.measures["change_precedes"] == 0.0


def test_a_callees_change_is_measured_on_its_caller():
    scene = a_scene(graph=a_graph([("cart", "db")]))
    case = a_case(scene, an_alert("cart"), changes=[a_change("db", at_s=-60)])
    block = measure_changes(case, "cart", any_seen=True)
    assert block.measures["change_callee_recency"] == pytest.approx(math.exp(-60 / 900))
    assert block.measures["change_recency"] == 0.0


def test_the_question_holds_each_candidate_once_and_the_strongest_evidence_first():
    scene = a_scene(healthy_then_slow(onset_s=0), firing=["cart"])
    case = a_case(scene, an_alert("cart"), changes=[a_change("db")])
    question = ask(case, flaps=no_flaps, changes_seen=True)
    names = [c.component.name for c in question.candidates]
    assert names == sorted(set(names))
    assert {"cart", "db"} <= set(names)
    for candidate in question.candidates:
        strengths = [e.strength for e in candidate.evidence]
        assert strengths == sorted(strengths, reverse=True)
        assert all(0.0 <= s <= 1.0 for s in strengths)
        told = [(e.kind, e.supports) for e in candidate.evidence]
        assert len(told) == len(set(told))
    assert question.context["alerts"] == 1
    assert question.context["has_changes"] == 1.0
    assert question.context["elapsed_s"] == NOW_S


def slow_from(name: str, second: int, cls: str = "latency") -> list:
    """A component whose metric is out of line from a second on."""
    return [
        telemetry(
            at_s=s + 30,
            series=(a_series_pane(name, T0 + s * 1000, z=20.0, metric=f"{cls}_x", cls=cls),),
            source=f"metrics/{name}",
        )
        for s in SINCE
        if s >= second
    ]


BALANCED = [("web", "balancer"), ("web", "search"), ("search", "db")]


@pytest.mark.parametrize(
    ("edges", "second", "cls", "mirrors"),
    [
        (BALANCED, 0, "latency", True),
        (BALANCED, 120, "latency", False),  # began later
        (BALANCED, 0, "errors", False),  # shows something else
        ([*BALANCED, ("search", "balancer")], 0, "latency", False),  # is called by it
        ([("web", "balancer"), ("web", "search")], 0, "latency", False),  # calls nobody
        ([*BALANCED, ("ads", "balancer")], 0, "latency", False),  # others call it, too
    ],
)
def test_a_leaf_that_shows_what_its_callers_other_callee_shows_is_a_stand_in(
    edges, second, cls, mirrors
):
    signals = [*slow_from("balancer", 0), *slow_from("search", second, cls)]
    case = a_case(a_scene(signals, graph=a_graph(edges)), an_alert("web"))
    block = measure_topology(case, "balancer")
    assert block.measures.get("mirrored", 0.0) == float(mirrors)
    told = "search, which its callers call too, began to show the same"
    assert any(e.statement == told for e in block.evidence) is mirrors


def test_a_cache_that_fails_beside_a_service_is_no_stand_in_of_it():
    graph = ServiceGraph(CONFIG.graph)
    cache = Component(name="cache", kind=ComponentKind.CACHE)
    for callee in (cache, component("search")):
        graph.add_edge(component("web"), callee, source="spans", seen_ms=T0)
    graph.add_edge(component("search"), component("db"), source="spans", seen_ms=T0)
    signals = [*slow_from("cache", 0), *slow_from("search", 0)]
    case = a_case(a_scene(signals, graph=graph), an_alert("web"))
    assert "mirrored" not in measure_topology(case, "cache").measures


def test_a_component_that_does_better_than_usual_sends_nobody_away():
    better = [
        telemetry(
            at_s=s + 30,
            series=(a_series_pane("db", T0 + s * 1000, z=-1.05, metric="cpu_x", cls="cpu"),),
            source="metrics/0",
        )
        for s in SINCE
    ]
    graph = a_graph([("cart", "db"), ("web", "cart")])
    case = a_case(a_scene(better, graph=graph), an_alert("cart"), an_alert("db"))
    # With a negative weight that cancels the others the walk never came to an end.
    assert min(case.page_rank.values()) > 0.0
