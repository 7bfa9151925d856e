"""Where letters may go: the topics that Rootline reads, and which messages a newer one replaced.

On a compacted topic an old message must not come to lie after a newer one of the same key: the
newer would be compacted away, and with it the last word on an incident.
"""

from collections.abc import Mapping
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.redrive.letter import Letter
from agents.topic_slice import TopicSlice, read_slices, slices_of
from agents.worker.topics import TopicsConfig


class Seen(NamedTuple):
    """Where the last record of a key lies."""

    partition: int
    offset: int


class Targets:
    """Knows the topics; reads the keys of a compacted one when a letter to it first comes.

    Args:
        topics: the configured names.
        counts: partitions of the topics that are there.
        reader: a consumer without a group.
    """

    def __init__(
        self, topics: TopicsConfig, counts: Mapping[str, int], reader: AIOKafkaConsumer
    ) -> None:
        self._known = {*topics.inputs, topics.signals, topics.incidents, topics.verdicts}
        self._compacted = {topics.incidents, topics.verdicts}
        self._counts = counts
        self._reader = reader
        # Of each compacted partition: how far it was read, and the last offset of every key.
        self._read: dict[TopicPartition, int] = {}
        self._last: dict[tuple[str, bytes], Seen] = {}

    def refusal(self, topic: str) -> str | None:
        """Say why nothing may be sent to a topic; None where it may."""
        if topic not in self._known:
            return (
                f"{topic} is none of the topics that Rootline reads ({', '.join(self.names)}); "
                "if it was renamed, set its old name in [topics] for this command"
            )
        if topic not in self._counts:
            return f"there is no topic {topic}; create it, or start a worker, which does"
        return None

    @property
    def names(self) -> tuple[str, ...]:
        """The topics that letters may go to."""
        return tuple(sorted(self._known))

    def partition(self, letter: Letter) -> int | None:
        """The partition that a letter came from, unless its topic has fewer by now."""
        assert letter.origin is not None
        place = letter.origin
        there = 0 <= place.partition < self._counts[place.topic]
        return place.partition if there else None

    def is_compacted(self, topic: str) -> bool:
        """Whether only the last message of a key is kept."""
        return topic in self._compacted

    async def newer(self, letter: Letter) -> Seen | None:
        """Return where the record lies that has replaced a letter's message, if one has."""
        assert letter.origin is not None
        compacted = letter.origin.was_read and letter.origin.topic in self._compacted
        if not compacted or letter.key is None:
            return None
        await self._catch_up(letter.origin.topic)
        last = self._last.get((letter.origin.topic, letter.key))
        if last is None or last.partition != letter.origin.partition:
            return None
        return last if last.offset > letter.origin.offset else None

    async def _catch_up(self, topic: str) -> None:
        places = [TopicPartition(topic, number) for number in range(self._counts[topic])]
        slices = [
            TopicSlice(
                place=each.place,
                start=max(each.start, self._read.get(each.place, 0)),
                end=each.end,
                first=each.first,
            )
            for each in await slices_of(self._reader, places)
        ]
        async for records in read_slices(self._reader, slices):
            for record in records:
                if record.key is not None:
                    self._last[topic, record.key] = Seen(record.partition, record.offset)
        self._read.update({each.place: each.end for each in slices})
