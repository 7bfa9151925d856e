import numpy as np
import orjson
import pytest

from models.simulator.alert_rule import WARNING, AlertRule
from models.simulator.alert_rules import RULES
from models.simulator.alerting import Firing, evaluate
from models.simulator.alertmanager import ZERO_TIME, fingerprint_of, notify
from models.simulator.promql import Query
from models.simulator.series import SeriesStore
from schemas.codecs.alerts import decode_alerts
from schemas.telemetry import labels_of


def _store(rows: dict[str, list[float]], name: str = "x") -> SeriesStore:
    ticks = len(next(iter(rows.values())))
    store = SeriesStore(start_ms=0, ticks=ticks, interval=15)
    for pod, values in rows.items():
        store.add(name, {"pod": pod}, 1.0)[:] = values
    return store


def _rule(hold: float = 0.0) -> AlertRule:
    return AlertRule(
        name="High",
        severity=WARNING,
        hold_seconds=hold,
        expression=lambda q: q.get("x").above(5.0),
        summary="{pod} is at {value:.0f}",
    )


def test_an_alert_fires_once_its_condition_has_held() -> None:
    store = _store({"a": [0, 9, 9, 9, 0], "b": [0, 9, 0, 9, 0]})
    (firing,) = evaluate((_rule(30),), Query(store), start_ms=0, interval=15)
    assert dict(firing.labels) == {"alertname": "High", "pod": "a", "severity": "warning"}
    # Held since evaluation 1 (29.55 s), so 30 s are over at evaluation 3; gone at evaluation 4.
    assert (firing.start_ms, firing.end_ms) == (59_550, 74_550)
    assert firing.summary == "a is at 9"


def test_an_absent_series_ends_its_alert() -> None:
    store = _store({"a": [9, 9, np.nan, np.nan]})
    (firing,) = evaluate((_rule(),), Query(store), start_ms=0, interval=15)
    assert firing.end_ms == 44_550


def _firing(pod: str, start_ms: int, end_ms: int | None) -> Firing:
    labels = labels_of({"alertname": "High", "pod": pod, "severity": "warning"})
    return Firing(rule=_rule(), labels=labels, start_ms=start_ms, end_ms=end_ms, summary="s")


def test_a_group_waits_then_notifies_at_intervals_only_when_something_changed() -> None:
    firings = [_firing("a", 0, None), _firing("b", 2_000, 31_000), _firing("c", 12_000, None)]
    messages = notify(firings, 120_000)
    bodies = [orjson.loads(message.value) for message in messages]
    assert [message.arrived_ms for message in messages] == [5_120, 20_120, 35_120]
    assert [len(body["alerts"]) for body in bodies] == [2, 3, 3]
    assert bodies[0]["notification_reason"] == "first notification"
    assert bodies[1]["notification_reason"] == "new alerts added"
    assert {a["labels"]["pod"]: a["status"] for a in bodies[2]["alerts"]} == {
        "a": "firing",
        "b": "resolved",
        "c": "firing",
    }
    ends = {alert["labels"]["pod"]: alert["endsAt"] for alert in bodies[2]["alerts"]}
    assert ends["a"] == ZERO_TIME
    assert ends["b"] == "1970-01-01T00:00:31Z"


def test_an_alert_that_was_resolved_before_the_first_notification_is_never_sent() -> None:
    assert notify([_firing("a", 0, 3_000)], 120_000) == []


def test_an_alert_that_comes_back_is_notified_again() -> None:
    firings = [_firing("a", 0, 20_000), _firing("a", 60_000, None)]
    statuses = [orjson.loads(message.value)["status"] for message in notify(firings, 200_000)]
    assert statuses == ["firing", "resolved", "firing"]


def test_the_payload_is_what_the_codec_takes_for_version_4() -> None:
    now_ms = 1_772_445_600_000
    (message,) = notify([_firing("a", now_ms, None)], now_ms + 60_000)
    (alert,) = decode_alerts(message.value)
    assert alert.fingerprint == fingerprint_of(alert.labels)


@pytest.mark.parametrize(
    ("labels", "fingerprint"),
    [
        ({"severity": "warning", "job": "foo"}, "9266ef3da838ad95"),
        ({"severity": "critical", "job": "foo"}, "3b15fd163d36582e"),
    ],
)
def test_fingerprints_are_those_of_alertmanager(labels: dict[str, str], fingerprint: str) -> None:
    assert fingerprint_of(labels_of(labels)) == fingerprint


def test_the_rule_pack_has_distinct_names_and_sentences() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names)) >= 38
    assert all(rule.summary for rule in RULES)
