"""Every alert dialect, by golden messages."""

import base64

import pytest

from schemas.alert import Alert, AlertStatus, Severity
from schemas.codecs.alerts import decode_alerts
from schemas.codecs.fingerprint import fingerprint_of
from schemas.telemetry import labels_of
from tests.schemas import samples as s

FIRING = Alert(
    fingerprint="9266ef3da838ad95",
    status=AlertStatus.FIRING,
    labels=labels_of(s.LABELS),
    annotations=(("summary", "p99 2.1s"),),
    starts_ms=s.T0 + 123,
    ends_ms=None,
    generator_url="http://prom/graph?g0",
)
RESOLVED = Alert(
    fingerprint="3b15fd163d36582e",
    status=AlertStatus.RESOLVED,
    labels=(("alertname", "PodDown"), ("pod", "cart-0")),
    starts_ms=s.T0 - 120_000,
    ends_ms=s.T0 + 30_000,
)


def test_a_webhook_of_version_4_gives_each_alert_of_its_group() -> None:
    assert decode_alerts(s.dumps(s.WEBHOOK)) == (FIRING, RESOLVED)


def test_a_bridge_that_drops_the_fingerprint_and_adds_a_timestamp_gives_the_same_identity() -> (
    None
):
    item = {key: value for key, value in s.WEBHOOK_ALERT.items() if key != "fingerprint"}
    bridged = {**s.WEBHOOK, "alerts": [item], "@timestamp": "2026-09-01T10:00:09Z"}
    (alert,) = decode_alerts(s.dumps(bridged))
    assert alert.fingerprint == fingerprint_of(labels_of(s.LABELS))


def test_a_single_alert_is_read_as_it_is() -> None:
    assert decode_alerts(s.dumps(s.WEBHOOK_ALERT)) == (FIRING,)


def test_unknown_fields_are_ignored_everywhere() -> None:
    alert = {**s.WEBHOOK_ALERT, "enrichments": [{"x": 1}]}
    message = {**s.WEBHOOK, "alerts": [alert], "newIn2027": {"deep": [1]}}
    assert decode_alerts(s.dumps(message)) == (FIRING,)


def test_grafanas_webhook_is_read_like_alertmanagers() -> None:
    (alert,) = decode_alerts(s.dumps(s.GRAFANA_WEBHOOK))
    assert (alert.rule, alert.status, alert.fingerprint) == (
        "Lag",
        AlertStatus.FIRING,
        "57c6d9296de2ad39",
    )


def test_a_postable_alert_fires_until_its_end_has_passed() -> None:
    ended = [{**s.POSTABLE[0], "endsAt": "2026-09-01T10:04:00Z"}]
    times_out = decode_alerts(s.dumps(ended), received_ms=s.T0 + 1000)
    over = decode_alerts(s.dumps(ended), received_ms=s.T0 + 240_000)
    assert (times_out[0].status, times_out[0].ends_ms) == (AlertStatus.FIRING, None)
    assert (over[0].status, over[0].ends_ms) == (AlertStatus.RESOLVED, s.T0 + 240_000)
    assert times_out[0].fingerprint == over[0].fingerprint == fingerprint_of(over[0].labels)


def test_a_postable_alert_without_a_start_began_when_it_was_received() -> None:
    item = {"labels": {"alertname": "A"}}
    (alert,) = decode_alerts(s.dumps([item]), received_ms=s.T0)
    assert alert.starts_ms == s.T0


def test_the_bridges_timestamp_is_trusted_before_kafkas() -> None:
    item = {"labels": {"alertname": "A"}, "@timestamp": s.T0_TEXT}
    (alert,) = decode_alerts(s.dumps(item), received_ms=s.T0 + 9999)
    assert alert.starts_ms == s.T0


def test_gettable_alerts_fire_and_silenced_ones_are_left_out() -> None:
    alerts = decode_alerts(s.dumps(s.GETTABLE))
    assert [(each.rule, each.status, each.ends_ms) for each in alerts] == [
        ("Lag", AlertStatus.FIRING, None)
    ]


def test_api_v2_groups_are_flattened() -> None:
    groups = [{"labels": {}, "receiver": {"name": "kafka"}, "alerts": s.GETTABLE}]
    assert decode_alerts(s.dumps(groups)) == decode_alerts(s.dumps(s.GETTABLE))


