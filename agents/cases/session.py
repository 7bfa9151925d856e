"""One connection of the verdicts' consumer to Kafka: read, join, write, then commit.

The order is the guarantee. An offset is committed only after the cases before it are on the disk
and the dead letters acknowledged; what is read again after a crash changes nothing.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from agents.cases.config import CasesConfig
from agents.cases.kept_topic import KeptTopic
from agents.cases.verdict_desk import VerdictDesk
from agents.kafka import client_arguments
from agents.telemetry import CaseMetrics
from agents.worker.cluster import Cluster
from agents.worker.consumer_status import Phase
from agents.worker.dead_letter import DeadLetters
from agents.worker.progress import Progress
from agents.worker.publisher import Publisher
from agents.worker.rebalance import Rebalance
from agents.worker.topics import TopicsConfig
from models.pattern_catalogue import default_catalogue
from schemas.codecs.limits import CodecLimits

_log = logging.getLogger("worker")
_READ_RECORDS = 100
_WAIT_SECONDS = 1.0
_LEAVE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictParts:
    """What the consumer of verdicts is made with; `library_dir` is where its files go."""

    library_dir: Path
    config: CasesConfig
    cluster: Cluster
    topics: TopicsConfig
    limits: CodecLimits
    letters: DeadLetters
    metrics: CaseMetrics


class VerdictSession:
    """Owns the clients; dies as a whole when anything goes wrong with Kafka or the disk."""

    def __init__(self, parts: VerdictParts, progress: Progress) -> None:
        kafka = parts.cluster.kafka
        self._parts = parts
        self._progress = progress
        self._desks: dict[int, VerdictDesk] = {}
        self._positions: dict[TopicPartition, int] = {}
        # Counts assignments: records that were read under an earlier one are not taken.
        self._epoch = 0
        # Held while a batch is written, so that a hand-over waits for it.
        self._busy = asyncio.Lock()
        self._publisher = Publisher(parts.cluster, progress.beat)
        self._reader = AIOKafkaConsumer(
            parts.topics.case_rows,
            **client_arguments(kafka),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        self._kept = KeptTopic(self._reader, parts.config.kept_incidents, progress.beat)
        self._consumer = _consumer(parts)

    async def run(self, should_stop: Callable[[], bool]) -> None:
        """Take verdicts until told to stop.

        Raises:
            KafkaError, OSError, TimeoutError, PublishError: the connection to Kafka is gone.
            CasesError: a file of the library cannot be read or written.
        """
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._publisher.stop)
            await self._publisher.start()
            stack.push_async_callback(self._reader.stop)
            await self._reader.start()
            stack.push_async_callback(self._leave)
            await self._consumer.start()
            self._progress.beat(Phase.JOINING)
            listener = Rebalance(self._claim, self._release)
            self._consumer.subscribe([self._parts.topics.verdicts], listener=listener)
            await self._loop(should_stop)

    async def _leave(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_SECONDS):
                await self._consumer.stop()

    async def _loop(self, should_stop: Callable[[], bool]) -> None:
        reading: asyncio.Task[tuple[int, dict[Any, Any]]] | None = None
        try:
            while not should_stop():
                reading = reading or asyncio.create_task(self._read())
                # A read waits for as long as a rebalance lasts; the loop must not.
                await asyncio.wait([reading], timeout=_WAIT_SECONDS)
                self._progress.beat()
                if reading.done():
                    (epoch, batches), reading = reading.result(), None
                    async with self._busy:
                        await self._turn(epoch, batches)
        finally:
            if reading is not None:
                reading.cancel()
                await asyncio.wait([reading])

    async def _read(self) -> tuple[int, dict[Any, Any]]:
        batches = await self._consumer.getmany(
            timeout_ms=self._parts.cluster.worker.poll_ms, max_records=_READ_RECORDS
        )
        return self._epoch, batches

    async def _turn(self, epoch: int, batches: dict[Any, Any]) -> None:
        if batches:
            # Whatever was asked before a verdict was given is in the topic by now.
            await self._kept.catch_up()
        for place in sorted(batches):
            if epoch == self._epoch:
                await self._take(place, batches[place])
        self._tell_lag()

    async def _take(self, place: TopicPartition, records: Sequence[Any]) -> None:
        letters = await asyncio.to_thread(self._handle, place.partition, records)
        await self._publisher.publish(letters)
        self._positions[place] = records[-1].offset + 1
        self._progress.moved()
        try:
            async with asyncio.timeout(self._parts.cluster.worker.request_seconds):
                await self._consumer.commit({place: self._positions[place]})
        except (CommitFailedError, IllegalStateError):
            # The next owner reads these verdicts again, which changes nothing.
            _log.warning("the group has gone on without this consumer of verdicts")

    def _handle(self, partition: int, records: Sequence[Any]) -> list[Any]:
        return self._desk(partition).handle(records, time.time_ns() // 1_000_000)

    def _desk(self, partition: int) -> VerdictDesk:
        if partition not in self._desks:
            self._desks[partition] = VerdictDesk(
                path=self._parts.library_dir / f"verdicts-{partition}.jsonl",
                lookup=self._kept.get,
                catalogue=default_catalogue(),
                letters=self._parts.letters,
                limits=self._parts.limits,
                metrics=self._parts.metrics,
            )
        return self._desks[partition]

    def _tell_lag(self) -> None:
        """Say what is known to be waiting: nothing, where a partition has not been read yet."""
        lag = {}
        for place in self._consumer.assignment():
            end = self._consumer.highwater(place) or 0
            lag[place.topic, place.partition] = max(0, end - self._positions.get(place, end))
        self._progress.set_lag(lag)

    def _claim(self, _assigned: Iterable[TopicPartition]) -> None:
        self._epoch += 1
        # Another worker may have written to the files meanwhile.
        self._desks.clear()
        self._positions.clear()
        self._progress.beat(Phase.RUNNING)

    async def _release(self) -> None:
        """Hand over once the batch in hand is on the disk and committed."""
        try:
            async with asyncio.timeout(self._parts.cluster.worker.handover_ms / 1_000), self._busy:
                self._epoch += 1
        except TimeoutError:
            self._epoch += 1
            _log.warning("a hand-over of verdicts took too long; the next owner repeats a batch")
        self._progress.set_lag({})
        self._progress.beat(Phase.JOINING)


def _consumer(parts: VerdictParts) -> AIOKafkaConsumer:
    worker = parts.cluster.worker
    return AIOKafkaConsumer(
        **client_arguments(parts.cluster.kafka),
        group_id=parts.config.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        session_timeout_ms=worker.session_timeout_ms,
        heartbeat_interval_ms=worker.heartbeat_ms,
        rebalance_timeout_ms=worker.rebalance_timeout_ms,
    )
