import asyncio
import gzip
import io
import json
from collections.abc import Callable

import pytest
from google.protobuf.json_format import MessageToJson
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from schemas.codecs.otlp_metrics import decode_metrics
from schemas.codecs.otlp_spans import decode_spans

PROTOBUF = "application/x-protobuf"
RESOURCE = Resource.create({"service.name": "checkout"})


def traces(count: int = 1) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in range(count):
        span = spans.add(name="GET /cart", kind=2)
        span.trace_id = bytes([7] * 16)
        span.span_id = (number + 1).to_bytes(8, "big")
        span.start_time_unix_nano = 1_760_000_000_000_000_000
        span.end_time_unix_nano = 1_760_000_000_100_000_000
    return request


def export_spans(url: str, compression: Compression) -> bool:
    provider = TracerProvider(resource=RESOURCE)
    exporter = OTLPSpanExporter(endpoint=f"{url}/v1/traces", compression=compression)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("order"):
        pass
    flushed = provider.force_flush(5_000)
    provider.shutdown()
    return flushed


def export_metrics(url: str, compression: Compression) -> bool:
    exporter = OTLPMetricExporter(endpoint=f"{url}/v1/metrics", compression=compression)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=60_000)
    provider = MeterProvider(metric_readers=[reader], resource=RESOURCE)
    provider.get_meter("test").create_counter("orders").add(3)
    flushed = provider.force_flush(5_000)
    provider.shutdown(5_000)
    return flushed


@pytest.mark.parametrize(
    "compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate]
)
@pytest.mark.parametrize(
    ("export", "topic", "decode"),
    [
        (export_spans, "otlp_spans", decode_spans),
        (export_metrics, "otlp_metrics", decode_metrics),
    ],
    ids=["spans", "metrics"],
)
def test_what_the_real_sdk_exports_is_on_the_topic(
    start_bench, export: Callable[[str, Compression], bool], topic, decode, compression
):
    async def scene():
        async with start_bench() as bench:
            assert await asyncio.to_thread(export, bench.gateway.url, compression)
            record = (await bench.records(topic, 1))[0]
            assert dict(record.headers)["content-type"] == PROTOBUF.encode()
            assert len(decode(record.value, record.headers)) >= 1
            assert b"checkout" in record.value

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("path", "response"),
    [
        ("/v1/traces", ExportTraceServiceResponse()),
        ("/v1/metrics", ExportMetricsServiceResponse()),
    ],
)
def test_answer_is_the_service_response_in_the_senders_encoding(start_bench, path, response):
    async def scene():
        async with start_bench() as bench:
            for media_type, expected in (
                (PROTOBUF, response.SerializeToString()),
                ("application/json", b"{}"),
            ):
                body = b"" if media_type == PROTOBUF else b"{}"
                status, answer, headers = await bench.post(path, body, content_type=media_type)
                assert (status, answer) == (200, expected)
                assert headers["content-type"] == media_type

    asyncio.run(scene())


def test_json_spans_are_produced_as_json(start_bench):
    async def scene():
        async with start_bench() as bench:
            document = json.loads(MessageToJson(traces()))
            span = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
            span |= {"traceId": "07" * 16, "spanId": "00" * 7 + "01", "kind": 2}
            body = json.dumps(document).encode()
            status, answer, _ = await bench.post(
                "/v1/traces", gzip.compress(body), content_encoding="gzip"
            )
            assert status == 200, answer
            (record,) = await bench.records("otlp_spans", 1)
            assert record.value == body
            assert dict(record.headers)["content-type"] == b"application/json"
            assert len(decode_spans(record.value, record.headers)) == 1

    asyncio.run(scene())


def test_large_batch_is_decoded_beside_the_loop_and_produced_whole(start_bench):
    async def scene():
        async with start_bench() as bench:
            body = traces(20_000).SerializeToString()
            posting = asyncio.create_task(
                bench.post("/v1/traces", io.BytesIO(body), content_type=PROTOBUF)
            )
            assert (await bench.get("/healthz"))[0] == 200
            assert (await posting)[0] == 200
            (record,) = await bench.records("otlp_spans", 1)
            assert record.value == body

    asyncio.run(scene())


def status_of(body: bytes) -> tuple[int, str]:
    """Read google.rpc.Status with the protobuf runtime, to check what was written by hand."""
    from google.rpc.status_pb2 import Status  # noqa: PLC0415 - comes with the exporter

    status = Status.FromString(body)
    return status.code, status.message


def test_refusal_is_a_status_message_in_the_senders_encoding(start_bench):
    async def scene():
        async with start_bench(kafka=False) as bench:
            good = traces().SerializeToString()
            status, body, headers = await bench.post("/v1/traces", good, content_type=PROTOBUF)
            assert (status, headers["Retry-After"]) == (503, "5")
            code, sentence = status_of(body)
            assert code == 14
            assert "Kafka" in sentence

            status, body, _ = await bench.post("/v1/traces", good[:-3], content_type=PROTOBUF)
            code, sentence = status_of(body)
            assert (status, code) == (400, 3)
            assert "OTLP" in sentence

            status, body, headers = await bench.post("/v1/metrics", b"[")
            assert (status, json.loads(body)["code"]) == (400, 3)
            assert headers["content-type"] == "application/json"

    asyncio.run(scene())


def test_malformed_otlp_is_produced_nowhere(start_bench):
    async def scene():
        async with start_bench() as bench:
            bad = ExportMetricsServiceRequest()
            bad.resource_metrics.add().scope_metrics.add().metrics.add(
                name="x"
            ).gauge.data_points.add()
            body = bad.SerializeToString()[:-1]
            assert (await bench.post("/v1/metrics", body, content_type=PROTOBUF))[0] == 400
            assert (await bench.post("/v1/alerts", b"{"))[0] == 400
            (letter,) = await bench.records("dead-letter", 1)
            assert letter.value == b"{"

    asyncio.run(scene())
