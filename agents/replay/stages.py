"""The worker's own stages in memory: what they would produce is kept, and nothing is sent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from agents.notifier.records import decode_incident
from agents.replay.history import Revision
from agents.settings import Settings
from agents.telemetry import Telemetry
from agents.worker.assembly import Engines, consumer_specs
from agents.worker.stage import Incoming, Outgoing, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as a stage reads it; its coordinates only matter to dead letters."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Stages:
    """Makes stages as a worker with this configuration makes them."""

    def __init__(self, settings: Settings, engines: Engines) -> None:
        worker = replace(settings.worker, roles=("reduce", "correlate"))
        specs = consumer_specs(
            replace(settings, worker=worker), engines, Telemetry(), lambda _stage: None
        )
        self._specs = {spec.name: spec for spec in specs}

    def reduce(self, topic: str, partition: int) -> Stage:
        """The first stage of one input partition."""
        return self._specs["reduce"].stage(topic, partition)

    def correlate(self, topic: str, partition: int) -> Stage:
        """The second stage of one partition of the signals log."""
        return self._specs["correlate"].stage(topic, partition)


@dataclass(slots=True)
class Kept:
    """What the stages produced: revisions, and how many messages could not be used."""

    incidents: str
    dead_letter: str
    revisions: list[Revision]
    refused: int = 0

    def take(self, outgoing: Iterable[Outgoing], *, settled: bool) -> None:
        """Keep the incidents of what was produced."""
        for out in outgoing:
            if out.topic == self.dead_letter:
                self.refused += 1
            elif out.topic == self.incidents and out.value is not None:
                incident = decode_incident(out.value)
                self.revisions.append(
                    Revision(incident=incident, value=out.value, settled=settled)
                )


def kept(settings: Settings) -> Kept:
    """Return an empty keeper."""
    topics = settings.topics
    return Kept(topics.incidents, topics.dead_letter, [])


def record_of(found: Incoming) -> Record:
    """Copy a record, so that the batch it came in can go."""
    return Record(
        topic=found.topic,
        partition=found.partition,
        offset=found.offset,
        timestamp=found.timestamp,
        key=found.key,
        value=found.value,
        headers=found.headers,
    )
