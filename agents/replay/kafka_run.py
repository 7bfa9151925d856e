"""Reads the topics, rebuilds the incidents in memory and compares; writes nothing to Kafka."""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.errors import RootlineError
from agents.notifier.records import decode_incident
from agents.recordings import write_recording
from agents.replay.capture import Capture
from agents.replay.comparing import Comparison, Window, compare
from agents.replay.handled import handled_offsets
from agents.replay.history import Revision, epoch_ms, histories
from agents.replay.inputs import InputsLog
from agents.replay.order import Order, Source
from agents.replay.signals_log import SignalsLog
from agents.replay.stages import Kept, Record, Stages, kept, record_of
from agents.settings import Settings
from agents.topic_slice import (
    TopicSlice,
    TopicsMissingError,
    partition_counts,
    read_slices,
    slice_reader,
    slices_of,
)
from agents.worker.assembly import Engines
from pipeline.timestamps import rfc3339
from schemas.errors import SchemaError
from schemas.incident import Incident, IncidentStatus

INPUT_BYTES = 1 << 30
"""Most bytes of input topics held at one time."""


class TooMuchInputError(RootlineError):
    """The input topics hold more than fits in memory."""


Progress = Callable[[str, float], None]
"""Is told what is being done, and the share of it that is done."""


async def rebuild(
    settings: Settings, engines: Engines, order: Order, progress: Progress
) -> Comparison:
    """Rebuild the incidents of a time and compare them with those that were published.

    Raises:
        TopicsMissingError, TooMuchInputError, ManyEnvironmentsError: it cannot be done.
        KafkaError, OSError, TimeoutError: Kafka cannot be reached, or went away.
    """
    counts = await partition_counts(settings.kafka)
    async with contextlib.AsyncExitStack() as stack:
        reader = await stack.enter_async_context(slice_reader(settings.kafka))
        return await _Run(settings, engines, order, progress, counts, reader).compared()


