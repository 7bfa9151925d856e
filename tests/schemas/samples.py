"""Golden messages of every dialect, written from the field lists of their producers."""

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

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


def attribute(key: str, value: object) -> KeyValue:
    match value:
        case bool():
            return KeyValue(key=key, value=AnyValue(bool_value=value))
        case int():
            return KeyValue(key=key, value=AnyValue(int_value=value))
        case float():
            return KeyValue(key=key, value=AnyValue(double_value=value))
        case list():
            values = [attribute("", each).value for each in value]
            return KeyValue(key=key, value=AnyValue(array_value=ArrayValue(values=values)))
        case bytes():
            return KeyValue(key=key, value=AnyValue(bytes_value=value))
        case _:
            return KeyValue(key=key, value=AnyValue(string_value=str(value)))


def attributes(**values: object) -> list[KeyValue]:
    """Dots are written as two underscores."""
    return [attribute(key.replace("__", "."), value) for key, value in values.items()]


def traces() -> TracesData:
    """Two services; a failed call with an exception and a link, and what it called."""
    data = TracesData()
    checkout = data.resource_spans.add()
    checkout.resource.attributes.extend(
        attributes(service__name="checkout", telemetry__sdk__name="x", process__pid=7)
    )
    client = checkout.scope_spans.add().spans.add(
        trace_id=bytes.fromhex("5b8efff798038103d269b633813fc60c"),
        span_id=bytes.fromhex("eee19b7ec3c1b174"),
        parent_span_id=bytes.fromhex("eee19b7ec3c1b173"),
        name="SELECT orders",
        kind=3,
        start_time_unix_nano=T0 * 1_000_000,
        end_time_unix_nano=(T0 + 2100) * 1_000_000,
    )
    client.attributes.extend(
        attributes(
            db__system="mysql",
            db__statement="SELECT * FROM orders WHERE id = 42",
            net__peer__name="mysql-primary",
            net__peer__port=3306,
            thread__id=11,
        )
    )
    client.status.code = 2
    client.status.message = "context deadline exceeded"
    event = client.events.add(name="exception")
    event.attributes.extend(attributes(exception__type="TimeoutError", exception__message="gone"))
    client.links.add(trace_id=b"\x01" * 16, span_id=b"\x02" * 8)
    payment = data.resource_spans.add()
    payment.resource.attributes.extend(attributes(service__name="payment"))
    payment.scope_spans.add().spans.add(
        trace_id=bytes.fromhex("5b8efff798038103d269b633813fc60c"),
        span_id=bytes.fromhex("eee19b7ec3c1b175"),
        name="POST /pay",
        kind=2,
        start_time_unix_nano=T0 * 1_000_000,
        end_time_unix_nano=(T0 + 5) * 1_000_000,
    )
    return data


TRACES_JSON = {
    "resourceSpans": [
        {
            "resource": {
                "attributes": [
                    {"key": "service.name", "value": {"stringValue": "checkout"}},
                    {"key": "telemetry.sdk.name", "value": {"stringValue": "x"}},
                    {"key": "process.pid", "value": {"intValue": "7"}},
                ]
            },
            "scopeSpans": [
                {
                    "scope": {"name": "lib"},
                    "spans": [
                        {
                            "traceId": "5B8EFFF798038103D269B633813FC60C",
                            "spanId": "eee19b7ec3c1b174",
                            "parentSpanId": "eee19b7ec3c1b173",
                            "name": "SELECT orders",
                            "kind": 3,
                            "startTimeUnixNano": str(T0 * 1_000_000),
                            "endTimeUnixNano": str((T0 + 2100) * 1_000_000),
                            "attributes": [
                                {"key": "db.system", "value": {"stringValue": "mysql"}},
                                {
                                    "key": "db.statement",
                                    "value": {"stringValue": "SELECT * FROM orders WHERE id = 7"},
                                },
                                {
                                    "key": "net.peer.name",
                                    "value": {"stringValue": "mysql-primary"},
                                },
                                {"key": "net.peer.port", "value": {"intValue": "3306"}},
                                {"key": "thread.id", "value": {"intValue": 11}},
                            ],
                            "events": [
                                {
                                    "name": "exception",
                                    "timeUnixNano": str(T0 * 1_000_000),
                                    "attributes": [
                                        {
                                            "key": "exception.type",
                                            "value": {"stringValue": "TimeoutError"},
                                        }
                                    ],
                                }
                            ],
                            "links": [{"traceId": "01" * 16, "spanId": "02" * 8}],
                            "status": {"code": 2, "message": "context deadline exceeded"},
                        }
                    ],
                }
            ],
        },
        {
            "resource": {
                "attributes": [{"key": "service.name", "value": {"stringValue": "payment"}}]
            },
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": "5b8efff798038103d269b633813fc60c",
                            "spanId": "eee19b7ec3c1b175",
                            "name": "POST /pay",
                            "kind": 2,
                            "startTimeUnixNano": str(T0 * 1_000_000),
                            "endTimeUnixNano": str((T0 + 5) * 1_000_000),
                        }
                    ]
                }
            ],
        },
    ]
}