def test_the_event_recorder_says_created_and_resolved() -> None:
    (created,) = decode_alerts(s.dumps(s.EVENT_CREATED))
    (resolved,) = decode_alerts(s.dumps(s.EVENT_RESOLVED))
    assert created.status is AlertStatus.FIRING
    assert created.ends_ms is None
    assert created.annotations == (("summary", "slow"),)
    assert resolved.status is AlertStatus.RESOLVED
    assert resolved.ends_ms == s.T0 + 300_000
    assert created.fingerprint == resolved.fingerprint == f"{10549321908712345678:016x}"


@pytest.mark.parametrize(
    "data",
    [
        s.EVENT_MUTED["data"],
        {"notification": {"alerts": [], "reason": "NOTIFY_REASON_FIRST_NOTIFICATION"}},
        {"silenceCreated": {"silence": {}}},
        {"alertmanagerStartupEvent": {}},
        {"somethingNew": {}},
    ],
    ids=["muted", "notification", "silence", "startup", "new"],
)
def test_other_events_of_the_recorder_carry_no_alert(data: object) -> None:
    assert decode_alerts(s.dumps({**s.EVENT_MUTED, "data": data})) == ()


def test_an_event_that_omits_defaults_is_completed() -> None:
    alert = {"labels": s.EVENT_ALERT["labels"]}
    event = {"@timestamp": s.T0_TEXT, "data": {"alertResolved": {"alert": {"details": alert}}}}
    (resolved,) = decode_alerts(s.dumps(event))
    assert (resolved.starts_ms, resolved.ends_ms) == (s.T0, s.T0)
    assert resolved.fingerprint == fingerprint_of((("alertname", "HighLatency"),))


def test_grafanas_kafka_contact_point_is_read_when_its_details_are_json() -> None:
    details = s.dumps([s.WEBHOOK_ALERT]).decode()
    assert decode_alerts(s.dumps({**s.GRAFANA_RECORD, "details": details})) == (FIRING,)


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (s.dumps(s.WEBHOOK), s.BINARY),
        (s.dumps({**s.ENVELOPE, "data": s.WEBHOOK}), s.STRUCTURED),
        (s.dumps({**s.ENVELOPE, "data": s.WEBHOOK}), []),
        (
            s.dumps({**s.ENVELOPE, "data_base64": base64.b64encode(s.dumps(s.WEBHOOK)).decode()}),
            s.STRUCTURED,
        ),
    ],
    ids=["binary", "structured", "structured without headers", "base64"],
)
def test_cloudevents_of_either_mode_are_opened(
    value: bytes, headers: list[tuple[str, bytes]]
) -> None:
    assert decode_alerts(value, headers) == (FIRING, RESOLVED)


def test_the_envelopes_time_stands_in_for_a_missing_start() -> None:
    value = s.dumps({**s.ENVELOPE, "data": {"labels": {"alertname": "A"}}})
    (alert,) = decode_alerts(value, s.STRUCTURED)
    assert alert.starts_ms == s.T0 + 7000


def test_a_label_without_a_value_counts_as_absent() -> None:
    item = {**s.WEBHOOK_ALERT, "labels": {**s.LABELS, "zone": ""}, "fingerprint": None}
    (alert,) = decode_alerts(s.dumps(item))
    assert alert.labels == labels_of(s.LABELS)
    assert alert.fingerprint == fingerprint_of(labels_of(s.LABELS))


def test_an_empty_group_gives_no_alerts() -> None:
    assert decode_alerts(b'{"version":"4","alerts":[]}') == ()
    assert decode_alerts(b"[]") == ()


def test_severity_and_rule_are_read_from_the_labels() -> None:
    item = {**s.WEBHOOK_ALERT, "labels": {"alertname": "X", "severity": "Page"}}
    (alert,) = decode_alerts(s.dumps(item))
    assert (alert.rule, alert.severity) == ("X", Severity.CRITICAL)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        # Alertmanager's own vectors, from its template tests.
        ({"severity": "warning", "job": "foo"}, "9266ef3da838ad95"),
        ({"severity": "critical", "job": "foo"}, "3b15fd163d36582e"),
        ({}, "cbf29ce484222325"),
    ],
    ids=["warning", "critical", "empty"],
)
def test_fingerprints_equal_alertmanagers(labels: dict[str, str], expected: str) -> None:
    assert fingerprint_of(labels_of(labels)) == expected
