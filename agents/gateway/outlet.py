"""The way out to Kafka: one idempotent producer, watched, replaced when it is beyond repair.

A delivery ends in Kafka's acknowledgement (acks=all) or in a `Refusal`. The cluster's metadata
are looked at regularly, so that an outage is answered at once instead of after a timeout, and a
topic that is missing is never created by asking for it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from agents.gateway.admission import Lease
from agents.gateway.config import GatewayConfig
from agents.gateway.message import Message
from agents.gateway.refusal import Reason, Refusal
from agents.kafka import KafkaConfig, producer_arguments
from agents.kafka_security.explainer import Explainer
from agents.telemetry import KafkaMetrics

log = logging.getLogger(__name__)
_FIRST_RETRY_SECONDS = 0.25


class Outlet:
    """Delivers messages, and knows whether it could."""

    def __init__(
        self,
        kafka: KafkaConfig,
        config: GatewayConfig,
        *,
        topics: Sequence[str],
        metrics: KafkaMetrics,
    ) -> None:
        self._kafka = kafka
        self._config = config
        self._topics = topics
        self._metrics = metrics
        self._producer: Any = None
        self._broken = asyncio.Event()
        self._away: str | None = f"Kafka at {kafka.bootstrap} has not answered yet"
        self._stopping = False
        self._retired: set[asyncio.Task[None]] = set()
        self._answered: bool | None = None  # not known before the first look
        self._missing: frozenset[str] = frozenset(topics)
        self._task: asyncio.Task[None] | None = None
        self._explainer = Explainer(kafka)

    def unready(self) -> str | None:
        """Say in a sentence why messages cannot be delivered now, or None when they can."""
        if self._away is None and self._missing:
            return _missing(sorted(self._missing))
        return self._away

    async def start(self) -> None:
        """Begin to look for Kafka; returns at once, whether it is there or not."""
        self._task = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """Deliver what is still buffered, as far as Kafka takes it in time, and disconnect."""
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._producer is not None:
            await _close(self._producer, self._config.produce_timeout_ms / 1000)
            self._producer = None
        if self._retired:
            await asyncio.wait(self._retired)

    async def deliver(self, message: Message, lease: Lease) -> None:
        """Produce one message and wait until all replicas have acknowledged it.

        Args:
            message: what to produce.
            lease: the request's share of memory, which the message keeps until it is settled.

        Raises:
            Refusal: Kafka cannot take it, or has not acknowledged in time.
        """
        try:
            await self._deliver(message, lease)
        except Refusal as refusal:
            self._metrics.produce_failures.labels(message.topic, refusal.reason).inc()
            raise
        self._metrics.produced.labels(message.topic).inc()

    async def _deliver(self, message: Message, lease: Lease) -> None:
        producer = self._producer
        if producer is None or self._away is not None:
            raise Refusal(Reason.KAFKA_UNAVAILABLE, self._away or "Kafka is being reconnected")
        if message.topic in self._missing:
            raise Refusal(Reason.TOPIC_MISSING, _missing([message.topic]))
        try:
            async with asyncio.timeout(self._config.produce_timeout_ms / 1000):
                delivery = await producer.send(
                    message.topic, message.value, key=message.key, headers=list(message.headers)
                )
                lease.hold_for(delivery)
                # Cancelling the future would not take the message back, only lose its outcome.
                await asyncio.shield(delivery)
        except TimeoutError:
            raise Refusal(
                Reason.KAFKA_TIMEOUT,
                f"Kafka has not acknowledged within {self._config.produce_timeout_ms} ms",
            ) from None
        except KafkaError as error:
            if producer is self._producer:
                # The broker expects a sequence number that never comes, and an idempotent producer
                # of aiokafka fails from then on: a new one starts a new sequence.
                self._broken.set()
            raise _refusal(error, message.topic) from error

    async def _supervise(self) -> None:
        while True:
            try:
                await self._serve_one()
            except Exception:
                # Without this task the gateway would answer 503 until somebody restarts it.
                log.exception("the connection to Kafka failed because of a bug; trying again")
                self._report("the connection to Kafka failed because of a bug; see the log")
                await asyncio.sleep(_FIRST_RETRY_SECONDS)

    async def _serve_one(self) -> None:
        """The life of one producer."""
        self._broken.clear()
        self._producer = producer = await self._connect()
        try:
            await self._watch(producer)
        finally:
            if not self._stopping:
                self._producer = None
                self._retire(producer)

    def _retire(self, producer: Any) -> None:
        """Close a producer beside its successor.

        What it still holds may yet be delivered where Kafka answers; else it is answered with a
        503, or was, and comes again.
        """
        patience = 0.0 if self._away else self._config.produce_timeout_ms / 1000
        task = asyncio.create_task(_close(producer, patience))
        self._retired.add(task)
        task.add_done_callback(self._retired.discard)

    async def _connect(self) -> Any:
        pause = _FIRST_RETRY_SECONDS
        while True:
            producer = AIOKafkaProducer(**producer_arguments(self._kafka))
            try:
                async with asyncio.timeout(self._kafka.request_timeout_ms / 1000):
                    await producer.start()
            except (KafkaError, OSError, TimeoutError) as error:
                await _close(producer, 0)
                self._report(f"Kafka at {self._kafka.bootstrap} cannot be reached: {_name(error)}")
                # Into the log only: it names users and files, which are not for every sender.
                self._explainer.look(error)
            except BaseException:
                await _close(producer, 0)
                raise
            else:
                return producer
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._config.probe_interval_ms / 1000)

    async def _watch(self, producer: Any) -> None:
        """Look at the cluster until the producer must be replaced."""
        now: Callable[[], float] = asyncio.get_running_loop().time
        seen = now()
        while not self._broken.is_set():
            if await self._probe(producer):
                seen = now()
            elif now() - seen > self._config.reconnect_after_ms / 1000:
                return
            pause = self._config.probe_interval_ms / 1000
            if self.unready():
                pause = min(pause, _FIRST_RETRY_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._broken.wait()

    async def _probe(self, producer: Any) -> bool:
        try:
            async with asyncio.timeout(self._kafka.request_timeout_ms / 1000):
                cluster = await self._metadata(producer)
        except (KafkaError, OSError, TimeoutError) as error:
            self._report(f"Kafka at {self._kafka.bootstrap} does not answer: {_name(error)}")
            return False
        known = cluster.topics()
        missing = frozenset(topic for topic in self._topics if topic not in known)
        if missing and missing != self._missing:
            log.warning("topics are missing", extra={"topics": sorted(missing)})
        self._missing = missing
        self._report(None)
        return True

    @staticmethod
    async def _metadata(producer: Any) -> Any:
        """Ask for the cluster's metadata, twice when a connection turns out to be closed.

        Brokers close them: those that are idle, and those whose login is older than they permit.
        """
        try:
            return await producer.client.fetch_all_metadata()
        except KafkaError:
            return await producer.client.fetch_all_metadata()

    def _report(self, away: str | None) -> None:
        """Note whether Kafka answers; a change is logged once."""
        answers = away is None
        if answers is not self._answered:
            if answers:
                log.info("Kafka answers", extra={"bootstrap": self._kafka.bootstrap})
            else:
                log.warning("Kafka is away", extra={"reason": away})
        self._answered = answers
        self._away = away
        self._metrics.connected.set(int(answers))


def _missing(topics: list[str]) -> str:
    names = ", ".join(topics)
    return f"missing in Kafka: topic {names}; start a worker, which creates it, or create it"


def _name(error: BaseException) -> str:
    return str(error) or type(error).__name__


async def _close(producer: Any, patience_seconds: float) -> None:
    """Stop a producer; what it has not delivered by then fails instead of blocking for ever.

    aiokafka's `stop` waits until every batch is delivered, which never comes while Kafka is away;
    failing the batches in its accumulator (no public name) is what lets it return.
    """
    stopping = asyncio.create_task(producer.stop())
    done, _ = await asyncio.wait({stopping}, timeout=patience_seconds)
    if not done:
        producer._message_accumulator.fail_all(KafkaConnectionError("the producer was replaced"))
    await stopping


def _refusal(error: KafkaError, topic: str) -> Refusal:
    if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
        return Refusal(
            Reason.TOO_LARGE,
            f"topic {topic} does not take a message of this size (its max.message.bytes)",
        )
    if isinstance(error, UnknownTopicOrPartitionError):
        return Refusal(Reason.TOPIC_MISSING, _missing([topic]))
    if isinstance(error, TopicAuthorizationFailedError):
        return Refusal(Reason.KAFKA_UNAVAILABLE, f"Kafka does not let us write to {topic}")
    log.warning("delivery failed", extra={"topic": topic, "error": repr(error)})
    return Refusal(Reason.KAFKA_UNAVAILABLE, f"Kafka failed to take it: {_name(error)}")
