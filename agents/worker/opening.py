"""Opens the lanes of assigned partitions: where to start, and with which state."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import TopicPartition

from agents.worker.config import WorkerConfig
from agents.worker.lane import Lane
from agents.worker.pace import Pace
from agents.worker.snapshot import Snapshot, SnapshotTooLargeError
from agents.worker.snapshot_reader import SnapshotReader
from agents.worker.stage import ConsumerSpec, Stage

_log = logging.getLogger("worker")


class LaneOpener:
    """Restores the last snapshot; without one, rebuilds from the input as far back as useful."""

    def __init__(
        self, consumer: Any, reader: SnapshotReader, spec: ConsumerSpec, config: WorkerConfig
    ) -> None:
        self._consumer = consumer
        self._reader = reader
        self._spec = spec
        self._config = config

    async def open(self, tps: Sequence[TopicPartition], beat: Callable[[], None]) -> list[Lane]:
        """Return the partitions' lanes; each one's position is where reading must start."""
        async with asyncio.timeout(self._config.request_seconds):
            first = await self._consumer.beginning_offsets(tps)
            end = await self._consumer.end_offsets(tps)
        lanes = []
        for tp in tps:
            lanes.append(await self._lane(tp, int(first[tp]), int(end[tp])))
            beat()
        return lanes

    async def _lane(self, tp: TopicPartition, first: int, end: int) -> Lane:
        began = time.monotonic()
        state_topic = self._spec.state_topic(tp.topic)
        snapshot = None
        if state_topic is not None:
            snapshot = await self._snapshot(state_topic, tp, end)
        stage = await self._restored(tp, snapshot) if snapshot is not None else None
        if stage is not None and snapshot is not None:
            position = snapshot.offset
        else:
            stage = self._spec.stage(tp.topic, tp.partition)
            position = await self._start(tp, first, end, rebuild=state_topic is not None)
        if position < first:
            _log.error(
                "input expired before it was read; lengthen the topic's retention",
                extra=_place(tp) | {"expected_offset": position, "first_offset": first},
            )
            position = first
        _log.log(
            logging.INFO if snapshot is not None or position < end else logging.DEBUG,
            "partition opened",
            extra=_place(tp)
            | {
                "consumer": self._spec.name,
                "offset": position,
                "behind": end - position,
                "state_bytes": len(snapshot.state) if snapshot is not None else 0,
                "saved_by_generation": snapshot.generation if snapshot is not None else None,
                "state_format": snapshot.form if snapshot is not None else None,
                "seconds": round(time.monotonic() - began, 3),
            },
        )
        return Lane(
            tp=tp,
            stage=stage,
            state_topic=state_topic,
            position=position,
            durable=position,
            generation=self._generation(),
            pace=Pace(self._config.slice_records, self._config.slice_seconds),
            slot=self._slot_after(snapshot),
        )

    async def _snapshot(self, topic: str, tp: TopicPartition, end: int) -> Snapshot | None:
        try:
            snapshot = await self._reader.read(topic, tp.partition, self._spec.formats.read)
        except SnapshotTooLargeError as error:
            _log.error("%s", error, extra=_place(tp))
            return None
        if snapshot is not None and snapshot.offset > end:
            _log.error(
                "a saved state is ahead of its input, which must have been recreated or cut; "
                "the state is not used",
                extra=_place(tp) | {"saved_offset": snapshot.offset, "end_offset": end},
            )
            return None
        return snapshot

    def _slot_after(self, snapshot: Snapshot | None) -> int:
        """Return where the next snapshot goes: never onto the one that was restored."""
        if snapshot is None or snapshot.form != self._spec.formats.written:
            return 0
        return 1 - snapshot.slot

    async def _restored(self, tp: TopicPartition, snapshot: Snapshot) -> Stage | None:
        stage = self._spec.stage(tp.topic, tp.partition)
        try:
            await asyncio.to_thread(stage.restore, snapshot.state)
        except Exception:
            _log.exception(
                "a saved state cannot be restored, which is a bug or damage",
                extra=_place(tp) | {"state_format": snapshot.form},
            )
            return None
        return stage

    async def _start(self, tp: TopicPartition, first: int, end: int, *, rebuild: bool) -> int:
        async with asyncio.timeout(self._config.request_seconds):
            committed = await self._consumer.committed(tp)
        if committed is None or committed > end:
            return first
        if not rebuild:
            return int(committed)
        # Offsets of such a topic are committed only after a snapshot, so there has been one.
        _log.error(
            "no saved state can be used; it is rebuilt from the input, and an incident that "
            "began before that may be opened anew",
            extra=_place(tp) | {"rebuild_seconds": self._config.rebuild_seconds},
        )
        since = time.time_ns() // 1_000_000 - round(self._config.rebuild_seconds * 1000)
        async with asyncio.timeout(self._config.request_seconds):
            found = (await self._consumer.offsets_for_times({tp: since}))[tp]
        return min(int(committed), found.offset) if found is not None else int(committed)

    def _generation(self) -> int:
        # aiokafka has no public accessor; the number only labels snapshots.
        return int(self._consumer._coordinator.generation)


def _place(tp: TopicPartition) -> dict[str, object]:
    return {"topic": tp.topic, "partition": tp.partition}
