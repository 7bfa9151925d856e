"""One connection of one receiver's notifier to Kafka: read, decide, deliver, log, commit.

The order is the guarantee. A message's record in the notified log is acknowledged before the
offset of what caused it is committed: a restart repeats nothing that the log knows, loses nothing.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from agents.kafka import client_arguments
from agents.notifier.config import NotifierConfig, Receiver, group_of
from agents.notifier.courier import Courier
from agents.notifier.dead_letter import Failing, dead_letter
from agents.notifier.notified import Memory, NotifiedLog
from agents.notifier.pending import Item, Pending
from agents.notifier.records import decode_incident
from agents.notifier.retry import Cause
from agents.notifier.webhook import Webhook
from agents.telemetry import NotifierMetrics
from agents.worker.cluster import Cluster
from agents.worker.consumer_status import Phase
from agents.worker.failpoint import named
from agents.worker.progress import Progress
from agents.worker.publisher import Publisher
from agents.worker.rebalance import Rebalance
from agents.worker.topics import TopicsConfig
from schemas.errors import SchemaError

log = logging.getLogger(__name__)

_READ_RECORDS = 50
_WAIT_SECONDS = 1.0
_LEAVE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierParts:
    """What every receiver's notifier is made with."""

    config: NotifierConfig
    cluster: Cluster
    topics: TopicsConfig
    metrics: NotifierMetrics
    rng: random.Random


