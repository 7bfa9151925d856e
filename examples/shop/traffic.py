"""A small shop that traces itself with the OpenTelemetry SDK: checkout → payment → MySQL.

Nothing is slept: a second of traffic is laid out at a given time, with the durations that its
requests would have had. Broken, the payment service waits for connections of a database pool that
somebody else has eaten.
"""

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

DATABASE = "mysql-primary"
POOL_SIZE = 20
_SECOND_NS = 1_000_000_000
_STATEMENT = "UPDATE payments SET state = 'paid' WHERE order_id = 4711"


@dataclass(slots=True)
class Readings:
    """What the shop's own metrics say of the last second."""

    used: int = 4
    pending: int = 0
    requests: dict[str, int] = field(default_factory=lambda: {"checkout": 0, "payment": 0})
    errors: dict[str, int] = field(default_factory=lambda: {"checkout": 0, "payment": 0})
    slowest_seconds: float = 0.0


class DatedExporter(OTLPMetricExporter):
    """OTLP over HTTP; points carry the time of the traffic, which may have been played faster."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint=endpoint)
        self.at_ns: int | None = None

    def export(self, metrics_data: MetricsData, *args: Any, **options: Any) -> Any:
        """Export, with every point dated `at_ns` where that is set."""
        if self.at_ns is not None:
            for resource in metrics_data.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        points = metric.data.data_points
                        points[:] = [replace(p, time_unix_nano=self.at_ns) for p in points]
        return super().export(metrics_data, *args, **options)


class Shop:
    """Two services and what they ask of a database.

    Args:
        endpoint: an OTLP/HTTP receiver, as `http://host:port`.
        seed: of the durations.
        metric_interval_ms: between two exports of the metrics; infinite for "when flushed".
    """

    def __init__(
        self, endpoint: str, *, seed: int = 1, metric_interval_ms: float = math.inf
    ) -> None:
        self.broken = False
        self.readings = Readings()
        self._random = random.Random(seed)
        self._providers = {name: _tracing(name, endpoint) for name in ("checkout", "payment")}
        self._tracers = {n: p.get_tracer("shop") for n, p in self._providers.items()}
        self._exporter = DatedExporter(f"{endpoint}/v1/metrics")
        reader = PeriodicExportingMetricReader(self._exporter, metric_interval_ms)
        self._meters = MeterProvider([reader], resource=_resource("payment"))
        self._instrument()

    def play(self, at_ns: int, requests: int = 5, *, dated: bool = False) -> None:
        """Lay out one second of traffic that begins at `at_ns`.

        Args:
            at_ns: epoch nanoseconds.
            requests: how many customers check out in it.
            dated: also export the metrics as of then (for traffic that is played faster).
        """
        now = self.readings
        now.used, now.pending = (POOL_SIZE, 12) if self.broken else (self._random.randint(3, 6), 0)
        now.slowest_seconds = 0.0
        for number in range(requests):
            self._request(at_ns + number * _SECOND_NS // requests)
        if dated:
            self._exporter.at_ns = at_ns + _SECOND_NS
            self._meters.force_flush()

    def flush(self) -> None:
        """Send what is still held back."""
        for provider in self._providers.values():
            provider.force_flush()
        self._meters.force_flush()

    def close(self) -> None:
        """Send everything and stop the SDK's threads."""
        for provider in self._providers.values():
            provider.shutdown()
        self._meters.shutdown()

    def _request(self, start_ns: int) -> None:
        """One customer: a request, the call to payment, its statement on the database."""
        if self.broken:
            query_ms, failed = self._random.uniform(1500, 2500), self._random.random() < 0.6
        else:
            query_ms, failed = self._random.uniform(4, 12), False
        marks = [start_ns + round(ms * 1e6) for ms in (1, 3, 5)]
        done_ns = marks[-1] + round(query_ms * 1e6)
        tail = iter(done_ns + round(ms * 1e6) for ms in (1, 2, 4))
        peer = {"server.address": "payment", "http.request.method": "POST"}
        query = {
            "db.system.name": "mysql",
            "db.query.text": _STATEMENT,
            "db.client.connection.pool.name": DATABASE,
            "server.address": DATABASE,
        }
        with (
            self._span("checkout", "POST /checkout", SpanKind.SERVER, start_ns, {}) as root,
            self._span("checkout", "POST /pay", SpanKind.CLIENT, marks[0], peer) as call,
            self._span("payment", "POST /pay", SpanKind.SERVER, marks[1], {}) as served,
        ):
            with self._span("payment", "UPDATE payments", SpanKind.CLIENT, marks[2], query) as sql:
                _end(sql, done_ns, "timeout" if failed else "")
            for span in (served, call, root):
                _end(span, next(tail), "500" if failed else "")
        self._count(failed=failed, seconds=(done_ns - start_ns) / _SECOND_NS)

    def _count(self, *, failed: bool, seconds: float) -> None:
        now = self.readings
        now.slowest_seconds = max(now.slowest_seconds, seconds)
        for service in now.requests:
            now.requests[service] += 1
            now.errors[service] += failed

    @contextmanager
    def _span(
        self, service: str, name: str, kind: SpanKind, start_ns: int, attributes: dict[str, str]
    ) -> Iterator[Span]:
        """Start a span under the current one; who opened it ends it at a time of its own."""
        span = self._tracers[service].start_span(
            name, kind=kind, start_time=start_ns, attributes=attributes
        )
        token = context.attach(trace.set_span_in_context(span))
        try:
            yield span
        finally:
            context.detach(token)

    def _instrument(self) -> None:
        meter = self._meters.get_meter("shop")
        name = {"db.client.connection.pool.name": DATABASE, "server.address": DATABASE}

        def used(_options: CallbackOptions) -> list[Observation]:
            now = self.readings
            idle = POOL_SIZE - now.used
            return [
                Observation(now.used, {**name, "db.client.connection.state": "used"}),
                Observation(idle, {**name, "db.client.connection.state": "idle"}),
            ]

        def pending(_options: CallbackOptions) -> list[Observation]:
            return [Observation(self.readings.pending, name)]

        meter.create_observable_up_down_counter("db.client.connection.count", [used])
        meter.create_observable_up_down_counter("db.client.connection.pending_requests", [pending])


def _end(span: Span, at_ns: int, error: str) -> None:
    if error:
        span.set_attribute("error.type", error)
        span.set_status(Status(StatusCode.ERROR))
    span.end(at_ns)


def _resource(service: str) -> Resource:
    return Resource.create({"service.name": service, "k8s.node.name": f"node-{service}"})


def _tracing(service: str, endpoint: str) -> TracerProvider:
    provider = TracerProvider(resource=_resource(service))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=65_536))
    return provider
