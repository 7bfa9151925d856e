"""Produces records in order and waits until every one is acknowledged by all replicas."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from agents.kafka import producer_arguments
from agents.worker.cluster import Cluster
from agents.worker.failpoint import Failpoint, no_failpoint
from agents.worker.stage import Outgoing

_BEAT_SECONDS = 1.0


class PublishError(Exception):
    """Records were not acknowledged in time; whether they arrived is not known."""


class OversizedError(Exception):
    """A topic does not take a record as large as we produce: no retry helps."""


class Publisher:
    """An idempotent producer: a retry neither reorders nor doubles what it sends."""

    def __init__(
        self,
        cluster: Cluster,
        beat: Callable[[], None],
        failpoint: Failpoint = no_failpoint,
    ) -> None:
        self._config = cluster.worker
        self._metrics = cluster.metrics
        self._beat = beat
        self._failpoint = failpoint
        self._owing = False
        self._producer = AIOKafkaProducer(**producer_arguments(cluster.kafka))

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Produce records and return when all are acknowledged.

        Raises:
            PublishError: the time limit passed.
            OversizedError: a record is larger than its topic takes.
        """
        limit = self._config.publish_records
        for start in range(0, len(outgoing), limit):
            batch = outgoing[start : start + limit]
            self._owing = True
            try:
                pending = [await self._send(out) for out in batch]
                self._failpoint("sent")
                await self._acknowledged(pending)
            except MessageSizeTooLargeError as error:
                raise _oversized(batch) from error
            except (KafkaError, TimeoutError, PublishError) as error:
                self._count_failures(batch, type(error).__name__)
                raise
            self._owing = False
            for out in batch:
                self._metrics.produced.labels(topic=out.topic).inc()

    def _count_failures(self, batch: Sequence[Outgoing], reason: str) -> None:
        for out in batch:
            self._metrics.produce_failures.labels(topic=out.topic, reason=reason).inc()

    async def _send(self, out: Outgoing) -> Any:
        # Waits here while the producer's buffer is full: that is the back-pressure.
        async with asyncio.timeout(self._config.publish_seconds):
            return await self._producer.send(
                out.topic,
                out.value,
                key=out.key,
                partition=out.partition,
                headers=list(out.headers),
            )

    async def _acknowledged(self, pending: Sequence[asyncio.Future[Any]]) -> None:
        deadline = asyncio.get_running_loop().time() + self._config.publish_seconds
        left = set(pending)
        # While a broker is away the producer retries, and that is patience, not being stuck.
        while left:
            _done, left = await asyncio.wait(left, timeout=_BEAT_SECONDS)
            self._beat()
            if left and asyncio.get_running_loop().time() > deadline:
                msg = f"{len(left)} records not acknowledged in {self._config.publish_seconds} s"
                raise PublishError(msg)
        failed = [error for future in pending if (error := future.exception()) is not None]
        if failed:
            raise failed[0]

    async def stop(self) -> None:
        """Disconnect; what is not acknowledged by now is given up, not sent later.

        A record that arrived after a successor had started could undo what that one wrote.
        """
        if not self._owing:
            await self._producer.stop()
            return
        # aiokafka has no public way to stop without waiting for what is owed.
        self._producer._closed = True
        with contextlib.suppress(KafkaError, OSError):
            await self._producer._sender.close()
        await self._producer.client.close()


def _oversized(batch: Sequence[Outgoing]) -> OversizedError:
    largest = max(batch, key=lambda out: len(out.value or b""))
    size = len(largest.value or b"")
    msg = (
        f"topic {largest.topic} does not take a record of {size} bytes; raise its "
        "max.message.bytes to kafka.max_message_bytes, or lower the latter"
    )
    return OversizedError(msg)
