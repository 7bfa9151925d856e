"""One connection of a durable consumer to Kafka: read, handle, publish, save, commit.

The order is the guarantee. A group offset is committed only after the snapshot that holds it, a
snapshot is written only after every output of the records before it is acknowledged. Whatever
moment a crash picks, the last snapshot and its offset belong together, and replaying from there
repeats outputs (which have deterministic ids) but loses and invents none.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from agents.kafka import client_arguments
from agents.worker.cluster import Cluster
from agents.worker.consumer_status import Phase
from agents.worker.failpoint import named
from agents.worker.fair_reading import read_fairly
from agents.worker.lag_watch import watch_lag
from agents.worker.lane import Lane, slices
from agents.worker.opening import LaneOpener
from agents.worker.progress import Progress
from agents.worker.publisher import Publisher
from agents.worker.rebalance import Rebalance
from agents.worker.saving import SnapshotWriter
from agents.worker.snapshot_reader import SnapshotReader
from agents.worker.stage import ConsumerSpec, Incoming, Outgoing

_log = logging.getLogger("worker")
_WAIT_SECONDS = 1.0
_STOP_SECONDS = 5.0
# Whether a consumer moves is judged by its health checks and the watchdog; a group that took the
# partitions from a slow one would give them to the next, which is as slow.
_POLL_INTERVAL_MS = 24 * 3_600_000


class StageFailedError(Exception):
    """A stage raised: a bug. Its partition goes on only from the last snapshot."""


class Session:
    """Owns the clients and the lanes; dies as a whole when anything goes wrong."""

    def __init__(
        self,
        spec: ConsumerSpec,
        cluster: Cluster,
        progress: Progress,
    ) -> None:
        config = cluster.worker
        self._spec = spec
        self._config = config
        self._progress = progress
        self._failpoint = named(cluster.failpoint, spec.name)
        self._lanes: dict[TopicPartition, Lane] = {}
        self._claimed: set[TopicPartition] = set()
        self._claims = 0
        self._should_stop: Callable[[], bool] = lambda: False
        # Held while lanes are worked on, so that a hand-over sees them between two steps.
        self._busy = asyncio.Lock()
        self._publisher = Publisher(cluster, progress.beat, self._failpoint)
        self._reader = SnapshotReader(cluster.kafka, config)
        self._writer = SnapshotWriter(self._publisher, cluster, spec)
        self._consumer = AIOKafkaConsumer(
            **client_arguments(cluster.kafka),
            group_id=spec.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=config.session_timeout_ms,
            heartbeat_interval_ms=config.heartbeat_ms,
            rebalance_timeout_ms=config.rebalance_timeout_ms,
            max_poll_interval_ms=_POLL_INTERVAL_MS,
            fetch_max_bytes=config.fetch_bytes,
            max_partition_fetch_bytes=config.partition_fetch_bytes,
        )
        self._opener = LaneOpener(self._consumer, self._reader, spec, config)
        self._first = frozenset(spec.first)

    async def run(self, should_stop: Callable[[], bool]) -> None:
        """Work until told to stop, then save and leave the group.

        Raises:
            StageFailedError: a stage raised.
            KafkaError, OSError, TimeoutError, PublishError: the connection is gone.
        """
        self._should_stop = should_stop
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._publisher.stop)
            await self._publisher.start()
            stack.push_async_callback(self._reader.stop)
            await self._reader.start()
            stack.push_async_callback(self._leave)
            await self._consumer.start()
            self._progress.beat(Phase.JOINING)
            listener = Rebalance(self.claim, self.release)
            self._consumer.subscribe(list(self._spec.topics), listener=listener)
            watching = asyncio.create_task(
                watch_lag(lambda: list(self._lanes.values()), self._reader, self._progress)
            )
            stack.callback(watching.cancel)
            await self._loop(watching)
            await self.release()

    async def _leave(self) -> None:
        # Whoever waits for the lanes after a failure must not save what the failure left.
        self._lanes.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await self._consumer.stop()

    async def _loop(self, watching: asyncio.Task[None]) -> None:
        reading: asyncio.Task[list[tuple[Lane, Sequence[Incoming]]]] | None = None
        try:
            while not self._should_stop():
                reading = reading or asyncio.create_task(self._read())
                # A read waits for as long as a rebalance lasts; the loop must not.
                await asyncio.wait([reading], timeout=_WAIT_SECONDS)
                self._progress.turned()
                if watching.done():
                    watching.result()
                if reading.done():
                    batches, reading = reading.result(), None
                    async with self._busy:
                        await self._turn(batches)
        finally:
            if reading is not None:
                reading.cancel()
                await asyncio.wait([reading])

    async def _read(self) -> list[tuple[Lane, Sequence[Incoming]]]:
        return await read_fairly(self._consumer, self._lanes, self._first, self._config)

    async def _turn(self, batches: Iterable[tuple[Lane, Sequence[Incoming]]]) -> None:
        await self._open_claimed()
        for lane, records in batches:
            await self._handle(lane, records)
        await self._idle()
        await self._save_due()

    async def _save_due(self) -> None:
        await self._save(
            lane
            for lane in self._lanes.values()
            if lane.is_due(
                self._config.snapshot_seconds if lane.state_topic else self._config.commit_seconds,
                self._config.snapshot_records,
            )
        )

    def claim(self, assigned: Iterable[TopicPartition]) -> None:
        """Take note of newly assigned partitions; the loop opens their lanes."""
        self._claims += 1
        self._claimed = set(assigned)
        self._consumer.pause(*self._claimed)
        self._progress.beat(Phase.RESTORING if self._claimed else Phase.RUNNING)

    async def release(self) -> None:
        """Save what is clean and let go of every lane."""
        for lane in self._lanes.values():
            lane.revoked = True
        self._failpoint("releasing")
        try:
            async with asyncio.timeout(self._config.handover_ms / 1000), self._busy:
                await self._save(self._lanes.values())
        except TimeoutError:
            _log.warning(
                "the last save before a hand-over took too long; the next owner replays",
                extra={"consumer": self._spec.name, "limit_ms": self._config.handover_ms},
            )
        finally:
            self._drop_lanes()
        self._failpoint("released")

    def _drop_lanes(self) -> None:
        self._claims += 1
        self._lanes.clear()
        self._claimed.clear()
        self._progress.set_lag({})
        self._progress.beat(Phase.JOINING)

    async def _open_claimed(self) -> None:
        if not self._claimed:
            return
        claim, tps = self._claims, sorted(self._claimed)
        self._failpoint("assigned")
        lanes = await self._opener.open(tps, self._progress.beat)
        self._failpoint("restored")
        if claim != self._claims:
            return  # handed over while states were being read
        # From here on no await: a lane exists exactly while the consumer stands where it does.
        for lane in lanes:
            self._consumer.seek(lane.tp, lane.position)
            self._lanes[lane.tp] = lane
        # All at once and only now: a waiting fetch would hold up every other request to a broker.
        self._consumer.resume(*tps)
        self._claimed.clear()
        self._progress.beat(Phase.RUNNING)

    async def _handle(self, lane: Lane, records: Sequence[Incoming]) -> None:
        for piece in slices(records, lane.position, lane.pace):
            gone = lane.revoked or self._lanes.get(lane.tp) is not lane
            if gone or self._should_stop():
                lane.left_over = True
                return
            self._failpoint("read")
            lane.clean = False
            began = time.monotonic()
            outgoing = await self._call(lane, piece)
            lane.pace.took(len(piece), time.monotonic() - began)
            self._failpoint("handled")
            await self._publisher.publish(outgoing)
            self._failpoint("published")
            lane.advance(piece[-1].offset + 1, len(piece))
            lane.handled_ms = piece[-1].timestamp
            self._progress.moved()
            # Not only when a whole batch is done: with a slow engine that may take minutes.
            await self._save_due()

    async def _call(self, lane: Lane, piece: Sequence[Incoming]) -> list[Outgoing]:
        # In a thread, so that heartbeats and health checks go on during heavy computation.
        try:
            return await asyncio.to_thread(lane.stage.handle, piece, _now_ms())
        except Exception as error:
            tp = lane.tp
            msg = (
                f"{self._spec.name} failed on {tp.topic}/{tp.partition} between offsets "
                f"{piece[0].offset} and {piece[-1].offset}: {error!r}; it goes on from the last "
                "snapshot"
            )
            raise StageFailedError(msg) from error

    async def _idle(self) -> None:
        now = time.monotonic()
        for lane in list(self._lanes.values()):
            behind = await self._behind(lane)
            if behind == 0 and now - lane.idle_at >= self._config.idle_seconds:
                lane.idle_at = now
                outgoing = await asyncio.to_thread(lane.stage.idle, _now_ms())
                await self._publisher.publish(outgoing)
                if outgoing:
                    self._failpoint("ticked")

    async def _behind(self, lane: Lane) -> int:
        if self._lanes.get(lane.tp) is not lane or lane.revoked:
            return 0
        async with asyncio.timeout(self._config.request_seconds):
            position = await self._consumer.position(lane.tp)
        # All that was read is handled, so offsets without records (holes of transactions and of
        # compaction) are behind us too.
        if lane.clean and not lane.left_over and position > lane.position:
            lane.advance(position, 0)
        # What an open transaction holds back is not ours to handle yet.
        ends = [self._consumer.highwater(lane.tp), self._consumer.last_stable_offset(lane.tp)]
        return max(0, min((end for end in ends if end and end >= 0), default=0) - lane.position)

    async def _save(self, lanes: Iterable[Lane]) -> None:
        ready = [lane for lane in lanes if lane.clean and lane.position != lane.durable]
        if not ready:
            return
        try:
            if any(lane.state_topic for lane in ready):
                # Repeating what is committed asks the coordinator whether we still are the owner:
                # it refuses a member that the group has gone on without.
                await self._commit({lane.tp: lane.durable for lane in ready})
                self._failpoint("owner")
                ready = [lane for lane in ready if await self._writer.write(lane)]
                self._failpoint("saved")
            # Not for lanes that a hand-over has given up on meanwhile.
            ready = [lane for lane in ready if self._lanes.get(lane.tp) is lane]
            await self._commit({lane.tp: lane.position for lane in ready})
        except (CommitFailedError, IllegalStateError):
            _log.warning(
                "the group has gone on without this worker; it drops its state and joins again",
                extra={"consumer": self._spec.name},
            )
            self._drop_lanes()
            return
        self._failpoint("committed")
        for lane in ready:
            lane.saved()

    async def _commit(self, offsets: dict[Any, int]) -> None:
        async with asyncio.timeout(self._config.request_seconds):
            if offsets:
                await self._consumer.commit(offsets)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
