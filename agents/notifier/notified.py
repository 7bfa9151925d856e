"""What receivers were told, as a log: the compacted topic that survives a restart.

Key `receiver|incident_id`, value the `Sent` state. A message counts as sent once its record is
acknowledged by all replicas; a receiver's offsets are committed only after that.
"""

import logging
from collections.abc import Sequence

import msgspec
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.notifier.sent import Sent
from agents.topic_end import read_to_end
from agents.worker.failpoint import Failpoint, no_failpoint
from agents.worker.publisher import Publisher
from agents.worker.stage import Outgoing

log = logging.getLogger(__name__)


class Memory:
    """The last state per incident of one receiver, at most `limit`, least recent dropped.

    It outlives a session with Kafka: `unlogged` holds what was sent and not yet acknowledged.
    """

    def __init__(self, limit: int) -> None:
        self.unlogged: dict[str, Sent] = {}
        self._limit = limit
        self._sent: dict[str, Sent] = {}

    def get(self, incident_id: str) -> Sent | None:
        """Return what the receiver was last told about an incident."""
        return self._sent.get(incident_id)

    def put(self, sent: Sent) -> None:
        """Remember a state, unless a newer one is known."""
        known = self._sent.pop(sent.incident_id, None)
        newer = known is not None and known.revision > sent.revision
        # Taken out and put in again: the order of the dict is the order of use.
        self._sent[sent.incident_id] = known if known is not None and newer else sent
        while len(self._sent) > self._limit:
            del self._sent[next(iter(self._sent))]


class NotifiedLog:
    """Reads the log to its end and appends to it, for one receiver.

    Args:
        places: every partition of the notified topic.
        receiver: whose records count.
        memory: what is known; filled here.
        reader: a consumer without a group, for this alone.
        publisher: produces the records.
        failpoint: told when a message was taken, and when that is logged.
    """

    def __init__(
        self,
        places: Sequence[TopicPartition],
        receiver: str,
        memory: Memory,
        reader: AIOKafkaConsumer,
        publisher: Publisher,
        failpoint: Failpoint = no_failpoint,
    ) -> None:
        self._places = list(places)
        self._topic = self._places[0].topic
        self._receiver = receiver
        self._memory = memory
        self._reader = reader
        self._publisher = publisher
        self._failpoint = failpoint

    def get(self, incident_id: str) -> Sent | None:
        """Return what the receiver was last told about an incident."""
        return self._memory.get(incident_id)

    async def catch_up(self) -> None:
        """Read what was appended since the last call, and append what is still owed.

        Raises:
            TimeoutError: the log's end did not come nearer for 30 s.
        """
        if not self._reader.assignment():
            self._reader.assign(self._places)
            await self._reader.seek_to_beginning(*self._places)
        await read_to_end(self._reader, self._places, self._remember)
        for sent in list(self._memory.unlogged.values()):
            await self.append(sent)

    def _remember(self, key: bytes | None, value: bytes | None) -> None:
        if key is None or value is None or not key.startswith(f"{self._receiver}|".encode()):
            return
        sent = decode_sent(value)
        if sent is None:
            # Nothing is lost but the knowledge that a message went out: it may go out again.
            log.error("a record of the notified log cannot be read", extra={"key": repr(key)})
            return
        self._memory.put(sent)

    async def append(self, sent: Sent) -> None:
        """Remember a state and return when all replicas have it.

        Raises:
            PublishError, KafkaError: not acknowledged; it stays owed until the next `catch_up`.
        """
        self._failpoint("told")
        self._memory.put(sent)
        self._memory.unlogged[sent.incident_id] = sent
        key, value = encode_sent(sent)
        await self._publisher.publish([Outgoing(self._topic, key, value)])
        self._failpoint("logged")
        if self._memory.unlogged.get(sent.incident_id) is sent:
            del self._memory.unlogged[sent.incident_id]


def encode_sent(sent: Sent) -> tuple[bytes, bytes]:
    """Write a state as key and value."""
    return f"{sent.receiver}|{sent.incident_id}".encode(), orjson.dumps(sent)


def decode_sent(value: bytes) -> Sent | None:
    """Read a state; None if it is none."""
    try:
        return msgspec.json.decode(value, type=Sent)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
