"""Which letters of a run that was killed did arrive: their topics are searched for the header.

So a letter that was sent and not noted is noted now, and not sent a second time.
"""

from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.redrive.ledger import Entry
from agents.redrive.letter import ATTEMPT_HEADER, LETTER_HEADER
from agents.topic_slice import read_slices, slices_of

_SKEW_MS = 60_000
"""How far the clock that stamped the message may have been behind the one that took the letter."""


async def arrived(
    entries: Mapping[str, Entry], counts: Mapping[str, int], reader: AIOKafkaConsumer
) -> set[str]:
    """Return the names of those letters whose message lies on its topic."""
    found: set[str] = set()
    for topic in sorted({entry.to for entry in entries.values()} & set(counts)):
        wanted = {name: entry for name, entry in entries.items() if entry.to == topic}
        since_ms = min(entry.at_ms for entry in wanted.values()) - _SKEW_MS
        places = [TopicPartition(topic, number) for number in range(counts[topic])]
        async for records in read_slices(
            reader, await slices_of(reader, places, since_ms=since_ms)
        ):
            for record in records:
                told = dict(record.headers)
                name = told.get(LETTER_HEADER, b"").decode("utf-8", "replace")
                entry = wanted.get(name)
                if entry is not None and told.get(ATTEMPT_HEADER) == b"%d" % entry.attempt:
                    found.add(name)
    return found
