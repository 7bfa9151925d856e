"""CORRELATE: the engine over one partition of the signals log, which has one writer: its owner.

The engine is a pure function of that log. So that event time passes when all is silent, the owner
appends ticks to the log, and takes them from there like everything else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from agents.cases.kept import encode_kept, keep
from agents.telemetry import IncidentMetrics
from agents.worker.config import WorkerConfig
from agents.worker.dead_letter import Complaint, DeadLetters, Rejection
from agents.worker.perform import Performer
from agents.worker.stage import ConsumerSpec, Incoming, Outgoing
from agents.worker.topics import TopicsConfig
from models.pattern_catalogue import default_catalogue
from pipeline.outputs import IncidentPublished, Output, Transition
from schemas.candidate import Question
from schemas.codecs.signals import decode_signal, encode_signal
from schemas.errors import SchemaError
from schemas.incident import Firing
from schemas.signal import Signal, TickSignal

STAGE = "correlate"
_JSON_LINES = (("content-type", b"application/jsonl"),)


class Correlator(Protocol):
    """What pipeline/correlator.py offers: the engines of all environments of one partition."""

    def handle(self, environment: str, signal: Signal, arrived_ms: int) -> list[Output]:
        """Take the next signal of an environment."""
        ...

    def ticks(self, now_ms: int) -> list[tuple[str, TickSignal]]:
        """Say for which environments the log should record that time has passed."""
        ...

    def snapshot(self) -> bytes:
        """Return the whole state."""
        ...

    def restore(self, data: bytes) -> None:
        """Become what `snapshot` was taken from."""
        ...

    def stats(self) -> dict[str, float]:
        """Numbers for the metrics."""
        ...

    def asked(self, incident_id: str) -> Question | None:
        """Return what was last asked about an incident, once; None where nothing was since."""
        ...


class CorrelateStage:
    """One partition of the signals log."""

    def __init__(
        self,
        topic: str,
        partition: int,
        correlator: Correlator,
        performer: Performer,
        letters: DeadLetters,
    ) -> None:
        self._topic = topic
        self._partition = partition
        self._correlator = correlator
        self._performer = performer
        self._letters = letters
        self.stats: dict[str, float] = {}

    def handle(self, records: Sequence[Incoming], now_ms: int) -> list[Outgoing]:
        """Hand every signal to the engine and perform what it wants."""
        del now_ms
        outgoing: list[Outgoing] = []
        with self._performer.metrics.handling.time():
            for record in records:
                outgoing += self._one(record)
        self.stats = self._correlator.stats()
        return outgoing

    def _one(self, record: Incoming) -> list[Outgoing]:
        try:
            environment, signal = _decoded(record)
        except SchemaError as error:
            complaint = Complaint(rejection=Rejection.UNDECODABLE, reason=str(error), stage=STAGE)
            return [self._letters.letter(record, complaint)]
        self._performer.metrics.signals.labels(type=signal.type).inc()
        # The log's own time, never the clock: a replay must see what the first run saw.
        outputs = self._correlator.handle(environment, signal, max(record.timestamp, 0))
        return [
            record
            for output in outputs
            for record in (self._performer.perform(output), *self._kept(environment, output))
        ]

    def _kept(self, environment: str, output: Output) -> list[Outgoing]:
        """Keep the question behind an answer that a verdict may be given on."""
        if not isinstance(output, IncidentPublished) or not _lasts(output):
            return []
        incident_id = output.incident.incident_id
        question = self._correlator.asked(incident_id)
        if question is None:
            return []
        value = encode_kept(keep(question, environment, default_catalogue()))
        return [Outgoing(self._performer.case_rows, incident_id.encode(), value, _JSON_LINES)]

    def idle(self, now_ms: int) -> list[Outgoing]:
        """Append to the log that time has passed."""
        return [
            Outgoing(
                self._topic,
                environment.encode(),
                encode_signal(tick),
                partition=self._partition,
            )
            for environment, tick in self._correlator.ticks(now_ms)
        ]

    def snapshot(self) -> bytes:
        """Return the engine's state."""
        return self._correlator.snapshot()

    def restore(self, data: bytes) -> None:
        """Restore the engine."""
        self._correlator.restore(data)
        self.stats = self._correlator.stats()


def _lasts(output: IncidentPublished) -> bool:
    """Tell first and last answers from those in between, which the next one soon replaces."""
    between = output.transition is Transition.UPDATED
    return not between or output.incident.firing is not Firing.EARLY


def _decoded(record: Incoming) -> tuple[str, Signal]:
    if not record.key or record.value is None:
        msg = "a signals record without key or value; expected the environment and a signal"
        raise SchemaError(msg)
    try:
        environment = record.key.decode()
    except UnicodeDecodeError as error:
        msg = "a signals record whose key is not UTF-8; expected the environment's name"
        raise SchemaError(msg) from error
    return environment, decode_signal(record.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelateParts:
    """What the second stage is made of; `correlator` makes a fresh one for a partition."""

    topics: TopicsConfig
    worker: WorkerConfig
    correlator: Callable[[], Correlator]
    metrics: IncidentMetrics
    letters: DeadLetters
    max_message_bytes: int
    opened: Callable[[CorrelateStage], None]


def correlate_spec(parts: CorrelateParts) -> ConsumerSpec:
    """Return the durable consumer of the signals topic."""
    topics = parts.topics
    performer = Performer(
        incidents=topics.incidents,
        unassigned=topics.unassigned,
        case_rows=topics.case_rows,
        max_bytes=parts.max_message_bytes,
        metrics=parts.metrics,
    )

    def stage(topic: str, partition: int) -> CorrelateStage:
        made = CorrelateStage(topic, partition, parts.correlator(), performer, parts.letters)
        parts.opened(made)
        return made

    return ConsumerSpec(
        name="correlate",
        group=parts.worker.correlate_group,
        topics=(topics.signals,),
        state_topic=topics.state_of,
        stage=stage,
    )
