"""Chooses and builds the consumers of the roles that a worker has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from agents.settings import Settings
from agents.telemetry import Telemetry
from agents.worker.correlate import CorrelateParts, CorrelateStage, Correlator, correlate_spec
from agents.worker.dead_letter import DeadLetters
from agents.worker.reduce import ReduceParts, reduce_spec
from agents.worker.reducing import Reducer
from agents.worker.stage import ConsumerSpec, StateFormats
from schemas.resolve import Resolver
from schemas.signal import GraphEdge
from schemas.telemetry import MetricBatch, SpanBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """What of the core the worker runs; each call makes a fresh one for a partition.

    Reducers are made for a source (`topic/partition`). `edges` are those that graph files declare,
    by file name; `formats` are those of the states of all of them.
    """

    span_reducer: Callable[[str], Reducer[SpanBatch]]
    metric_reducer: Callable[[str], Reducer[MetricBatch]]
    correlator: Callable[[], Correlator]
    resolver: Resolver
    edges: Mapping[str, tuple[GraphEdge, ...]] = field(default_factory=dict)
    formats: StateFormats = field(default_factory=StateFormats)


def consumer_specs(
    settings: Settings,
    engines: Engines,
    telemetry: Telemetry,
    opened: Callable[[CorrelateStage], None],
) -> list[ConsumerSpec]:
    """Return the durable consumers of the configured roles."""
    letters = dead_letters(settings, telemetry)
    specs = []
    if "reduce" in settings.worker.roles:
        parts = ReduceParts(
            topics=settings.topics,
            worker=settings.worker,
            limits=settings.limits,
            span_reducer=engines.span_reducer,
            metric_reducer=engines.metric_reducer,
            resolver=engines.resolver,
            metrics=telemetry.intake,
            letters=letters,
        )
        specs.append(reduce_spec(parts))
    if "correlate" in settings.worker.roles:
        correlate = CorrelateParts(
            topics=settings.topics,
            worker=settings.worker,
            correlator=engines.correlator,
            metrics=telemetry.incidents,
            letters=letters,
            max_message_bytes=settings.kafka.max_message_bytes,
            opened=opened,
        )
        specs.append(correlate_spec(correlate))
    return [replace(spec, formats=engines.formats) for spec in specs]


def dead_letters(settings: Settings, telemetry: Telemetry) -> DeadLetters:
    """Say where dead letters go."""
    return DeadLetters(
        topic=settings.topics.dead_letter,
        max_bytes=settings.kafka.max_message_bytes,
        counter=telemetry.intake.dead_lettered,
    )
