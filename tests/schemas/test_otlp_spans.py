"""OTLP spans in both encodings, to columns."""

import base64

import numpy as np
import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind as SdkKind
from opentelemetry.trace import StatusCode

from schemas.codecs.otlp_spans import SPAN_NAME_CHARS, decode_spans
from schemas.errors import SchemaError
from schemas.telemetry import SpanBatch, SpanKind, SpanStatus
from tests.schemas import otlp_samples as otlp
from tests.schemas import samples as s

COLUMNS = (
    *("trace_hi", "trace_lo", "span_id", "parent_id", "start_ns", "end_ns", "kind", "status"),
    *("resource", "attributes", "name"),
    *("link_row", "link_trace_hi", "link_trace_lo", "link_span_id"),
)


def same(one: SpanBatch, other: SpanBatch) -> bool:
    columns = all(np.array_equal(getattr(one, each), getattr(other, each)) for each in COLUMNS)
    tables = (one.resources, one.attribute_sets, one.names)
    return columns and tables == (other.resources, other.attribute_sets, other.names)


def test_a_protobuf_message_becomes_columns() -> None:
    batch = decode_spans(otlp.traces().SerializeToString())
    assert len(batch) == 2
    assert batch.trace_hi.tolist() == [0x5B8EFFF798038103] * 2
    assert batch.trace_lo.tolist() == [0xD269B633813FC60C] * 2
    assert batch.span_id.tolist() == [0xEEE19B7EC3C1B174, 0xEEE19B7EC3C1B175]
    assert batch.parent_id.tolist() == [0xEEE19B7EC3C1B173, 0]
    assert ((batch.end_ns - batch.start_ns) / 1e6).tolist() == [2100, 5]
    assert batch.kind.tolist() == [SpanKind.CLIENT, SpanKind.SERVER]
    assert batch.status.tolist() == [SpanStatus.ERROR, SpanStatus.UNSET]
    assert [batch.names[row] for row in batch.name] == ["SELECT orders", "POST /pay"]
    assert [batch.resources[row] for row in batch.resource] == [
        (("process.pid", "7"), ("service.name", "checkout")),
        (("service.name", "payment"),),
    ]
    assert batch.attribute_sets[batch.attributes[0]] == (
        ("db.query.text", "SELECT * FROM orders WHERE id = ?"),
        ("db.system.name", "mysql"),
        ("error.type", "timeout"),
        ("exception.type", "TimeoutError"),
        ("server.address", "mysql-primary"),
        ("server.port", "3306"),
    )
    assert batch.attribute_sets[batch.attributes[1]] == ()
    assert batch.link_row.tolist() == [0]
    assert batch.link_trace_lo.tolist() == [0x0101010101010101]
    assert batch.link_span_id.tolist() == [0x0202020202020202]


def test_column_types_are_those_of_the_contract() -> None:
    for batch in (decode_spans(otlp.traces().SerializeToString()), decode_spans(b"")):
        assert [getattr(batch, each).dtype.name for each in COLUMNS] == (
            ["uint64"] * 4 + ["int64"] * 2 + ["uint8"] * 2 + ["int32"] * 4 + ["uint64"] * 3
        )


def test_json_gives_the_same_columns_as_protobuf() -> None:
    assert same(
        decode_spans(s.dumps(otlp.TRACES_JSON)), decode_spans(otlp.traces().SerializeToString())
    )


def test_json_that_begins_with_a_line_break_needs_its_content_type() -> None:
    value = b"\n" + s.dumps(otlp.TRACES_JSON)
    assert len(decode_spans(value, [("content-type", b"application/json")])) == 2


def test_decoding_twice_gives_the_same() -> None:
    value = otlp.traces().SerializeToString()
    assert same(decode_spans(value), decode_spans(value))


def test_protobuf_in_a_structured_cloudevent_is_base64() -> None:
    value = otlp.traces().SerializeToString()
    envelope = {**s.ENVELOPE, "data_base64": base64.b64encode(value).decode()}
    assert same(decode_spans(s.dumps(envelope), s.STRUCTURED), decode_spans(value))
    assert same(decode_spans(value, s.BINARY), decode_spans(value))
    enveloped = s.dumps({**s.ENVELOPE, "data": otlp.TRACES_JSON})
    assert len(decode_spans(enveloped)) == 2


@pytest.mark.parametrize("value", [b"", b"{}", b'{"resourceSpans":[]}'])
def test_a_message_without_spans_is_an_empty_batch(value: bytes) -> None:
    assert len(decode_spans(value)) == 0


