"""The engine over a recording, with no Kafka: the same decoders, reducers and correlator.

Messages are fed in order of arrival; telemetry in slices of a few seconds, as a collector would
send it. The same recording gives the same outputs, byte for byte.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.config import PipelineConfig
from pipeline.correlator import Correlator
from pipeline.graph_files import graph_edges
from pipeline.outputs import Output
from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.metrics import MetricReducer
from pipeline.reduce.spans import SpanReducer
from schemas.candidate import Ranker
from schemas.codecs.alerts import decode_alerts
from schemas.codecs.changes import decode_change
from schemas.codecs.future import keep_spans, reject_future_alerts, reject_future_change
from schemas.errors import SchemaError
from schemas.recording import Recording
from schemas.resolve import Resolver, ResolverConfig
from schemas.signal import AlertSignal, ChangeSignal, Signal, TelemetrySignal, TickSignal
from schemas.telemetry import MetricBatch, SpanBatch

_SLICE_MS = 5_000
_DELAY_MS = 1_000
"""How long after a slice's end it arrives."""
_SETTLE_MS = 25 * 60_000
"""How much silence is appended, so that windows end and quiet incidents resolve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineConfig:
    """The parts of the configuration that the core reads."""

    resolver: ResolverConfig = field(default_factory=ResolverConfig)
    reduce: ReduceConfig = field(default_factory=ReduceConfig)
    pipeline: PipelineConfig = field(default_factory=PipelineConfig)
    future_seconds: float = 300.0  # as worker.future_seconds


@dataclass(slots=True, kw_only=True)
class OfflineRun:
    """Outputs as they come, and what could not be decoded: (stream, index, reason)."""

    outputs: list[Output] = field(default_factory=list)
    rejected: list[tuple[str, int, str]] = field(default_factory=list)


def run_offline(
    recording: Recording,
    rank: Ranker,
    *,
    config: OfflineConfig | None = None,
    correlator: Correlator | None = None,
    progress: Callable[[float], None] | None = None,
) -> OfflineRun:
    """Feed a whole recording and then silence until everything has settled."""
    config = config or OfflineConfig()
    correlator = correlator or Correlator(config.pipeline, rank)
    run = OfflineRun()
    span_ms = max(1, recording.end_ms - recording.start_ms)
    for arrived_ms, environment, signal in signals_of(recording, config, run):
        run.outputs += correlator.handle(environment, signal, arrived_ms)
        if progress is not None:
            progress(min(1.0, (arrived_ms - recording.start_ms) / span_ms))
    return run


def signals_of(
    recording: Recording, config: OfflineConfig, run: OfflineRun
) -> Iterator[tuple[int, str, Signal]]:
    """Yield (arrival, environment, signal) in order of arrival, then the ticks of silence."""
    resolver = Resolver(replace(config.resolver, environment=recording.environment))
    pending: list[tuple[int, int, int, str, Signal]] = []
    order = 0
    for edges in (
        [graph_edges(recording.graph, source="file:graph.json")] if recording.graph else ()
    ):
        declared = TelemetrySignal(
            source="graph:graph.json", observed_ms=recording.start_ms, declared=edges
        )
        yield recording.start_ms, recording.environment, declared
    for arrived_ms, environment, signal in _sparse(recording, resolver, config, run):
        pending.append((arrived_ms, 1, order := order + 1, environment, signal))
    for arrived_ms, environment, signal in _telemetry(recording, resolver, config.reduce):
        pending.append((arrived_ms, 0, order := order + 1, environment, signal))
    pending.sort(key=lambda row: row[:3])
    last_ms = recording.start_ms
    environments = {recording.environment}
    for arrived_ms, _, _, environment, signal in pending:
        last_ms = arrived_ms
        environments.add(environment)
        yield arrived_ms, environment, signal
    until = max(last_ms, recording.end_ms)
    for now_ms in range(until + 1000, until + _SETTLE_MS, _SLICE_MS):
        for environment in sorted(environments):
            yield now_ms, environment, TickSignal(observed_ms=now_ms)


def _sparse(
    recording: Recording, resolver: Resolver, config: OfflineConfig, run: OfflineRun
) -> Iterator[tuple[int, str, Signal]]:
    ahead_ms = int(config.future_seconds * 1000)
    for index, message in enumerate(recording.alerts):
        try:
            alerts = decode_alerts(message.value, received_ms=message.arrived_ms)
        except SchemaError as error:
            run.rejected.append(("alerts", index, str(error)))
            continue
        for alert in alerts:
            try:
                reject_future_alerts((alert,), message.arrived_ms + ahead_ms)
            except SchemaError as error:
                run.rejected.append(("alerts", index, str(error)))
                continue
            found = resolver.component(alert.labels)
            yield (
                message.arrived_ms,
                resolver.environment(alert.labels),
                AlertSignal(alert=alert, component=found.component, route=found.route),
            )
    for index, message in enumerate(recording.changes):
        try:
            change = decode_change(message.value, received_ms=message.arrived_ms)
            reject_future_change(change, message.arrived_ms + ahead_ms)
        except SchemaError as error:
            run.rejected.append(("changes", index, str(error)))
            continue
        yield (
            message.arrived_ms,
            resolver.environment(change.labels),
            ChangeSignal(change=change, component=resolver.component(change.labels).component),
        )


def _telemetry(
    recording: Recording, resolver: Resolver, config: ReduceConfig
) -> Iterator[tuple[int, str, Signal]]:
    if recording.spans is not None:
        spans = SpanReducer("otlp_spans/0", resolver, config)
        for arrived_ms, batch in _span_slices(recording.spans, recording.start_ms):
            for environment, signal in spans.handle(batch, arrived_ms):
                yield arrived_ms, environment, signal
        for environment, signal in spans.flush():
            yield recording.end_ms + _DELAY_MS, environment, signal
    if recording.metrics is not None:
        metrics = MetricReducer("metrics/0", resolver, config)
        for arrived_ms, samples in _metric_slices(recording.metrics, recording.start_ms):
            for environment, signal in metrics.handle(samples, arrived_ms):
                yield arrived_ms, environment, signal
        for environment, signal in metrics.flush():
            yield recording.end_ms + _DELAY_MS, environment, signal


def _span_slices(spans: SpanBatch, start_ms: int) -> Iterator[tuple[int, SpanBatch]]:
    slots = (spans.end_ns // 1_000_000 - start_ms) // _SLICE_MS
    for slot in np.unique(slots).tolist():
        arrived_ms = start_ms + (slot + 1) * _SLICE_MS + _DELAY_MS
        yield arrived_ms, keep_spans(spans, slots == slot)


def _metric_slices(metrics: MetricBatch, start_ms: int) -> Iterator[tuple[int, MetricBatch]]:
    slots = (metrics.time_ms - start_ms) // _SLICE_MS
    for slot in np.unique(slots).tolist():
        keep = slots == slot
        arrived_ms = start_ms + (slot + 1) * _SLICE_MS + _DELAY_MS
        yield (
            arrived_ms,
            replace(
                metrics,
                series=metrics.series[keep],
                time_ms=metrics.time_ms[keep],
                value=metrics.value[keep],
            ),
        )
