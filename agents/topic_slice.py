"""Reads slices of topics, from a time to the end they have now; for commands that look at a log.

Without a consumer group and without a write: looking changes nothing, not even an offset.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.errors import RootlineError
from agents.kafka import KafkaConfig, client_arguments
from agents.topic_end import STALLED_SECONDS
from agents.worker.topic_admin import admin_client

_READ_MS = 500
_FETCH_BYTES = 16 * 1024 * 1024
"""What one fetch may bring: the largest message and some of its neighbours."""


class TopicsMissingError(RootlineError):
    """A topic that was to be read is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSlice:
    """Offsets of one partition, `start` included and `end` not; `first` is the oldest there is."""

    place: TopicPartition
    start: int
    end: int
    first: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing that ever was in the partition lies before the slice."""
        return self.start == 0

    @property
    def records(self) -> int:
        """How many offsets it spans; on a compacted topic fewer records than that."""
        return self.end - self.start


async def partition_counts(kafka: KafkaConfig) -> dict[str, int]:
    """Return how many partitions each topic of the cluster has."""
    async with admin_client(kafka) as admin:
        # Asked for all topics: to ask for one by name could create it.
        return {row["topic"]: len(row["partitions"]) for row in await admin.describe_topics()}


@contextlib.asynccontextmanager
async def slice_reader(kafka: KafkaConfig) -> AsyncIterator[AIOKafkaConsumer]:
    """Connect a consumer without a group for the length of a with block."""
    reader = AIOKafkaConsumer(
        **client_arguments(kafka),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=_FETCH_BYTES,
    )
    try:
        await reader.start()
        yield reader
    finally:
        await reader.stop()


async def slices_of(
    reader: AIOKafkaConsumer,
    places: Sequence[TopicPartition],
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
) -> list[TopicSlice]:
    """Say which offsets lie between two times; without them, from the first to the end now.

    A slice ends before the first record that is as late as `until_ms`.
    """
    places = sorted(places)
    first = await reader.beginning_offsets(places)
    end = await reader.end_offsets(places)
    start = await _at(reader, places, since_ms, first, end)
    stop = await _at(reader, places, until_ms, end, end)
    return [
        TopicSlice(
            place=place,
            start=min(start[place], stop[place]),
            end=stop[place],
            first=int(first[place]),
        )
        for place in places
    ]


async def _at(
    reader: AIOKafkaConsumer,
    places: Sequence[TopicPartition],
    time_ms: int | None,
    without: dict[TopicPartition, int],
    end: dict[TopicPartition, int],
) -> dict[TopicPartition, int]:
    """The first offset of each partition at or after a time, its end where there is none."""
    if time_ms is None:
        return {place: int(without[place]) for place in places}
    found = await reader.offsets_for_times(dict.fromkeys(places, time_ms))
    return {
        place: int(found[place].offset) if found.get(place) is not None else int(end[place])
        for place in places
    }


async def read_slices(
    reader: AIOKafkaConsumer, slices: Iterable[TopicSlice]
) -> AsyncIterator[Sequence[Any]]:
    """Yield the records of slices, one partition after the other, each in order.

    Raises:
        TimeoutError: the end of a slice did not come nearer for 30 s.
    """
    for each in slices:
        if each.records <= 0:
            continue
        reader.assign([each.place])
        reader.seek(each.place, each.start)
        while await reader.position(each.place) < each.end:
            async with asyncio.timeout(STALLED_SECONDS):
                batch = await _batch(reader, each.place)
            inside = [record for record in batch if record.offset < each.end]
            if inside:
                yield inside


async def _batch(reader: AIOKafkaConsumer, place: TopicPartition) -> Sequence[Any]:
    """Read until something comes; a compacted tail moves the position without records."""
    before = await reader.position(place)
    while True:
        batches = await reader.getmany(place, timeout_ms=_READ_MS)
        records: Sequence[Any] = batches.get(place, ())
        if records or before != await reader.position(place):
            return records