class NotifySession:
    """Owns the clients; dies as a whole when anything goes wrong with Kafka.

    Args:
        receiver: who is told.
        parts: what every session is made with.
        memory: what the receiver was told, as far as it is known; outlives the session.
        progress: where to say how it is going.
        log_partitions: how many partitions the notified topic has.
    """

    def __init__(
        self,
        receiver: Receiver,
        parts: NotifierParts,
        memory: Memory,
        progress: Progress,
        log_partitions: int,
    ) -> None:
        self._parts = parts
        self._progress = progress
        self._pending = Pending(parts.config.max_pending_incidents)
        # Per partition: the offset after the last record taken, and the last one committed.
        self._positions: dict[int, int] = {}
        self._committed: dict[int, int] = {}
        # Counts assignments: records that were read under an earlier one are not taken.
        self._epoch = 0
        self._log_is_stale = True
        self._ended = asyncio.Event()
        self._failpoint = named(parts.cluster.failpoint, "notify")
        self._publisher = Publisher(parts.cluster, progress.beat, self._failpoint)
        self._reader = _log_reader(parts)
        self._consumer = _consumer(receiver, parts)
        self._webhook = Webhook(receiver, parts.config, parts.rng, self._count_retry)
        topic = parts.config.notified_topic
        self._notified = NotifiedLog(
            [TopicPartition(topic, number) for number in range(log_partitions)],
            receiver.name,
            memory,
            self._reader,
            self._publisher,
            self._failpoint,
        )
        self._courier = Courier(
            self._webhook,
            self._pending,
            self._notified,
            self._give_up,
            parts.config,
            parts.metrics,
        )

    async def run(self, should_stop: Callable[[], bool]) -> None:
        """Notify until told to stop.

        Raises:
            KafkaError, OSError, TimeoutError, PublishError: the connection to Kafka is gone.
        """
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._publisher.stop)
            await self._publisher.start()
            stack.push_async_callback(self._reader.stop)
            await self._reader.start()
            stack.push_async_callback(self._webhook.close)
            stack.push_async_callback(self._leave)
            await self._consumer.start()
            self._progress.beat(Phase.JOINING)
            listener = Rebalance(self._claim, self._release)
            self._consumer.subscribe([self._parts.topics.incidents], listener=listener)
            courier = asyncio.create_task(self._courier.run(self._ended))
            try:
                await self._loop(should_stop, courier)
            finally:
                await self._end(courier)
            await self._commit()

    async def _end(self, courier: asyncio.Task[None]) -> None:
        """Let the attempt in progress end, so that it is known whether the message was taken."""
        self._ended.set()
        self._pending.changed.set()
        longest = self._parts.config.request_timeout_ms / 1_000 + _LEAVE_SECONDS
        await asyncio.wait([courier], timeout=longest)
        if not courier.done():
            courier.cancel()
            await asyncio.wait([courier])
        elif courier.exception() is not None:
            log.warning("the courier ended early", extra={"error": repr(courier.exception())})

    async def _leave(self) -> None:
        self._pending.forget()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_SECONDS):
                await self._consumer.stop()

    async def _loop(self, should_stop: Callable[[], bool], courier: asyncio.Task[None]) -> None:
        reading: asyncio.Task[tuple[int, list[Any]]] | None = None
        try:
            while not should_stop():
                reading = reading or asyncio.create_task(self._read())
                # A read waits for as long as a rebalance lasts; the loop must not.
                await asyncio.wait(
                    [reading, courier], timeout=_WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                self._progress.beat()
                if courier.done():
                    courier.result()
                if reading.done():
                    (epoch, records), reading = reading.result(), None
                    await self._turn(epoch, records)
        finally:
            if reading is not None:
                reading.cancel()
                await asyncio.wait([reading])

    async def _read(self) -> tuple[int, list[Any]]:
        batches = await self._consumer.getmany(
            timeout_ms=self._parts.cluster.worker.poll_ms, max_records=_READ_RECORDS
        )
        return self._epoch, [record for place in sorted(batches) for record in batches[place]]

    async def _turn(self, epoch: int, records: list[Any]) -> None:
        if self._log_is_stale and self._consumer.assignment():
            # Another worker may have told people meanwhile: first learn what.
            self._log_is_stale = False
            await self._notified.catch_up()
            self._progress.beat(Phase.RUNNING)
        if records:
            self._failpoint("read")
        for record in records:
            if epoch == self._epoch:
                await self._take(record)
        self._pace()
        await self._commit()

    async def _take(self, record: Any) -> None:
        if record.value is not None:
            try:
                incident = decode_incident(record.value)
            except SchemaError as error:
                log.warning(
                    "an incident record cannot be read and goes to the dead-letter topic",
                    extra={"partition": record.partition, "offset": record.offset},
                )
                await self._set_aside(record, Failing.UNDECODABLE, str(error))
            else:
                self._pending.put(Item(incident=incident, record=record))
        self._positions[record.partition] = record.offset + 1
        self._progress.moved()

    def _pace(self) -> None:
        """Stop reading while too much waits for the receiver; say how far behind reading is."""
        places = self._consumer.assignment()
        paused = self._consumer.paused()
        if self._pending.is_full and places - paused:
            self._consumer.pause(*places)
            log.warning("reading pauses: the chat receiver takes nothing")
        elif not self._pending.is_full and paused:
            self._consumer.resume(*paused)
        # What waits because the receiver is away is no reason to restart the worker.
        known = {} if self._pending.is_full else self._positions
        ends = {place: self._consumer.highwater(place) or 0 for place in places}
        self._progress.set_lag(
            {
                (place.topic, place.partition): max(0, end - known.get(place.partition, end))
                for place, end in ends.items()
            }
        )

    def _claim(self, assigned: Iterable[TopicPartition]) -> None:
        self._epoch += 1
        self._positions.clear()
        self._committed.clear()
        self._log_is_stale = True
        if not set(assigned):
            # More notifiers than partitions: this one has nothing to learn first, and is ready.
            self._progress.beat(Phase.RUNNING)

    async def _release(self) -> None:
        """Hand over: nothing new is begun, and what is being sent is logged before others read."""
        self._epoch += 1
        offsets = self._committable()
        self._pending.forget()
        try:
            async with asyncio.timeout(self._parts.cluster.worker.handover_ms / 1_000):
                async with self._webhook.attempting:
                    pass
                await self._commit_offsets(offsets)
        except TimeoutError:
            log.warning("the receiver was slow at a hand-over; one message may come twice")
        self._positions.clear()

    def _committable(self) -> dict[int, int]:
        """Per partition, the offset up to which everything was told or needs no telling."""
        waiting = {number: self._pending.oldest_offset(number) for number in self._positions}
        return {
            number: position if (oldest := waiting[number]) is None else min(oldest, position)
            for number, position in self._positions.items()
        }

    async def _commit(self) -> None:
        await self._commit_offsets(self._committable())

    async def _commit_offsets(self, offsets: dict[int, int]) -> None:
        moved = {n: o for n, o in sorted(offsets.items()) if self._committed.get(n) != o}
        if not moved:
            return
        topic = self._parts.topics.incidents
        try:
            async with asyncio.timeout(self._parts.cluster.worker.request_seconds):
                await self._consumer.commit(
                    {TopicPartition(topic, n): o for n, o in moved.items()}
                )
        except (CommitFailedError, IllegalStateError):
            # The next owner reads these records again; the notified log tells it what was sent.
            log.warning("the group has gone on without this notifier; it joins again")
            return
        self._failpoint("committed")
        self._committed.update(moved)

    async def _give_up(self, item: Item, failing: Failing, reason: str) -> None:
        await self._set_aside(item.record, failing, reason)

    async def _set_aside(self, record: Any, failing: Failing, reason: str) -> None:
        self._parts.metrics.failed.labels(reason=failing.value).inc()
        letter = dead_letter(self._parts.topics.dead_letter, record, failing, reason)
        await self._publisher.publish([letter])

    def _count_retry(self, cause: Cause) -> None:
        self._parts.metrics.retried.labels(reason=cause.value).inc()


def _consumer(receiver: Receiver, parts: NotifierParts) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **client_arguments(parts.cluster.kafka),
        group_id=group_of(receiver, parts.config),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        session_timeout_ms=parts.cluster.worker.session_timeout_ms,
        heartbeat_interval_ms=parts.cluster.worker.heartbeat_ms,
        rebalance_timeout_ms=parts.cluster.worker.rebalance_timeout_ms,
    )


def _log_reader(parts: NotifierParts) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **client_arguments(parts.cluster.kafka),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
