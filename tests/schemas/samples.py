"""Golden messages of every dialect, written from the field lists of their producers."""

import orjson

T0 = 1_788_256_800_000  # 2026-09-01T10:00:00Z
T0_TEXT = "2026-09-01T10:00:00Z"
LABELS = {"alertname": "HighLatency", "service": "checkout", "cluster": "eu1"}

WEBHOOK_ALERT = {
    "status": "firing",
    "labels": LABELS,
    "annotations": {"summary": "p99 2.1s"},
    "startsAt": "2026-09-01T10:00:00.123456789Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prom/graph?g0",
    "fingerprint": "9266ef3da838ad95",
}
WEBHOOK = {
    "version": "4",
    "groupKey": '{}/{team="pay"}:{alertname="HighLatency"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "kafka",
    "groupLabels": {"alertname": "HighLatency"},
    "commonLabels": LABELS,
    "commonAnnotations": {},
    "externalURL": "http://am:9093",
    "notification_reason": "first notification",
    "routeLabels": {},
    "alerts": [
        WEBHOOK_ALERT,
        {
            "status": "resolved",
            "labels": {"alertname": "PodDown", "pod": "cart-0"},
            "annotations": {},
            "startsAt": "2026-09-01T09:58:00Z",
            "endsAt": "2026-09-01T12:00:30+02:00",
            "generatorURL": "",
            "fingerprint": "3B15FD163D36582E",
        },
    ],
}
GRAFANA_WEBHOOK = {
    "receiver": "kafka",
    "status": "firing",
    "orgId": 1,
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "Lag", "grafana_folder": "shop"},
            "annotations": {},
            "startsAt": "2026-09-01T10:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://g/alerting/x/edit",
            "fingerprint": "57c6d9296de2ad39",
            "silenceURL": "http://g/alerting/silence/new",
            "dashboardURL": "",
            "panelURL": "",
            "ruleUID": "x",
            "values": {"B": 22.0, "C": 1},
            "valueString": "[ var='B' ]",
            "imageURL": None,
        }
    ],
    "groupLabels": {},
    "commonLabels": {},
    "commonAnnotations": {},
    "externalURL": "http://g/",
    "appVersion": "12.1.0",
    "version": "1",
    "groupKey": "{}:{}",
    "truncatedAlerts": 0,
    "title": "[FIRING:1]",
    "state": "alerting",
    "message": "text",
}
POSTABLE = [
    {
        "labels": {"alertname": "HighLatency", "service": "checkout"},
        "annotations": {"summary": "p99 2.1s"},
        "startsAt": T0_TEXT,
        "generatorURL": "http://prom/g",
    }
]
GETTABLE = [
    {
        "annotations": {},
        "endsAt": "2026-09-01T10:04:00.000Z",
        "fingerprint": "57c6d9296de2ad39",
        "receivers": [{"name": "kafka"}],
        "startsAt": "2026-09-01T10:00:00.000Z",
        "status": {"inhibitedBy": [], "mutedBy": [], "silencedBy": [], "state": "active"},
        "updatedAt": "2026-09-01T10:00:05.000Z",
        "labels": {"alertname": "Lag"},
    },
    {
        "annotations": {},
        "endsAt": "2026-09-01T10:04:00.000Z",
        "fingerprint": "0000000000000001",
        "receivers": [{"name": "kafka"}],
        "startsAt": "2026-09-01T10:00:00.000Z",
        "status": {"inhibitedBy": [], "mutedBy": [], "silencedBy": ["x"], "state": "suppressed"},
        "updatedAt": "2026-09-01T10:00:05.000Z",
        "labels": {"alertname": "Silenced"},
    },
]
EVENT_ALERT = {
    "fingerprint": "10549321908712345678",
    "name": "HighLatency",
    "labels": {"labels": [{"key": "alertname", "value": "HighLatency"}]},
    "annotations": {"labels": [{"key": "summary", "value": "slow"}]},
    "startsAt": "2026-09-01T10:00:00Z",
    "endsAt": "2026-09-01T10:05:00Z",
}
EVENT_CREATED = {
    "@timestamp": "2026-09-01T10:00:00.5Z",
    "instance": "am-0",
    "data": {"alertCreated": {"alert": EVENT_ALERT}},
}
EVENT_RESOLVED = {
    "@timestamp": "2026-09-01T10:05:00.5Z",
    "instance": "am-0",
    "data": {
        "alertResolved": {
            "alert": {"hash": "77", "details": {**EVENT_ALERT, "resolved": True}},
            "groupInfo": {"groupKey": "{}", "groupId": "aa"},
        }
    },
}
EVENT_MUTED = {
    "@timestamp": "2026-09-01T10:00:00.5Z",
    "instance": "am-0",
    "data": {
        "inhibitionMutedAlert": {
            "inhibitRules": [{"name": "node-down"}],
            "mutedAlert": {"labels": {"labels": []}, "fingerprint": "10549321908712345678"},
        }
    },
}
GRAFANA_RECORD = {
    "client": "Grafana",
    "description": "[FIRING:1] HighLatency",
    "details": "service=checkout value=2.1",
    "alert_state": "alerting",
    "client_url": "http://g/alerting/list",
    "incident_key": "6e35",
}
VERDICT = {
    "incident_id": "0c3a0f5e-6f0e-5b6a-9a37-2f3c4de5a601",
    "outcome": "corrected",
    "component": "orders-db",
    "pattern": "db_sql.mysql.conn_exhausted",
    "who": "ann",
    "at": T0_TEXT,
    "note": "the batch job held the pool",
    "revision": 2,
}

CHANGE = {
    "kind": "deploy",
    "service": "checkout",
    "at": T0_TEXT,
    "title": "checkout 1.4.0",
    "version": "1.4.0",
    "author": "ada",
    "id": "deploy-77",
}
SAMPLE = {
    "timestamp": T0_TEXT,
    "value": "2.1",
    "name": "http_p99_seconds",
    "labels": {"__name__": "http_p99_seconds", "service": "checkout"},
}
ENVELOPE = {
    "specversion": "1.0",
    "type": "com.example.event",
    "source": "/ci",
    "id": "e-1",
    "time": "2026-09-01T10:00:07Z",
    "datacontenttype": "application/json",
}
STRUCTURED = [("Content-Type", b"application/cloudevents+json; charset=utf-8")]
BINARY = [
    ("ce_specversion", b"1.0"),
    ("ce_type", b"com.example.event"),
    ("ce_source", b"/ci"),
    ("ce_id", b"e-1"),
    ("ce_time", b"2026-09-01T10:00:07Z"),
    ("content-type", b"application/json"),
]


def dumps(document: object) -> bytes:
    return orjson.dumps(document)
