"""Puts messages on their topics; what is too large for a topic is refused by a sentence."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from agents.kafka import KafkaConfig, producer_arguments
from agents.worker.stage import Outgoing

Delivery = Callable[[], Awaitable[str | None]]
"""Waits until a message is acknowledged; a sentence where its topic does not take it."""
_RECORD_BYTES = 64 * 1024
_LARGE_BYTES = 900_000
"""What a topic with Kafka's default limit takes without question."""


class Post:
    """An idempotent producer; a large message gets a producer of its own.

    Its topic may not take it, and a refusal by the broker breaks the numbering of an idempotent
    producer, which must not cost the letters after it.
    """

    def __init__(self, kafka: KafkaConfig, producer: AIOKafkaProducer) -> None:
        self._kafka = kafka
        self.producer = producer

    async def send(self, out: Outgoing) -> Delivery:
        """Send a message on its way.

        Raises:
            KafkaError: the producer cannot go on.
        """
        if len(out.value or b"") > _LARGE_BYTES:
            refusal = await self._send_alone(out)
            return lambda: _settled(refusal)
        sent = await _put(self.producer, out)
        return lambda: _acknowledged(sent, out)

    async def _send_alone(self, out: Outgoing) -> str | None:
        size = len(out.value or b"") + len(out.key or b"") + _RECORD_BYTES
        async with connected(self._kafka, max_request_size=size) as producer:
            return await _acknowledged(await _put(producer, out), out)


@contextlib.asynccontextmanager
async def connected(kafka: KafkaConfig, **more: object) -> AsyncIterator[AIOKafkaProducer]:
    """Connect a producer for the length of a with block."""
    producer = AIOKafkaProducer(**(producer_arguments(kafka) | more))
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()


async def _put(producer: AIOKafkaProducer, out: Outgoing) -> Awaitable[object]:
    sent: Awaitable[object] = await producer.send(
        out.topic, out.value, key=out.key, partition=out.partition, headers=list(out.headers)
    )
    return sent


async def _acknowledged(sent: Awaitable[object], out: Outgoing) -> str | None:
    try:
        await sent
    except MessageSizeTooLargeError:
        return (
            f"topic {out.topic} does not take a message of {len(out.value or b'')} bytes; raise "
            "its max.message.bytes and run this again"
        )
    return None


async def _settled(refusal: str | None) -> str | None:
    return refusal
