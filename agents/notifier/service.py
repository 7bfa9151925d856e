"""The notifier as a service of the worker: one feed for each receiver.

A slow or dead receiver holds up no other; when Kafka is away a feed waits and connects again.
"""

import logging
import random
from collections.abc import Mapping
from typing import Any

from mode import Service

from agents.notifier.config import NotifierConfig, Receiver, receivers
from agents.notifier.connection import trust
from agents.notifier.notified import Memory
from agents.notifier.notified_topic import ensure_notified_topic
from agents.notifier.session import NotifierParts, NotifySession
from agents.telemetry import NotifierMetrics
from agents.worker.cluster import Cluster
from agents.worker.consumer_status import ConsumerStatus
from agents.worker.kept_session import KeptSession
from agents.worker.progress import Progress
from agents.worker.topics import TopicsConfig

log = logging.getLogger(__name__)


class NotifierService(Service):
    """Tells every configured receiver about incidents; with none configured it does nothing.

    Args:
        config: the [notifier] section.
        cluster: where Kafka is and how to behave towards it.
        topics: the [topics] section.
        metrics: where to count.
        rng: jitter of the back-off; seeded by tests, by the system otherwise.
        options: what mode.Service takes, for example `beacon`.

    Raises:
        SettingsError: `config.ca_file` cannot be used.
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
        trust(config)  # said now, and not when the first message is due
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
            if not feed.receiver.is_protected:
                log.warning("what a chat receiver is told can be read on its way", extra=extra)

    @property
    def kept(self) -> tuple[KeptSession, ...]:
        """The feeds, one for each receiver."""
        return tuple(self._feeds)

    def statuses(self) -> tuple[ConsumerStatus, ...]:
        """How each receiver's feed is doing, for health checks."""
        return tuple(feed.progress.status() for feed in self._feeds)


class ReceiverFeed(KeptSession):
    """Keeps one receiver's session with Kafka going."""

    complaint = "the notifier has lost Kafka; trying again until it answers"
    too_late = "the notifier did not stop in time; one message may come twice"

    def __init__(self, receiver: Receiver, parts: NotifierParts) -> None:
        progress = Progress(f"notify {receiver.name}", parts.cluster.worker.patience())
        super().__init__(progress, parts.cluster)
        self.receiver = receiver
        self._parts = parts
        # Outlives the sessions: what was sent while Kafka was lost is not forgotten.
        self._memory = Memory(parts.config.max_remembered_incidents)

    def named(self) -> Mapping[str, str]:
        """Name the receiver."""
        return {"receiver": self.receiver.name}

    async def session(self) -> None:
        """Tell the receiver, and let the attempt in progress be logged when stopped."""
        parts = self._parts
        await parts.cluster.prepare()
        partitions = await ensure_notified_topic(
            parts.config.notified_topic, parts.cluster.kafka, parts.topics
        )
        session = NotifySession(self.receiver, parts, self._memory, self.progress, partitions)
        await session.run(lambda: self.ending)
