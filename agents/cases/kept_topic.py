"""Reads the last questions of incidents from their compacted topic, as far as it goes.

It is read when verdicts come, never before: a worker without verdicts pays nothing for it.
"""

import zlib
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer

from agents.topic_end import read_to_end

_FAST = 1


class KeptTopic:
    """What was last kept of each incident: at most `limit`, the oldest dropped.

    Args:
        reader: a consumer of the topic without a group: it has every partition, from the start.
        limit: incidents remembered.
        beat: called while reading goes on.
    """

    def __init__(self, reader: AIOKafkaConsumer, limit: int, beat: Callable[[], None]) -> None:
        self._reader = reader
        self._limit = limit
        self._beat = beat
        # Compressed: a question of many candidates is large, and few are ever asked for.
        self._kept: dict[str, bytes] = {}

    def get(self, incident_id: str) -> bytes | None:
        """Return an incident's last question as it was written."""
        packed = self._kept.get(incident_id)
        return zlib.decompress(packed) if packed is not None else None

    async def catch_up(self) -> None:
        """Read what was written since the last call.

        Raises:
            TimeoutError: the topic's end did not come nearer for 30 s.
        """
        places = sorted(self._reader.assignment())
        await read_to_end(self._reader, places, self._remember, beat=self._beat)

    def _remember(self, key: bytes | None, value: bytes | None) -> None:
        if key is None:
            return
        incident_id = key.decode("utf-8", "replace")
        self._kept.pop(incident_id, None)
        if value is not None:
            self._kept[incident_id] = zlib.compress(value, _FAST)
        while len(self._kept) > self._limit:
            del self._kept[next(iter(self._kept))]
