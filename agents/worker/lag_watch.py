"""Watches the lag of open lanes by asking the brokers, not the consumer.

A consumer does not say when the brokers are away, and one that has silently stopped to fetch
believes that there is nothing to read; asked from outside, its lag does not shrink.
"""

import asyncio
from collections.abc import Callable

from aiokafka.errors import KafkaError

from agents.worker.lane import Lane
from agents.worker.progress import Progress
from agents.worker.snapshot_reader import SnapshotReader

_PAUSE_SECONDS = 1.0


async def watch_lag(
    lanes: Callable[[], list[Lane]], reader: SnapshotReader, progress: Progress
) -> None:
    """Keep where a consumer stands and whether Kafka answers up to date, until cancelled."""
    while True:
        await asyncio.sleep(_PAUSE_SECONDS)
        before = lanes()
        if not before:
            progress.kafka(answers=await reader.answers())
            continue
        try:
            ends = await reader.ends([lane.tp for lane in before])
        except (KafkaError, OSError, TimeoutError):
            progress.kafka(answers=False)
            continue
        progress.kafka(answers=True)
        if before == lanes():
            progress.observe([lane.place(ends[lane.tp]) for lane in before])
