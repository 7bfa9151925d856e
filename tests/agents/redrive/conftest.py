"""A broker, letters on it as the worker writes them, and runs of redrive."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.kafka import KafkaConfig
from agents.redrive.judging import Judged
from agents.redrive.post import connected
from agents.redrive.session import Order, Watching, redrive
from agents.settings import Settings
from agents.telemetry import Telemetry
from agents.worker.assembly import dead_letters
from agents.worker.dead_letter import Complaint, Rejection
from agents.worker.topic_admin import ensure_topics
from tests.agents.worker.conftest import Stand

COMPLAINT = Complaint(
    rejection=Rejection.UNDECODABLE, reason="no JSON, expected an alert", stage="reduce"
)


class Post:
    """Dead letters on a stand's broker, and what redrive makes of them."""

    def __init__(self, stand: Stand, settings: Settings) -> None:
        self.stand = stand
        self.settings = settings

    async def send(self, topic: str, value: bytes | None, **more: Any) -> Any:
        async with connected(self.settings.kafka, max_request_size=16_000_000) as producer:
            return await producer.send_and_wait(topic, value, **more)

    async def letter(
        self,
        topic: str = "alerts",
        value: bytes = b"{",
        complaint: Complaint = COMPLAINT,
        **more: Any,
    ) -> Any:
        """Send a message, and its dead letter as the worker does when it cannot use it."""
        sent = await self.send(topic, value, **({"partition": 0} | more))
        return await self.refuse(await self.record(topic, sent.partition, sent.offset), complaint)

    async def letters(self, count: int) -> None:
        """Send messages that cannot be used, and their letters."""
        async with connected(self.settings.kafka) as producer:
            sent = [
                await producer.send("alerts", b"%d" % n, partition=n % 4) for n in range(count)
            ]
            await asyncio.gather(*sent)
            records = await self.stand.read("alerts")
            maker = dead_letters(self.settings, Telemetry())
            for out in [maker.letter(record, COMPLAINT) for record in records]:
                await producer.send_and_wait(out.topic, out.value, headers=list(out.headers))

    async def refuse(self, record: Any, complaint: Complaint = COMPLAINT) -> Any:
        out = dead_letters(self.settings, Telemetry()).letter(record, complaint)
        return await self.send(
            out.topic, out.value, key=out.key, headers=list(out.headers), partition=0
        )

    async def record(self, topic: str, partition: int, offset: int) -> Any:
        records = await self.stand.read(topic)
        return next(r for r in records if (r.partition, r.offset) == (partition, offset))

    async def redrive(self, watching: Watching | None = None, **order: Any) -> list[Judged]:
        told: list[Judged] = []
        watching = watching or Watching(told=told.append)
        await redrive(self.settings, Order(**order), watching)
        return told

    async def fates(self, **order: Any) -> list[str]:
        return [judged.fate.value for judged in await self.redrive(**order)]


Scenario = Callable[[Callable[[Post], Any]], None]


def _runner(folder: Path, *, topics: bool) -> Scenario:
    def run(scenario: Callable[[Post], Any]) -> None:
        async def whole() -> None:
            stand = Stand(folder)
            await stand.start_broker()
            try:
                settings = Settings(kafka=KafkaConfig(bootstrap=stand.bootstrap))
                if topics:
                    await ensure_topics(settings.kafka, settings.topics)
                await scenario(Post(stand, settings))
            finally:
                await stand.close()

        asyncio.run(whole())

    return run


@pytest.fixture
def with_post(tmp_path: Path) -> Scenario:
    """Run an async scenario with a broker that has every topic."""
    return _runner(tmp_path / "broker", topics=True)


@pytest.fixture
def on_stand_without_topics(tmp_path: Path) -> Scenario:
    """Run an async scenario with a broker that has none."""
    return _runner(tmp_path / "broker", topics=False)
