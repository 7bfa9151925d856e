"""A gateway on a real socket, and the embedded broker to write to."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker
from agents.gateway.config import GatewayConfig
from agents.gateway.server import Gateway
from agents.kafka import KafkaConfig
from agents.settings import Settings
from agents.worker.topic_admin import ensure_topics
from agents.worker.topics import TopicsConfig
from schemas.resolve import ResolverConfig

TOPICS = TopicsConfig(input_partitions=2, signals_partitions=1, output_partitions=1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Bench:
    """One gateway, a client to it, and the broker that can be stopped and started."""

    gateway: Gateway
    client: aiohttp.ClientSession
    broker: EmbeddedBroker | None
    settings: Settings

    @property
    def bootstrap(self) -> str:
        return self.settings.kafka.bootstrap

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, bytes, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("content-type", "application/json")
        async with self.client.post(path, data=body, headers=named) as answer:
            return answer.status, await answer.read(), answer.headers

    async def get(self, path: str) -> tuple[int, str]:
        async with self.client.get(path) as answer:
            return answer.status, await answer.text()

    async def until_ready(self) -> None:
        await self.until(lambda status: status == 200)

    async def until_unready(self) -> None:
        await self.until(lambda status: status == 503)

    async def until(self, wanted: Callable[[int], bool], seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while True:
            status, text = await self.get("/readyz")
            if wanted(status):
                return
            assert time.monotonic() < deadline, text
            await asyncio.sleep(0.02)

    async def records(self, topic: str, count: int) -> list[Any]:
        """Read the first `count` records of a topic, all partitions."""
        return await self._read(topic, lambda found: len(found) >= count)

    async def until_on_topic(self, topic: str, wanted: set[bytes]) -> None:
        """Wait until every one of these values is on a topic."""
        await self._read(topic, lambda found: wanted <= {record.value for record in found})

    async def _read(self, topic: str, enough: Callable[[list[Any]], bool]) -> list[Any]:
        consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=self.bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            found: list[Any] = []
            async with asyncio.timeout(10):
                while not enough(found):
                    for batch in (await consumer.getmany(timeout_ms=200)).values():
                        found += batch
            return found
        finally:
            await consumer.stop()


@asynccontextmanager
async def bench(
    folder: Path,
    *,
    kafka: bool = True,
    topics: bool = True,
    resolver: ResolverConfig | None = None,
    trust: ssl.SSLContext | bool = True,
    **limits: Any,
) -> AsyncIterator[Bench]:
    """Start a broker (unless `kafka` is false), a gateway with `limits`, and a client."""
    port = free_port()
    broker = None
    if kafka:
        broker = EmbeddedBroker(
            BrokerConfig(port=port, data_dir=folder / "broker", auto_create_topics=False)
        )
        await broker.start()
    connection = KafkaConfig(bootstrap=f"127.0.0.1:{port}", request_timeout_ms=3_000)
    section = replace(GatewayConfig(port=0, probe_interval_ms=200), **limits)
    settings = Settings(
        kafka=connection, gateway=section, topics=TOPICS, resolver=resolver or ResolverConfig()
    )
    if kafka and topics:
        await ensure_topics(connection, TOPICS)
    gateway = Gateway(settings)
    await gateway.start()
    try:
        connector = aiohttp.TCPConnector(ssl=trust)
        async with aiohttp.ClientSession(gateway.url, connector=connector) as client:
            running = Bench(gateway=gateway, client=client, broker=broker, settings=settings)
            if kafka and topics:
                await running.until_ready()
            yield running
    finally:
        await gateway.stop()
        if broker is not None:
            await broker.stop()


@pytest.fixture
def start_bench(tmp_path):
    """Return `bench` in the test's own folder."""

    def start(**options: Any):
        return bench(tmp_path, **options)

    return start
