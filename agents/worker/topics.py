"""The [topics] section: names of all topics, and how those that are missing are created.

The declarations are data; docs/TOPICS.md explains each and a test keeps the two equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

_HOUR_MS = 3_600_000
_MIB = 1024 * 1024
# A dead letter carries the original message and says where it came from and why.
_HEADROOM_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicsConfig:
    """How topics are called, and with what the missing ones are created.

    Raises:
        ValueError: a number is out of range, or two topics have the same name.
    """

    alerts: str = field(default="alerts", metadata={"doc": "Alerts come in here."})
    otlp_metrics: str = field(
        default="otlp_metrics", metadata={"doc": "OTLP metrics come in here (protobuf or JSON)."}
    )
    otlp_spans: str = field(
        default="otlp_spans", metadata={"doc": "OTLP spans come in here (protobuf or JSON)."}
    )
    metrics: str = field(
        default="metrics", metadata={"doc": "Prometheus samples come in here, one a message."}
    )
    changes: str = field(
        default="changes", metadata={"doc": "Deploys and other changes come in here."}
    )
    signals: str = field(
        default="signals", metadata={"doc": "Internal: what the first stage hands to the second."}
    )
    incidents: str = field(default="incidents", metadata={"doc": "Incidents go out here."})
    unassigned: str = field(
        default="unassigned", metadata={"doc": "Alerts that ended outside every incident."}
    )
    verdicts: str = field(
        default="verdicts", metadata={"doc": "Operators' verdicts on the root cause."}
    )
    case_rows: str = field(
        default="rootline.case-rows",
        metadata={"doc": "Internal: the last question of each incident, until a verdict comes."},
    )
    dead_letter: str = field(
        default="dead-letter", metadata={"doc": "Messages that could not be used, and why."}
    )
    redriven: str = field(
        default="rootline.redriven",
        metadata={"doc": "Internal: which dead letters `rootline redrive` has sent again."},
    )
    state_prefix: str = field(
        default="rootline.state.",
        metadata={"doc": "State topics are called this followed by their input topic's name."},
    )
    create: bool = field(
        default=True, metadata={"doc": "Create topics that are missing; false only checks them."}
    )
    input_partitions: int = field(
        default=4, metadata={"doc": "Partitions of the input topics: most workers that share one."}
    )
    signals_partitions: int = field(
        default=8,
        metadata={"doc": "Partitions of signals, most workers that correlate; never change it."},
    )
    output_partitions: int = field(
        default=4,
        metadata={"doc": "Partitions of the topics that go out, of verdicts and case rows."},
    )
    replication: int = field(
        default=-1, metadata={"doc": "Copies of each partition; -1 leaves it to the cluster."}
    )
    telemetry_retention_hours: float = field(
        default=24.0, metadata={"doc": "Spans and metrics are kept this long."}
    )
    input_retention_hours: float = field(
        default=168.0, metadata={"doc": "Alerts, changes and signals are kept this long."}
    )
    output_retention_hours: float = field(
        default=2160.0, metadata={"doc": "Incidents, unassigned, dead letters are kept this long."}
    )
    max_message_bytes: int = field(
        default=8 * _MIB, metadata={"doc": "Largest message that created topics take."}
    )

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                msg = f"topics.{name} is {getattr(self, name)}; expected a number above 0"
                raise ValueError(msg)
        if self.replication < 1 and self.replication != -1:
            msg = f"topics.replication is {self.replication}; expected -1, or 1 and more"
            raise ValueError(msg)
        names = [getattr(self, name) for name in NAMES]
        doubled = sorted({name for name in names if names.count(name) > 1 or not name})
        if doubled:
            msg = (
                f"topics.*: the name {doubled[0]!r} is empty or used twice; every topic needs one"
            )
            raise ValueError(msg)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The topics that the first stage reads."""
        return (self.alerts, self.changes, self.metrics, self.otlp_metrics, self.otlp_spans)

    def state_of(self, topic: str) -> str | None:
        """The topic that holds the state of an input topic's partitions, if there is state.

        >>> TopicsConfig().state_of("signals"), TopicsConfig().state_of("alerts")
        ('rootline.state.signals', None)
        """
        stateful = {self.metrics, self.otlp_metrics, self.otlp_spans, self.signals}
        return f"{self.state_prefix}{topic}" if topic in stateful else None


NAMES = (
    "alerts",
    "otlp_metrics",
    "otlp_spans",
    "metrics",
    "changes",
    "signals",
    "incidents",
    "unassigned",
    "verdicts",
    "case_rows",
    "dead_letter",
    "redriven",
)
_POSITIVE = (
    "input_partitions",
    "signals_partitions",
    "output_partitions",
    "telemetry_retention_hours",
    "input_retention_hours",
    "output_retention_hours",
    "max_message_bytes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicDeclaration:
    """A topic as it should be. `state_of` names the topic whose partition count it follows."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str]
    state_of: str | None = None


def declarations(config: TopicsConfig) -> tuple[TopicDeclaration, ...]:
    """Return every topic that Rootline reads or writes, as it is created where missing."""
    telemetry = _expiring(config.telemetry_retention_hours, config)
    inputs = _expiring(config.input_retention_hours, config)
    outputs = _expiring(config.output_retention_hours, config)
    # Compacted and expiring: the last revision of each incident, and not for ever.
    latest = outputs | {"cleanup.policy": "compact,delete"}
    letters = outputs | {"max.message.bytes": str(config.max_message_bytes + _HEADROOM_BYTES)}
    plain = [
        (config.alerts, config.input_partitions, inputs),
        (config.changes, config.input_partitions, inputs),
        (config.metrics, config.input_partitions, telemetry),
        (config.otlp_metrics, config.input_partitions, telemetry),
        (config.otlp_spans, config.input_partitions, telemetry),
        (config.signals, config.signals_partitions, inputs),
        (config.incidents, config.output_partitions, latest),
        (config.unassigned, config.output_partitions, outputs),
        (config.verdicts, config.output_partitions, latest),
        (config.case_rows, config.output_partitions, latest),
        (config.dead_letter, config.output_partitions, letters),
        (config.redriven, config.output_partitions, latest),
    ]
    declared = [
        TopicDeclaration(
            name=name, partitions=count, replication=config.replication, settings=settings
        )
        for name, count, settings in plain
    ]
    return tuple(
        declared + [_state(config, topic) for topic in declared if _stateful(config, topic)]
    )


def _stateful(config: TopicsConfig, topic: TopicDeclaration) -> bool:
    return config.state_of(topic.name) is not None


def _state(config: TopicsConfig, topic: TopicDeclaration) -> TopicDeclaration:
    return TopicDeclaration(
        name=config.state_of(topic.name) or "",
        partitions=topic.partitions,
        replication=config.replication,
        settings={
            "cleanup.policy": "compact",
            # Small segments: the last snapshot must be read fast and old ones must go soon.
            "segment.bytes": str(16 * _MIB),
            "segment.ms": str(_HOUR_MS),
            "min.cleanable.dirty.ratio": "0.1",
            "max.message.bytes": str(config.max_message_bytes),
        },
        state_of=topic.name,
    )


def _expiring(hours: float, config: TopicsConfig) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(round(hours * _HOUR_MS)),
        "max.message.bytes": str(config.max_message_bytes + _HEADROOM_BYTES // 2),
    }
