"""Reads a topic up to where it ends now: for compacted topics that hold a state."""

import asyncio
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

STALLED_SECONDS = 30.0
_READ_MS = 500

Take = Callable[[bytes | None, bytes | None], None]
"""Is given the key and value of each record."""


async def read_to_end(
    reader: AIOKafkaConsumer,
    places: Sequence[TopicPartition],
    take: Take,
    *,
    beat: Callable[[], None] = lambda: None,
) -> None:
    """Read from where the reader stands to the end that the partitions have now.

    Args:
        reader: a consumer without a group that these partitions are assigned to.
        places: the partitions.
        take: gets every record, partition by partition in order.
        beat: called while reading goes on.

    Raises:
        TimeoutError: the end did not come nearer for 30 s.
    """
    ends = await reader.end_offsets(list(places))
    while left := [place for place in places if await reader.position(place) < ends[place]]:
        async with asyncio.timeout(STALLED_SECONDS):
            await _read(reader, left, take)
        beat()


async def _read(reader: AIOKafkaConsumer, left: list[TopicPartition], take: Take) -> None:
    """Read until something comes; a compacted tail moves the position without records."""
    before = [await reader.position(place) for place in left]
    while True:
        batches = await reader.getmany(*left, timeout_ms=_READ_MS)
        for place in sorted(batches):
            for record in batches[place]:
                take(record.key, record.value)
        if batches or before != [await reader.position(place) for place in left]:
            return
