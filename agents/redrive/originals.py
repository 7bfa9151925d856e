"""The whole message behind a letter that was too large for one record and holds only its head."""

from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.redrive.letter import Letter
from agents.topic_slice import TopicSlice, read_slices, slices_of


class Originals:
    """Looks messages up where they were read first, as long as their topic keeps them."""

    def __init__(self, counts: Mapping[str, int], reader: AIOKafkaConsumer) -> None:
        self._counts = counts
        self._reader = reader

    async def whole(self, letter: Letter) -> bytes | None:
        """Return the message that a letter was cut from, None where it is gone."""
        place = letter.origin
        if place is None or not 0 <= place.partition < self._counts.get(place.topic, 0):
            return None
        (there,) = await slices_of(self._reader, [TopicPartition(place.topic, place.partition)])
        if not there.start <= place.offset < there.end:
            return None
        one = TopicSlice(
            place=there.place, start=place.offset, end=place.offset + 1, first=there.first
        )
        async for records in read_slices(self._reader, [one]):
            value: bytes | None = records[0].value
            # The topic may have been made anew: then other bytes are at this offset.
            if value is not None and _is_whole(letter, value):
                return value
        return None


def _is_whole(letter: Letter, value: bytes) -> bool:
    return len(value) == letter.cut_from and value.startswith(letter.value or b"")
