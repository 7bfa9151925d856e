"""Where the notifier is tested: embedded broker, a chat on a real socket, and looks at both."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker
from agents.demo.receiver import ChatReceiver
from agents.kafka import KafkaConfig
from agents.notifier.config import NotifierConfig
from agents.notifier.notified import decode_sent
from agents.notifier.sent import Sent
from agents.notifier.service import NotifierService
from agents.telemetry import Telemetry
from agents.worker.cluster import Cluster
from agents.worker.config import WorkerConfig
from agents.worker.topics import TopicsConfig
from schemas.incident import Incident

PATIENCE = 20.0
TOPICS = TopicsConfig()
QUICK: dict[str, Any] = {
    "retry_base_ms": 20,
    "retry_cap_ms": 50,
    "message_interval_ms": 0,
    "top_changed_interval_ms": 0,
}
WORKER = WorkerConfig(poll_ms=50, reconnect_seconds=0.1)


class Place:
    """A broker, a chat receiver, and clients to look at what is in the topics."""

    def __init__(
        self, broker: EmbeddedBroker, chat: ChatReceiver, producer: AIOKafkaProducer
    ) -> None:
        self.broker = broker
        self.kafka = KafkaConfig(bootstrap=broker.bootstrap)
        self.chat = chat
        self.telemetry = Telemetry()
        self._producer = producer

    def service(self, *, pressed: bool = True, **config: Any) -> NotifierService:
        """Make a notifier; unless `pressed`, with the patience that it has by default."""

        async def prepare() -> None:
            """The topics of a test are created as they are used."""

        return NotifierService(
            NotifierConfig(
                **((QUICK if pressed else {}) | {"webhook_url": self.chat.url} | config)
            ),
            Cluster(
                kafka=self.kafka, worker=WORKER, metrics=self.telemetry.kafka, prepare=prepare
            ),
            TOPICS,
            self.telemetry.notifier,
            rng=random.Random(1),
        )

    async def publish(self, *incidents: Incident | bytes) -> None:
        for incident in incidents:
            raw = incident if isinstance(incident, bytes) else orjson.dumps(incident)
            key = b"?" if isinstance(incident, bytes) else incident.incident_id.encode()
            await self._producer.send_and_wait(TOPICS.incidents, raw, key=key)

    async def records(self, topic: str, number: int) -> Sequence[Any]:
        """Read a one-partition topic from its beginning until so many records came."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka.bootstrap)
        await consumer.start()
        try:
            place = TopicPartition(topic, 0)
            consumer.assign([place])
            consumer.seek(place, 0)
            found: list[Any] = []
            async with asyncio.timeout(PATIENCE):
                while len(found) < number:
                    found += (await consumer.getmany(timeout_ms=100)).get(place, [])
            return found
        finally:
            await consumer.stop()

    async def told(self, number: int) -> list[Sent]:
        rows = [decode_sent(r.value) for r in await self.records("rootline.notified", number)]
        return [row for row in rows if row is not None]

    async def committed(self, group: str = "rootline-notify") -> int:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka.bootstrap, group_id=group)
        await consumer.start()
        try:
            return await consumer.committed(TopicPartition(TOPICS.incidents, 0)) or 0
        finally:
            await consumer.stop()

    async def commits(
        self, offset: int, group: str = "rootline-notify", seconds: float = PATIENCE
    ) -> None:
        """Wait until a notifier's group has committed up to an offset."""
        async with asyncio.timeout(seconds):
            while await self.committed(group) != offset:
                await asyncio.sleep(0.05)

    async def sees(self, *headlines: str) -> None:
        """Wait for the last headline and compare all."""
        await self.chat.wait_for(lambda _m: len(self.chat.messages) >= len(headlines), PATIENCE)
        assert [message.headline for message in self.chat.messages] == list(headlines)


@asynccontextmanager
async def _place(folder: Path, partitions: int) -> AsyncIterator[Place]:
    config = BrokerConfig(port=0, data_dir=folder / "broker", default_partitions=partitions)
    broker = EmbeddedBroker(config)
    await broker.start()
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
    async with ChatReceiver() as chat:
        place = Place(broker, chat, producer)
        try:
            await producer.start()
            yield place
        finally:
            await producer.stop()
            await place.broker.stop()


def in_place(
    folder: Path,
    test: Callable[[Place], Awaitable[None]],
    partitions: int = 1,
    seconds: float = 60.0,
) -> None:
    async def run() -> None:
        async with asyncio.timeout(seconds), _place(folder, partitions) as place:
            await test(place)

    asyncio.run(run())


@asynccontextmanager
async def running(service: NotifierService) -> AsyncIterator[None]:
    await service.start()
    try:
        yield
    finally:
        await service.stop()
        assert not service.crashed, service.crash_reason
