"""What the contract tests stand on: a broker, embedded or external, and plain client helpers.

ROOTLINE_BOOTSTRAP names an external Kafka to hold to the same contract.
"""

import asyncio
import os
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.protocol.api import Request
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker

EXTERNAL = os.environ.get("ROOTLINE_BOOTSTRAP")
PATIENCE_SECONDS = 20.0


@contextmanager
def _embedded(folder: Path) -> Iterator[str]:
    """Run an embedded broker in a thread of its own, with quick housekeeping."""
    ready, box = threading.Event(), {}

    async def run() -> None:
        config = BrokerConfig(port=0, data_dir=folder, housekeeping_interval_ms=200)
        broker = EmbeddedBroker(config)
        await broker.start()
        box.update(bootstrap=broker.bootstrap, loop=asyncio.get_running_loop())
        box["stop"] = stop = asyncio.Event()
        ready.set()
        await stop.wait()
        await broker.stop()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(10), "the embedded broker started"
    yield box["bootstrap"]
    box["loop"].call_soon_threadsafe(box["stop"].set)
    thread.join(10)
    assert not thread.is_alive(), "the embedded broker stopped"


@pytest.fixture(scope="session")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if EXTERNAL:
        yield EXTERNAL
        return
    with _embedded(tmp_path_factory.mktemp("broker")) as address:
        yield address


class Cluster:
    """The broker under test as its clients see it."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.admin = AdminClient({"bootstrap.servers": bootstrap})

    def new_topic(self, partitions: int = 1, **config: str) -> str:
        """Create a topic of a fresh name; config keys are written with underscores.

        Tests use timestamps of long ago, which retention would take for a reason to delete.
        """
        name = f"contract-{secrets.token_hex(6)}"
        overrides = {"retention.ms": "-1"}
        overrides |= {key.replace("_", "."): value for key, value in config.items()}
        self.admin.create_topics([NewTopic(name, partitions, 1, config=overrides)])[name].result(
            PATIENCE_SECONDS
        )
        self.wait_for(lambda: len(self.partitions(name)) == partitions)
        return name

    def partitions(self, topic: str) -> list[int]:
        metadata = self.admin.list_topics(timeout=PATIENCE_SECONDS).topics.get(topic)
        return [] if metadata is None or metadata.error else sorted(metadata.partitions)

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
        return AIOKafkaProducer(bootstrap_servers=self.bootstrap, **config)

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

    def with_connection(self, talk: Callable[[AIOKafkaConnection], Awaitable[list[Any]]]) -> Any:
        async def run() -> Any:
            host, _, port = self.bootstrap.rpartition(":")
            connection = await create_conn(host, int(port))
            try:
                return await talk(connection)
            finally:
                connection.close()

        return asyncio.run(run())


def take(consumer: Consumer, count: int) -> list[Message]:
    messages: list[Message] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(messages) < count and time.monotonic() < deadline:
        for message in consumer.consume(count - len(messages), 0.2):
            assert message.error() is None, message.error()
            messages.append(message)
    assert len(messages) == count, f"{len(messages)} of {count} messages came in time"
    return messages


@pytest.fixture(scope="session")
def cluster(bootstrap: str) -> Cluster:
    return Cluster(bootstrap)
