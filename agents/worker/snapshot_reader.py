"""Reads the last whole snapshot of a partition from its state topic."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.kafka import KafkaConfig, client_arguments
from agents.worker.config import WorkerConfig
from agents.worker.snapshot import Snapshot, last_whole

_FIRST_WINDOW = 4
_WIDEN = 8
_FETCH_WAIT_MS = 20
_ANSWER_SECONDS = 3.0


class SnapshotReader:
    """A consumer without a group that reads the tails of state topics."""

    def __init__(self, kafka: KafkaConfig, config: WorkerConfig) -> None:
        self._config = config
        # A state topic is read in full chunks, whatever the input's limits are.
        self._consumer = AIOKafkaConsumer(
            **client_arguments(kafka),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # What an open transaction holds back is nobody's lag yet.
            isolation_level="read_committed",
            max_partition_fetch_bytes=8 * config.snapshot_chunk_bytes,
            # A fetch that waits would hold up the next partition's requests to the same broker.
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )

    async def start(self) -> None:
        """Connect."""
        await self._consumer.start()

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def ends(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Ask the brokers where partitions end, whatever the main consumer believes.

        Raises:
            TimeoutError: they do not answer.
        """
        async with asyncio.timeout(_ANSWER_SECONDS):
            return dict(await self._consumer.end_offsets(tps))

    async def answers(self) -> bool:
        """Tell whether a broker answers at all."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._consumer.topics()
        except (KafkaError, OSError, TimeoutError):
            return False
        return True

    async def read(self, topic: str, partition: int, forms: frozenset[str]) -> Snapshot | None:
        """Return the last whole snapshot of a partition, or None where there is none.

        Args:
            topic: the state topic.
            partition: the partition.
            forms: the formats of states that can be restored.

        Raises:
            SnapshotTooLargeError: the state exceeds the configured limit.
        """
        tp = TopicPartition(topic, partition)
        self._consumer.assign([tp])
        try:
            return await self._last(tp, forms)
        finally:
            # Or it would go on fetching what nobody reads.
            self._consumer.unsubscribe()

    async def _last(self, tp: TopicPartition, forms: frozenset[str]) -> Snapshot | None:
        async with asyncio.timeout(self._config.request_seconds):
            begin = (await self._consumer.beginning_offsets([tp]))[tp]
            end = (await self._consumer.end_offsets([tp]))[tp]
        window = _FIRST_WINDOW
        # The tail is nearly always one whole snapshot; the window grows for large ones, and for
        # a write that a crash cut short.
        while end > begin:
            start = max(begin, end - window)
            records = await self._records(tp, start, end)
            found = last_whole(records, self._config.snapshot_max_bytes, forms)
            if found is not None or start == begin:
                return found
            window *= _WIDEN
        return None

    async def _records(self, tp: TopicPartition, start: int, end: int) -> list[Any]:
        self._consumer.seek(tp, start)
        records: list[Any] = []
        # Compaction leaves holes, so only the position says when the end is reached.
        while await self._position(tp) < end:
            async with asyncio.timeout(self._config.request_seconds):
                batch = await self._consumer.getmany(tp, timeout_ms=self._config.poll_ms)
            records.extend(batch.get(tp, ()))
        return records

    async def _position(self, tp: TopicPartition) -> int:
        async with asyncio.timeout(self._config.request_seconds):
            return int(await self._consumer.position(tp))
