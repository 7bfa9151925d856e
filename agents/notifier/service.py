"""The notifier as a service of the worker: one feed for each receiver.

A slow or dead receiver holds up no other; when Kafka is away a feed waits and connects again.
"""

import asyncio
import logging
import random
from typing import Any

from aiokafka.errors import KafkaError
from mode import Service

from agents.notifier.config import NotifierConfig, Receiver, receivers
from agents.notifier.notified import Memory
from agents.notifier.notified_topic import ensure_notified_topic
from agents.notifier.session import NotifierParts, NotifySession
from agents.telemetry import NotifierMetrics
from agents.worker.cluster import Cluster
from agents.worker.progress import ConsumerStatus, Phase, Progress
from agents.worker.publisher import PublishError
from agents.worker.topic_admin import TopicMissingError
from agents.worker.topics import TopicsConfig

log = logging.getLogger(__name__)

_REPEAT_SECONDS = 30.0


class NotifierService(Service):
    """Tells every configured receiver about incidents; with none configured it does nothing.

    Args:
        config: the [notifier] section.
        cluster: where Kafka is and how to behave towards it.
        topics: the [topics] section.
        metrics: where to count.
        rng: jitter of the back-off; seeded by tests, by the system otherwise.
        options: what mode.Service takes, for example `beacon`.
    """

    def __init__(
        self,
        config: NotifierConfig,
        cluster: Cluster,
        topics: TopicsConfig,
        metrics: NotifierMetrics,
        *,
        rng: random.Random | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        parts = NotifierParts(
            config=config,
            cluster=cluster,
            topics=topics,
            metrics=metrics,
            rng=rng or random.Random(),
        )
        self._feeds = [ReceiverFeed(found, parts) for found in receivers(config)]
        for feed in self._feeds:
            self.add_dependency(feed)

    async def on_start(self) -> None:
        """Say who will be told."""
        if not self._feeds:
            log.info("no chat webhook is configured; nobody is told about incidents")
        for feed in self._feeds:
            extra = {"receiver": feed.receiver.name, "host": feed.receiver.host}
            log.info("a chat receiver is told about incidents", extra=extra)

    def statuses(self) -> tuple[ConsumerStatus, ...]:
        """How each receiver's feed is doing, for health checks."""
        return tuple(feed.progress.status() for feed in self._feeds)


class ReceiverFeed(Service):
    """Keeps one receiver's session with Kafka going."""

    def __init__(self, receiver: Receiver, parts: NotifierParts) -> None:
        super().__init__()
        self.receiver = receiver
        self.progress = Progress(f"notify {receiver.name}", parts.cluster.worker.stuck_seconds)
        self._parts = parts
        # Outlives the sessions: what was sent while Kafka was lost is not forgotten.
        self._memory = Memory(parts.config.max_remembered_incidents)
        self._ended = asyncio.Event()
        self._ended.set()

    @Service.task
    async def _run(self) -> None:
        self._ended.clear()
        try:
            await self._sessions()
        finally:
            self.progress.beat(Phase.STOPPED)
            self._ended.set()

    async def _sessions(self) -> None:
        complained_at = float("-inf")
        while not self.should_stop:
            self.progress.beat(Phase.WAITING)
            try:
                await self._session()
            except (KafkaError, OSError, TimeoutError, PublishError, TopicMissingError) as error:
                now = asyncio.get_running_loop().time()
                if now - complained_at > _REPEAT_SECONDS:
                    complained_at = now
                    log.warning(
                        "the notifier has lost Kafka; trying again until it answers",
                        extra={
                            "receiver": self.receiver.name,
                            "bootstrap": self._parts.cluster.kafka.bootstrap,
                            "error": str(error) or type(error).__name__,
                        },
                    )
                self.progress.beat(Phase.WAITING)
                await self.sleep(self._parts.cluster.worker.reconnect_seconds)

    async def _session(self) -> None:
        parts = self._parts
        await parts.cluster.prepare()
        partitions = await ensure_notified_topic(
            parts.config.notified_topic, parts.cluster.kafka, parts.topics
        )
        session = NotifySession(self.receiver, parts, self._memory, self.progress, partitions)
        await session.run(lambda: self.should_stop)

    async def on_stop(self) -> None:
        """Let the attempt in progress end and be logged; mode would cancel it at once."""
        try:
            async with asyncio.timeout(self._parts.cluster.worker.shutdown_seconds):
                await self._ended.wait()
        except TimeoutError:
            log.exception(
                "the notifier did not stop in time; one message may come twice",
                extra={"receiver": self.receiver.name},
            )
