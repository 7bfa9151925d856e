"""What alerts speak of, about whose calls, and beside neighbours and replicas."""

import math
from dataclasses import replace

import pytest

from pipeline.alert_topic import call_of, topic_of
from pipeline.blocks.alert_topics import Replicas, measure_topics
from schemas.alert import Alert, AlertStatus
from tests.pipeline.builders import an_alert
from tests.pipeline.scenes import a_case, a_graph, a_scene


def alert(**labels: str) -> Alert:
    return Alert(
        fingerprint="0",
        status=AlertStatus.FIRING,
        starts_ms=0,
        labels=tuple(sorted(labels.items())),
    )


@pytest.mark.parametrize(
    ("rule", "topic"),
    [
        ("ContainerMemoryNearLimit", "memory"),
        ("HostOutOfDiskSpace", "disk"),
        ("HighErrorRate", "errors"),
        ("RequestRateLow", "traffic_down"),
        ("HighRequestRate", "traffic_up"),
        ("KubePodCrashLooping", "availability"),
        ("LogErrors", "logs"),
        ("SomethingOdd", "other"),
    ],
)
def test_the_rules_name_says_what_it_is_about(rule: str, topic: str) -> None:
    assert topic_of(alert(alertname=rule)) == topic


def test_labels_go_before_the_name() -> None:
    assert topic_of(alert(alertname="Anomaly", metric="cpu_usage", direction="down")) == "fall"
    assert (
        topic_of(alert(alertname="Anomaly", metric="success_rate", direction="down")) == "errors"
    )


def test_calls_need_both_sides() -> None:
    both = alert(alertname="CallLatency", source_workload="web", destination_workload="db")
    call = call_of(both)
    assert call is not None
    assert (call.caller, call.callee, call.slow) == ("web", "db", True)
    assert call_of(alert(alertname="CallLatency", source_workload="web")) is None


def test_replicas_are_those_that_differ_in_their_number_alone() -> None:
    counts = {"orders-0": {"rules": 3.0}, "orders-db-0": {"rules": 9.0}, "web1": {"rules": 1.0}}
    replicas = Replicas(["orders-0", "orders-1", "orders-db-0", "web", "web1", "web2"], counts)
    beyond = {
        n: replicas.beside(n).get("alerts_beyond_replicas") for n in ("orders-0", "orders-1")
    }
    assert beyond == {"orders-0": math.log(4), "orders-1": -math.log(4)}
    assert replicas.beside("web1")["alerts_beyond_replicas"] == math.log(2)
    assert replicas.beside("orders-db-0") == replicas.beside("web") == {}


def a_call(caller: str, callee: str, rule: str):
    signal = an_alert(callee, rule=rule, extra=caller)
    labels = (*signal.alert.labels, ("source_workload", caller), ("destination_workload", callee))
    return replace(signal, alert=replace(signal.alert, labels=tuple(sorted(labels))))


def measures_of(name: str, *alerts, edges=(), known=()):
    case = a_case(a_scene(graph=a_graph(edges)), *alerts)
    replicas = Replicas(known, case.alert_topics)
    return measure_topics(name, case.alert_topics, case.scene.graph, replicas).measures


def test_rules_are_counted_once_by_topic() -> None:
    alerts = (
        an_alert("cart", rule="HighMemory"),
        an_alert("cart", rule="HighMemory", extra="other container"),
        an_alert("cart", rule="MemoryNearLimit"),
        an_alert("cart", rule="HighErrorRate"),
    )
    assert measures_of("cart", *alerts) == {"alerts_memory": 2, "alerts_errors": 1}


def test_an_alert_about_calls_counts_on_both_sides_and_is_no_rule_of_its_own() -> None:
    alerts = (a_call("web", "db", "CallErrors"), a_call("db", "db", "CallLatency"))
    assert measures_of("db", *alerts) == {"alerts_calls_in_failed": 1, "alerts_calls_self": 1}
    assert measures_of("web", *alerts) == {"alerts_calls_out_failed": 1}


def test_neighbours_and_replicas_are_compared_by_their_means() -> None:
    alerts = (
        an_alert("cart-0", rule="HighMemory"),
        an_alert("cart-0", rule="HighErrorRate"),
        an_alert("db", rule="DiskFull"),
    )
    found = measures_of(
        "cart-0", *alerts, edges=[("cart-0", "db"), ("cart-0", "mail")], known=["cart-0", "cart-1"]
    )
    assert found["alerts_callees"] == 0.5
    assert "alerts_callers" not in found
    assert found["alerts_beyond_replicas"] == pytest.approx(math.log(3))
    assert found["resource_beyond_replicas"] == pytest.approx(math.log(2))
    assert found["logs_beyond_replicas"] == 0.0