class _Run:
    """One replay; holds what every step of it needs."""

    def __init__(
        self,
        settings: Settings,
        engines: Engines,
        order: Order,
        progress: Progress,
        counts: Mapping[str, int],
        reader: AIOKafkaConsumer,
    ) -> None:
        self._settings = settings
        self._engines = engines
        self._order = order
        self._progress = progress
        self._counts = counts
        self._reader = reader
        self._kept: Kept = kept(settings)
        self._stages = Stages(settings, engines)
        self._notes: list[str] = []

    async def compared(self) -> Comparison:
        """Read, rebuild, compare."""
        order, topics = self._order, self._settings.topics
        # The incidents first: whatever is there by now comes of signals that are there as well.
        published = await self._slices(topics.incidents)
        now_ms = time.time_ns() // 1_000_000
        inputs = await self._inputs() if self._needs_inputs else {}
        if order.out is not None:
            self._capture(order.out, inputs, now_ms)
        if order.source is Source.SIGNALS:
            await self._from_signals()
        else:
            self._from_inputs(inputs, now_ms)
        window = Window(
            since_ms=order.since_ms,
            until_ms=order.until_ms,
            read_from_ms=order.read_from_ms,
            numbers=order.source is Source.SIGNALS,
        )
        rebuilt = [each for each in self._kept.revisions if self._reaches_in(each.incident)]
        result = compare(histories(await self._published(published)), histories(rebuilt), window)
        result.notes += self._notes
        return result

    @property
    def _needs_inputs(self) -> bool:
        return self._order.source is Source.INPUTS or self._order.out is not None

    async def _slices(self, topic: str, since_ms: int | None = None) -> list[TopicSlice]:
        if topic not in self._counts:
            msg = f"there is no topic {topic}; set its name in [topics], or start a worker"
            raise TopicsMissingError(msg)
        places = [TopicPartition(topic, number) for number in range(self._counts[topic])]
        return await slices_of(self._reader, places, since_ms=since_ms)

    async def _published(self, slices: Sequence[TopicSlice]) -> list[Revision]:
        """Read the incidents; a record without a value takes back what was published before."""
        found: list[Revision] = []
        unread = 0
        async for records in read_slices(self._reader, slices):
            for record in records:
                if record.value is None:
                    gone = (record.key or b"").decode("utf-8", "replace")
                    found = [each for each in found if each.incident.incident_id != gone]
                    continue
                try:
                    incident = decode_incident(record.value)
                except SchemaError:
                    unread += 1
                    continue
                if self._reaches_in(incident):
                    found.append(Revision(incident=incident, value=record.value))
        if unread:
            self._notes.append(
                f"{unread} records of {self._settings.topics.incidents} cannot be read"
            )
        return found

    def _reaches_in(self, incident: Incident) -> bool:
        """Whether a revision has to do with the time that is read."""
        open_or_later = (
            incident.status is IncidentStatus.OPEN
            or epoch_ms(incident.updated_at) >= self._order.read_from_ms
        )
        return open_or_later and self._order.environment in {"", incident.environment}

    async def _from_signals(self) -> None:
        topic, order = self._settings.topics.signals, self._order
        slices = await self._slices(topic, order.read_from_ms)
        handled = await handled_offsets(self._settings)
        log = SignalsLog(topic, self._stages, self._kept, order.environment, handled)
        total, done = max(1, sum(each.records for each in slices)), 0
        for each in slices:
            if not each.is_whole and each.records:
                environment = self._settings.resolver.environment
                log.declare(each.place.partition, self._engines, environment, order.read_from_ms)
        async for records in read_slices(self._reader, slices):
            log.handle(records)
            done += len(records)
            self._progress("rebuilding from signals", min(1.0, done / total))
        self._say_what_is_missing(slices, handled)

    def _say_what_is_missing(
        self, slices: Sequence[TopicSlice], handled: Mapping[int, int]
    ) -> None:
        """Say what the rebuilding does not know that the worker knew, and the other way round."""
        behind = sum(
            max(0, each.end - handled.get(each.place.partition, each.end)) for each in slices
        )
        if behind:
            self._notes.append(
                f"group {self._settings.worker.correlate_group} has not committed the last "
                f"{behind} signals; what only they make is not compared"
            )
        if all(each.is_whole for each in slices):
            return
        self._notes.append(
            f"reading began at {rfc3339(self._order.read_from_ms)}: what the service graph and "
            "the alert book had learnt before is not known, which may change an answer; a longer "
            "--warmup knows more"
        )
        expired = [e for e in slices if e.first > 0 and e.start == e.first and e.records]
        if expired:
            self._notes.append(
                f"the oldest records of {len(expired)} partitions of "
                f"{expired[0].place.topic} are gone, so the warm-up is shorter than asked for"
            )

    async def _inputs(self) -> dict[str, list[Record]]:
        """Read the input topics into memory."""
        found: dict[str, list[Record]] = {}
        held = 0
        slices = [
            each
            for topic in self._settings.topics.inputs
            if topic in self._counts
            for each in await self._slices(topic, self._order.read_from_ms)
        ]
        total, done = max(1, sum(each.records for each in slices)), 0
        async for records in read_slices(self._reader, slices):
            copied = [record_of(record) for record in records]
            found.setdefault(copied[0].topic, []).extend(copied)
            done += len(copied)
            held += sum(len(record.value or b"") for record in copied)
            if held > INPUT_BYTES:
                msg = (
                    f"the input topics hold more than {INPUT_BYTES >> 20} MiB since "
                    f"{rfc3339(self._order.read_from_ms)}; give a later --since or a shorter "
                    "--warmup"
                )
                raise TooMuchInputError(msg)
            self._progress("reading the input topics", min(1.0, done / total))
        return found

    def _from_inputs(self, inputs: Mapping[str, Sequence[Record]], now_ms: int) -> None:
        partitions: dict[tuple[str, int], list[Record]] = {}
        for topic, records in sorted(inputs.items()):
            for record in records:
                partitions.setdefault((topic, record.partition), []).append(record)
        topic, order = self._settings.topics.signals, self._order
        log = SignalsLog(topic, self._stages, self._kept, order.environment, {})
        if self._engines.edges:
            environment = self._settings.resolver.environment
            log.declare(0, self._engines, environment, order.read_from_ms)
        both = InputsLog(self._settings, self._stages, log)
        for share in both.run(list(partitions.values()), now_ms):
            self._progress("rebuilding from the input topics", share)
        self._notes.append(
            "rebuilt from the input topics, whose records a worker reads in other batches: "
            "members and root causes are compared, revisions and probabilities are not"
        )
        if both.refused:
            self._notes.append(f"{both.refused} input messages could not be used")

    def _capture(self, out: Path, inputs: Mapping[str, Sequence[Record]], now_ms: int) -> None:
        capture = Capture(self._settings, self._engines, self._order.environment)
        write_recording(capture.recording(inputs, self._order.read_from_ms, now_ms), out)
        self._notes.append(
            f"the input topics since {rfc3339(self._order.read_from_ms)} are in {out}"
        )
        if capture.unread:
            self._notes.append(f"{capture.unread} messages of telemetry could not be read")
