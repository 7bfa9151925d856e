"""Produces records in order and waits until every one is acknowledged by all replicas."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from agents.kafka import producer_arguments
from agents.worker.cluster import Cluster
from agents.worker.stage import Outgoing

_STOP_SECONDS = 5.0


class PublishError(Exception):
    """Records were not acknowledged in time; whether they arrived is not known."""


class Publisher:
    """An idempotent producer: a retry neither reorders nor doubles what it sends."""

    def __init__(self, cluster: Cluster, beat: Callable[[], None]) -> None:
        self._config = cluster.worker
        self._metrics = cluster.metrics
        self._beat = beat
        self._producer = AIOKafkaProducer(**producer_arguments(cluster.kafka))

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Produce records and return when all are acknowledged.

        Raises:
            PublishError: the time limit passed.
        """
        limit = self._config.publish_records
        for start in range(0, len(outgoing), limit):
            batch = outgoing[start : start + limit]
            try:
                await self._acknowledged([await self._send(out) for out in batch])
            except (KafkaError, TimeoutError, PublishError) as error:
                self._count_failures(batch, type(error).__name__)
                raise
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

    async def _acknowledged(self, pending: Sequence[Any]) -> None:
        everything = asyncio.gather(*pending)
        deadline = asyncio.get_running_loop().time() + self._config.publish_seconds
        # While a broker is away the producer retries, and that is patience, not being stuck.
        while not everything.done():
            await asyncio.wait([everything], timeout=1.0)
            self._beat()
            if not everything.done() and asyncio.get_running_loop().time() > deadline:
                everything.cancel()
                msg = (
                    f"{len(pending)} records not acknowledged in {self._config.publish_seconds} s"
                )
                raise PublishError(msg)
        await everything

    async def stop(self) -> None:
        """Disconnect; what is unacknowledged after a moment is given up, not sent later.

        A record that arrived after a successor had started could undo what that one wrote.
        """
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._producer.stop()
        except TimeoutError:
            await self._abort()

    async def _abort(self) -> None:
        # aiokafka has no public way to stop without flushing. Failing the batches lets its own
        # flush task end; closing the sender and the client ends the rest.
        producer = self._producer
        producer._message_accumulator.fail_all(KafkaError("given up"))
        with contextlib.suppress(KafkaError):
            await producer._sender.close()
        await producer.client.close()
