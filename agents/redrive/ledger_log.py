"""Reads the ledger's topic to its end and appends to it."""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents.redrive.ledger import Entry, Ledger, encode_entry
from agents.topic_end import read_to_end


class LedgerLog:
    """The ledger and its topic, for one run.

    Args:
        ledger: what is known; filled here.
        topic: the compacted topic.
        partitions: how many it has; 0 where it does not exist yet, which a dry run leaves so.
        reader: a consumer without a group, for this alone.
        producer: an idempotent producer.
    """

    def __init__(
        self,
        ledger: Ledger,
        topic: str,
        partitions: int,
        reader: AIOKafkaConsumer,
        producer: AIOKafkaProducer | None,
    ) -> None:
        self._ledger = ledger
        self._topic = topic
        self._places = [TopicPartition(topic, number) for number in range(partitions)]
        self._reader = reader
        self._producer = producer

    async def catch_up(self) -> None:
        """Read what was appended since the last call.

        Raises:
            TimeoutError: the topic's end did not come nearer for 30 s.
        """
        if not self._places:
            return
        if not self._reader.assignment():
            self._reader.assign(self._places)
            await self._reader.seek_to_beginning(*self._places)
        await read_to_end(self._reader, self._places, self._ledger.fold)

    async def append(self, entries: Sequence[tuple[str, Entry]]) -> None:
        """Append entries by letter's name; all replicas have them when this returns.

        Raises:
            KafkaError: one was not acknowledged.
        """
        assert self._producer is not None, "a dry run notes nothing"
        pending: list[Any] = [
            await self._producer.send(self._topic, encode_entry(entry), key=name.encode())
            for name, entry in entries
        ]
        for each in pending:
            await each
        await self.catch_up()