def test_equal_resources_and_attribute_sets_are_one_row_of_their_table() -> None:
    data = otlp.traces()
    data.resource_spans.append(data.resource_spans[0])
    # The order of attributes does not matter.
    again = data.resource_spans[2].scope_spans[0].spans[0]
    turned = list(again.attributes)[::-1]
    del again.attributes[:]
    again.attributes.extend(turned)
    batch = decode_spans(data.SerializeToString())
    assert batch.resource.tolist() == [0, 1, 0]
    assert batch.attributes.tolist() == [0, 1, 0]
    assert batch.name.tolist() == [0, 1, 0]


def test_an_end_before_the_start_is_a_duration_of_zero() -> None:
    data = otlp.traces()
    span = data.resource_spans[0].scope_spans[0].spans[0]
    span.end_time_unix_nano = span.start_time_unix_nano - 5
    batch = decode_spans(data.SerializeToString())
    assert batch.end_ns[0] == batch.start_ns[0]


def test_enums_newer_than_this_code_are_unspecified() -> None:
    data = otlp.traces()
    span = data.resource_spans[0].scope_spans[0].spans[0]
    span.kind = 9
    span.status.code = 7
    batch = decode_spans(data.SerializeToString())
    assert (batch.kind[0], batch.status[0]) == (0, 0)


def test_long_span_names_are_cut() -> None:
    data = otlp.traces()
    data.resource_spans[0].scope_spans[0].spans[0].name = "x" * 5000
    assert len(decode_spans(data.SerializeToString()).names[0]) == SPAN_NAME_CHARS


@pytest.mark.parametrize(
    ("given", "message", "expected"),
    [
        ("", "dial tcp 10.0.0.1:3306: connect: connection refused", "connection_refused"),
        ("*net.OpError", "i/o timeout", "timeout"),
        ("java.net.SocketTimeoutException", "refused", "java.net.SocketTimeoutException"),
        ("", "x509: certificate has expired", "tls"),
        ("500", "boom", "500"),
        ("", "boom", None),
    ],
)
def test_failures_are_named_by_what_the_messages_say(
    given: str, message: str, expected: str | None
) -> None:
    data = otlp.traces()
    span = data.resource_spans[0].scope_spans[0].spans[0]
    del span.events[:]
    span.status.message = message
    if given:
        span.attributes.append(otlp.attribute("error.type", given))
    batch = decode_spans(data.SerializeToString())
    assert dict(batch.attribute_sets[0]).get("error.type") == expected


def test_both_generations_of_names_are_kept_under_the_current_one() -> None:
    data = otlp.traces()
    span = data.resource_spans[1].scope_spans[0].spans[0]
    span.attributes.extend(
        otlp.attributes(
            http__method="GET",
            http__status_code=503,
            http__url="https://u:p@api.stripe.com:443/v1?key=secret",
            messaging__destination="orders",
            rpc__system="grpc",
            net__peer__name="old",
            server__address="new",
            user__id="dropped",
        )
    )
    kept = dict(decode_spans(data.SerializeToString()).attribute_sets[1])
    assert kept == {
        "http.request.method": "GET",
        "http.response.status_code": "503",
        "url.host": "api.stripe.com",
        "messaging.destination.name": "orders",
        "rpc.system": "grpc",
        "server.address": "old",  # of two with one name the first stands
    }


def test_spans_of_the_real_sdk_are_read() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "checkout"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("GET /", kind=SdkKind.SERVER):
        client = tracer.start_span(
            "SELECT", kind=SdkKind.CLIENT, attributes={"db.system.name": "mysql"}
        )
        client.record_exception(TimeoutError("pool"))
        client.set_status(StatusCode.ERROR)
        client.end()
    provider.shutdown()
    batch = decode_spans(encode_spans(exporter.get_finished_spans()).SerializeToString())
    assert [batch.names[row] for row in batch.name] == ["SELECT", "GET /"]
    assert batch.parent_id[0] == batch.span_id[1]
    kept = dict(batch.attribute_sets[batch.attributes[0]])
    assert kept["exception.type"] == "TimeoutError"
    assert ("service.name", "checkout") in batch.resources[0]


def test_a_metrics_message_on_the_spans_topic_is_refused() -> None:
    with pytest.raises(SchemaError, match="no OTLP spans in protobuf"):
        decode_spans(otlp.metrics().SerializeToString())