def metrics() -> MetricsData:
    """One metric of each kind, each with one point at T0 (milliseconds cut from nanoseconds)."""
    data = MetricsData()
    resource = data.resource_metrics.add()
    resource.resource.attributes.extend(attributes(service__name="checkout", route="resource"))
    scope = resource.scope_metrics.add()
    at = T0 * 1_000_000 + 999_999
    gauge = scope.metrics.add(name="pool.used", unit="{connections}").gauge
    gauge.data_points.add(as_int=9, time_unix_nano=at).attributes.extend(
        attributes(route="/pay", tags=["a", "b"], blob=b"x")
    )
    gauge.data_points.add(time_unix_nano=at, flags=1)
    total = scope.metrics.add(name="requests").sum
    total.is_monotonic, total.aggregation_temporality = True, 2
    total.data_points.add(as_double=5.5, time_unix_nano=at)
    delta = scope.metrics.add(name="retries").sum
    delta.is_monotonic, delta.aggregation_temporality = True, 1
    delta.data_points.add(as_int=2, time_unix_nano=at)
    level = scope.metrics.add(name="queue").sum
    level.aggregation_temporality = 2
    level.data_points.add(as_int=-3, time_unix_nano=at)
    histogram = scope.metrics.add(name="latency", unit="s").histogram
    histogram.aggregation_temporality = 2
    histogram.data_points.add(
        count=3, sum=0.6, max=0.4, bucket_counts=[1, 2], explicit_bounds=[0.1], time_unix_nano=at
    )
    exponential = scope.metrics.add(name="size").exponential_histogram
    exponential.aggregation_temporality = 1
    exponential.data_points.add(count=4, sum=8.0, scale=3, time_unix_nano=at)
    summary = scope.metrics.add(name="gc").summary
    point = summary.data_points.add(count=2, sum=0.5, time_unix_nano=at)
    point.quantile_values.add(quantile=0.5, value=0.2)
    point.quantile_values.add(quantile=0.99, value=0.3)
    return data


def _json_point(**values: object) -> dict[str, object]:
    return {"timeUnixNano": str(T0 * 1_000_000 + 999_999), **values}


METRICS_JSON = {
    "resourceMetrics": [
        {
            "resource": {
                "attributes": [
                    {"key": "service.name", "value": {"stringValue": "checkout"}},
                    {"key": "route", "value": {"stringValue": "resource"}},
                ]
            },
            "scopeMetrics": [
                {
                    "metrics": [
                        {
                            "name": "pool.used",
                            "unit": "{connections}",
                            "gauge": {
                                "dataPoints": [
                                    _json_point(
                                        asInt="9",
                                        attributes=[
                                            {"key": "route", "value": {"stringValue": "/pay"}},
                                            {
                                                "key": "tags",
                                                "value": {
                                                    "arrayValue": {
                                                        "values": [
                                                            {"stringValue": "a"},
                                                            {"stringValue": "b"},
                                                        ]
                                                    }
                                                },
                                            },
                                            {"key": "blob", "value": {"bytesValue": "eA=="}},
                                        ],
                                    ),
                                    _json_point(flags=1),
                                ]
                            },
                        },
                        {
                            "name": "requests",
                            "sum": {
                                "isMonotonic": True,
                                "aggregationTemporality": 2,
                                "dataPoints": [_json_point(asDouble=5.5)],
                            },
                        },
                        {
                            "name": "retries",
                            "sum": {
                                "isMonotonic": True,
                                "aggregationTemporality": 1,
                                "dataPoints": [_json_point(asInt=2)],
                            },
                        },
                        {
                            "name": "queue",
                            "sum": {
                                "aggregationTemporality": 2,
                                "dataPoints": [_json_point(asInt="-3")],
                            },
                        },
                        {
                            "name": "latency",
                            "unit": "s",
                            "histogram": {
                                "aggregationTemporality": 2,
                                "dataPoints": [
                                    _json_point(
                                        count="3", sum=0.6, max=0.4, bucketCounts=["1", "2"]
                                    )
                                ],
                            },
                        },
                        {
                            "name": "size",
                            "exponentialHistogram": {
                                "aggregationTemporality": 1,
                                "dataPoints": [_json_point(count="4", sum=8, scale=3)],
                            },
                        },
                        {
                            "name": "gc",
                            "summary": {
                                "dataPoints": [
                                    _json_point(
                                        count=2,
                                        sum=0.5,
                                        quantileValues=[
                                            {"quantile": 0.5, "value": 0.2},
                                            {"quantile": 0.99, "value": 0.3},
                                        ],
                                    )
                                ]
                            },
                        },
                    ]
                }
            ],
        }
    ]
}
