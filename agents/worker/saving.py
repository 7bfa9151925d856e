"""Writes snapshots of lanes to their state topics."""

import asyncio
import logging
import time
import uuid

from agents.worker.cluster import Cluster
from agents.worker.lane import Lane
from agents.worker.publisher import Publisher
from agents.worker.snapshot import Snapshot, pack
from agents.worker.stage import ConsumerSpec, Outgoing

_log = logging.getLogger("worker")
_SLOTS = 2


class SnapshotWriter:
    """Makes a lane's state durable together with its position."""

    def __init__(self, publisher: Publisher, cluster: Cluster, spec: ConsumerSpec) -> None:
        self._publisher = publisher
        self._config = cluster.worker
        self._form = spec.formats.written
        self._written = cluster.metrics.snapshots.labels(stage=spec.name)
        self._size = cluster.metrics.snapshot_bytes.labels(stage=spec.name)

    async def write(self, lane: Lane) -> bool:
        """Save a lane; tell whether its offset may now be committed."""
        if lane.state_topic is None:
            return True
        began = time.monotonic()
        records = await asyncio.to_thread(self._records, lane, lane.state_topic)
        lane.save_seconds = time.monotonic() - began
        if records is None:
            return False
        await self._publisher.publish(records)
        self._written.inc()
        self._size.set(sum(len(record.value or b"") for record in records))
        lane.slot = (lane.slot + 1) % _SLOTS
        return True

    def _records(self, lane: Lane, state_topic: str) -> list[Outgoing] | None:
        state = lane.stage.snapshot()
        if state is None:
            return []
        lane.held = None
        if len(state) > self._config.snapshot_max_bytes:
            # Held back, not lost: the offset stays where the last snapshot is.
            lane.held = "its state is larger than worker.snapshot_max_bytes"
            _log.error(
                "a state is too large to be saved; raise worker.snapshot_max_bytes",
                extra={
                    "topic": lane.tp.topic,
                    "partition": lane.tp.partition,
                    "state_bytes": len(state),
                    "limit_bytes": self._config.snapshot_max_bytes,
                },
            )
            return None
        snapshot = Snapshot(
            offset=lane.position,
            generation=lane.generation,
            slot=lane.slot,
            state=state,
            form=self._form,
        )
        return pack(
            snapshot,
            topic=state_topic,
            partition=lane.tp.partition,
            snapshot_id=uuid.uuid4().hex,
            chunk_bytes=self._config.snapshot_chunk_bytes,
        )
