"""Sends what is due when it is due, and keeps what Kafka has acknowledged."""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

_PAUSE_SECONDS = 0.05


class Playing:
    """A producer that follows a timetable; an async context manager."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            compression_type="lz4",
            max_request_size=16 * 1024 * 1024,
        )
        self._owed: set[asyncio.Future[Any]] = set()
        self.acknowledged = 0
        self.latest_ms = 0

    async def __aenter__(self) -> "Playing":
        await self._producer.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._producer.stop()

    async def play(self, timetable: Iterable[tuple[int, str, bytes]]) -> None:
        """Send (when, topic, bytes), in order of time; return when all is acknowledged."""
        for due_ms, topic, value in timetable:
            ahead_ms = due_ms - time.time() * 1000
            if ahead_ms > 0:
                await asyncio.sleep(max(ahead_ms / 1000, _PAUSE_SECONDS))
            self.latest_ms = max(self.latest_ms, round(-ahead_ms))
            future = await self._producer.send(topic, value)
            self._owed.add(future)
            future.add_done_callback(self._settle)
        while self._owed:
            await asyncio.wait(self._owed)

    def _settle(self, future: asyncio.Future[Any]) -> None:
        self._owed.discard(future)
        future.result()
        self.acknowledged += 1


class Reading:
    """Reads what Rootline publishes, from the beginning, for as long as it is not cancelled."""

    def __init__(self, bootstrap: str, takers: dict[str, Any]) -> None:
        self._bootstrap = bootstrap
        self._takers = takers

    async def run(self) -> None:
        consumer = AIOKafkaConsumer(
            *self._takers,
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=16 * 1024 * 1024,
        )
        await consumer.start()
        try:
            while True:
                for tp, records in (await consumer.getmany(timeout_ms=500)).items():
                    for record in records:
                        self._takers[tp.topic](record)
                    await asyncio.sleep(0)
        finally:
            await consumer.stop()
