"""A cluster as its clients see it: what the contract's tests do with it, in a line each."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.protocol.api import Request
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PATIENCE_SECONDS = 20.0


class Clients:
    """The cluster under test as its clients see it."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        # What one broker knows of a new topic another one may not know yet.
        self._brokers = [
            AdminClient({"bootstrap.servers": each, "log_level": 0})
            for each in bootstrap.split(",")
        ]

    def new_topic(self, partitions: int = 1, **config: str) -> str:
        """Create a topic of a fresh name; config keys are written with underscores.

        Tests use timestamps of long ago, which retention would take for a reason to delete.
        """
        name = f"contract-{secrets.token_hex(6)}"
        self.create(name, partitions, **{"retention_ms": "-1", **config})
        return name

    def create(self, name: str, partitions: int = 1, **config: str) -> None:
        """Create a topic by its name, with the cluster's own number of replicas."""
        settings = {key.replace("_", "."): value for key, value in config.items()}
        wanted = NewTopic(name, partitions, config=settings)
        self.admin.create_topics([wanted])[name].result(PATIENCE_SECONDS)
        self.wait_until_has(name, partitions)

    def wait_until_has(self, topic: str, partitions: int) -> None:
        """Wait until every broker gives the topic this number of partitions (0: has no such)."""
        self.wait_for(
            lambda: all(len(_partitions(each, topic)) == partitions for each in self._brokers)
        )

    def partitions(self, topic: str) -> list[int]:
        return _partitions(self.admin, topic)

    def produce(self, topic: str, values: list[bytes | None], **message: Any) -> None:
        """Produce and wait for the acknowledgement of every value."""
        errors: list[Any] = []
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 1})
        for value in values:
            producer.produce(
                topic,
                value,
                on_delivery=lambda error, _message: errors.append(error) if error else None,
                **message,
            )
        assert producer.flush(PATIENCE_SECONDS) == 0
        assert errors == []

    def consumer(self, group: str, **config: Any) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "log_level": 0,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 500,
                **{key.replace("_", "."): value for key, value in config.items()},
            }
        )

    def read(self, topic: str, count: int, partition: int = 0, offset: int | None = None) -> list:
        """Read `count` messages of a partition, from its beginning or from an offset."""
        consumer = self.consumer("reader-" + secrets.token_hex(4))
        start = OFFSET_BEGINNING if offset is None else offset
        consumer.assign([TopicPartition(topic, partition, start)])
        try:
            return take(consumer, count)
        finally:
            consumer.close()

    def watermarks(self, topic: str, partition: int = 0) -> tuple[int, int]:
        consumer = self.consumer("watermarks")
        try:
            return consumer.get_watermark_offsets(TopicPartition(topic, partition), 10)
        finally:
            consumer.close()

    def new_group(self) -> str:
        return f"group-{secrets.token_hex(6)}"

    @staticmethod
    def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until something another process does is visible from here."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition came true in time"
            time.sleep(0.05)

    @staticmethod
    def take(consumer: Consumer, count: int) -> list[Message]:
        return take(consumer, count)

    def aio_producer(self, **config: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(bootstrap_servers=self.bootstrap, **{"acks": "all", **config})

    def aio_consumer(self, *topics: str, **config: Any) -> AIOKafkaConsumer:
        defaults = {
            "auto_offset_reset": "earliest",
            "enable_auto_commit": False,
            "session_timeout_ms": 6000,
            "heartbeat_interval_ms": 500,
            "metadata_max_age_ms": 1000,
        }
        return AIOKafkaConsumer(
            *topics, bootstrap_servers=self.bootstrap, **{**defaults, **config}
        )

    def ask(self, *requests: Request) -> list[Any]:
        """Send requests as they are over one connection and return the decoded responses."""

        async def converse(connection: AIOKafkaConnection) -> list[Any]:
            return [await connection.send(request) for request in requests]

        return self.with_connection(converse)

    def leader(self, topic: str) -> tuple[str, int]:
        """Where the broker is that leads the topic's first partition."""
        metadata = self.admin.list_topics(topic, timeout=PATIENCE_SECONDS)
        broker = metadata.brokers[metadata.topics[topic].partitions[0].leader]
        return broker.host, broker.port

    def with_connection(
        self, talk: Callable[[AIOKafkaConnection], Awaitable[list[Any]]], topic: str | None = None
    ) -> Any:
        """Talk over one bare connection, to the leader of `topic` where one is named."""

        async def run() -> Any:
            if topic is None:
                host, _, port = self.bootstrap.partition(",")[0].rpartition(":")
            else:
                host, port = self.leader(topic)
            connection = await create_conn(host, int(port))
            try:
                return await talk(connection)
            finally:
                connection.close()

        return asyncio.run(run())


def _partitions(admin: AdminClient, topic: str) -> list[int]:
    metadata = admin.list_topics(timeout=PATIENCE_SECONDS).topics.get(topic)
    return [] if metadata is None or metadata.error else sorted(metadata.partitions)


def take(consumer: Consumer, count: int) -> list[Message]:
    messages: list[Message] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(messages) < count and time.monotonic() < deadline:
        for message in consumer.consume(count - len(messages), 0.2):
            assert message.error() is None, message.error()
            messages.append(message)
    assert len(messages) == count, f"{len(messages)} of {count} messages came in time"
    return messages
