"""Golden OTLP messages, in protobuf and JSON, of one trace and its metrics."""

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tests.schemas.samples import T0


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
