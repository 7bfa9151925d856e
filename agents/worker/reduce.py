"""REDUCE: which stage reads which input topic."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from agents.telemetry import IntakeMetrics
from agents.worker.config import WorkerConfig
from agents.worker.dead_letter import DeadLetters
from agents.worker.forwarding import AlertStage, ChangeStage
from agents.worker.intake import Intake, RecordHeaders
from agents.worker.packing import Packer
from agents.worker.reducing import BatchStage, Dialect, PrometheusStage, Reducer
from agents.worker.shedding import shedding
from agents.worker.stage import ConsumerSpec, Stage
from agents.worker.topics import TopicsConfig
from schemas.alert import Alert
from schemas.change import Change
from schemas.codecs.alerts import decode_alerts
from schemas.codecs.changes import decode_change
from schemas.codecs.future import drop_future_samples, drop_future_spans
from schemas.codecs.limits import CodecLimits
from schemas.codecs.otlp_metrics import decode_metrics
from schemas.codecs.otlp_spans import decode_spans
from schemas.codecs.prometheus_json import decode_samples
from schemas.resolve import Resolver
from schemas.telemetry import MetricBatch, SpanBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class ReduceParts:
    """What the first stage is made of; the reducers are made anew for each source."""

    topics: TopicsConfig
    worker: WorkerConfig
    limits: CodecLimits
    span_reducer: Callable[[str], Reducer[SpanBatch]]
    metric_reducer: Callable[[str], Reducer[MetricBatch]]
    resolver: Resolver
    metrics: IntakeMetrics
    letters: DeadLetters


def reduce_spec(parts: ReduceParts) -> ConsumerSpec:
    """Return the durable consumer of the input topics."""
    worker = parts.worker
    makers = shedding(
        _makers(parts),
        tuple(getattr(parts.topics, name) for name in worker.shed),
        round(worker.shed_behind_seconds * 1000),
        parts.metrics.shed,
    )
    return ConsumerSpec(
        name="reduce",
        group=parts.worker.reduce_group,
        topics=parts.topics.inputs,
        state_topic=parts.topics.state_of,
        stage=lambda topic, partition: makers[topic](f"{topic}/{partition}"),
        first=(parts.topics.alerts, parts.topics.changes),
    )


def _makers(parts: ReduceParts) -> dict[str, Callable[[str], Stage]]:
    topics, limits, resolver = parts.topics, parts.limits, parts.resolver
    intake = Intake(
        letters=parts.letters,
        metrics=parts.metrics,
        future_ms=round(parts.worker.future_seconds * 1000),
    )
    packer = Packer(topics.signals, parts.worker.signal_bytes)
    shell = _Shell(intake, packer, round(parts.worker.flush_seconds * 1000))

    def otlp_span_batch(value: bytes, headers: RecordHeaders, _arrived_ms: int) -> SpanBatch:
        return decode_spans(value, headers, limits=limits)

    def otlp_metric_batch(value: bytes, headers: RecordHeaders, _arrived_ms: int) -> MetricBatch:
        return decode_metrics(value, headers, limits=limits)

    def alert_group(value: bytes, headers: RecordHeaders, arrived_ms: int) -> tuple[Alert, ...]:
        return decode_alerts(value, headers, received_ms=arrived_ms, limits=limits)

    def change(value: bytes, headers: RecordHeaders, arrived_ms: int) -> Change:
        return decode_change(value, headers, received_ms=arrived_ms, limits=limits)

    span_dialect = Dialect(
        decode=otlp_span_batch, drop_future=drop_future_spans, rows=parts.metrics.spans
    )
    metric_dialect = Dialect(
        decode=otlp_metric_batch, drop_future=drop_future_samples, rows=parts.metrics.samples
    )

    def spans(source: str) -> Stage:
        return BatchStage(parts.span_reducer(source), *shell, span_dialect)

    def otlp_metrics(source: str) -> Stage:
        return BatchStage(parts.metric_reducer(source), *shell, metric_dialect)

    def samples(source: str) -> Stage:
        return PrometheusStage(
            parts.metric_reducer(source), *shell, partial(decode_samples, limits=limits)
        )

    def alerts(_source: str) -> Stage:
        return AlertStage(intake, packer, resolver, alert_group)

    def changes(_source: str) -> Stage:
        return ChangeStage(intake, packer, resolver, change)

    return {
        topics.alerts: alerts,
        topics.changes: changes,
        topics.metrics: samples,
        topics.otlp_metrics: otlp_metrics,
        topics.otlp_spans: spans,
    }


class _Shell(NamedTuple):
    """The arguments that all stages with a reducer share."""

    intake: Intake
    packer: Packer
    flush_ms: int
