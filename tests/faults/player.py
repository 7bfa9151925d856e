"""Plays the storm with a real producer, and pulses beside it, and notes what was acknowledged."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from agents.worker.topics import TopicsConfig
from tests.faults.orders import INPUT_PARTITIONS
from tests.faults.pulses import pulse, pulse_environments
from tests.faults.storm import NUMBER, Numbered

_TOPICS = TopicsConfig()
_PULSE_SECONDS = 0.25
_FIRST_PULSE = 1_000_000
"""The number of the first pulse; those of the storm lie below."""


class Player:
    """All producers of a run: acknowledged by all replicas, idempotent, patient."""

    def __init__(self, bootstrap: str) -> None:
        self.acknowledged: set[int] = set()
        self.poisoned: set[tuple[str, int, int]] = set()
        # (environment, beat) -> when its producer meant to send it.
        self.beats: dict[tuple[str, int], float] = {}
        self._beat = 0
        self._quiet = asyncio.Event()
        self._numbers = _FIRST_PULSE
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            compression_type="lz4",
            metadata_max_age_ms=1_000,
            # A producer that waits out the longest outage.
            request_timeout_ms=300_000,
        )

    async def __aenter__(self) -> "Player":
        await self._producer.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(5):
                await self._producer.stop()

    async def play(self, messages: Sequence[Numbered]) -> None:
        """Send messages in order; return when all are acknowledged."""
        pending: list[asyncio.Task[None]] = []
        for message in messages:
            future = await self._send(
                message.topic, message.partition, message.value, message.number
            )
            pending.append(asyncio.ensure_future(self._acknowledge(future, message.number)))
        await asyncio.gather(*pending)

    async def pulses(self) -> None:
        """Send a pulse to each pulse environment every quarter of a second, until told to stop."""
        async with asyncio.TaskGroup() as group:
            while not self._quiet.is_set():
                for index, environment in enumerate(pulse_environments()):
                    group.create_task(self._pulse(index, environment, self._beat))
                self._beat += 1
                await asyncio.sleep(_PULSE_SECONDS)

    def stop_pulses(self) -> None:
        """Let `pulses` end when what it has sent is acknowledged."""
        self._quiet.set()

    async def _pulse(self, index: int, environment: str, beat: int) -> None:
        self._numbers += 1
        number = self._numbers
        self.beats[environment, beat] = time.monotonic()
        partition = index % INPUT_PARTITIONS
        future = await self._send(_TOPICS.alerts, partition, pulse(environment, beat), number)
        await self._acknowledge(future, number)

    async def poison(self, topic: str, partition: int, value: bytes) -> None:
        """Send what nobody can use, and note where it is."""
        meta = await (await self._send(topic, partition, value, None))
        self.poisoned.add((topic, partition, meta.offset))

    async def last_pulse(self) -> None:
        """Send a pulse that lets all before it pass, and does not count itself."""
        for index, environment in enumerate(pulse_environments()):
            value = pulse(environment, self._beat + 10)
            partition = index % INPUT_PARTITIONS
            await (await self._send(_TOPICS.alerts, partition, value, None))

    async def _send(self, topic: str, partition: int, value: bytes, number: int | None) -> Any:
        headers = [] if number is None else [(NUMBER, b"%d" % number)]
        return await self._producer.send(topic, value, partition=partition, headers=headers)

    async def _acknowledge(self, future: Any, number: int) -> None:
        await future
        self.acknowledged.add(number)
