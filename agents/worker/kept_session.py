"""A service that keeps one session with Kafka going until it is stopped.

When Kafka is away it waits and connects again. What a session raises beside the errors that are
tried again crashes the service, so that its supervisor starts it anew.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from aiokafka.errors import KafkaError
from mode import Service

from agents.worker.cluster import Cluster
from agents.worker.consumer_status import Phase
from agents.worker.progress import Progress
from agents.worker.publisher import PublishError
from agents.worker.topic_admin import TopicMissingError

_log = logging.getLogger("worker")
_REPEAT_SECONDS = 30.0
_KAFKA_AWAY = (KafkaError, OSError, TimeoutError, PublishError, TopicMissingError)


class KeptSession(Service):
    """Begins a session again and again; what it is of, its heirs say."""

    complaint: ClassVar[str]
    """What to log when a session ended by an error that is tried again."""
    too_late: ClassVar[str]
    """What to log when the session did not end in time after the service was stopped."""
    ours: ClassVar[tuple[type[Exception], ...]] = ()
    """Errors beside Kafka's that are tried again. They say nothing about Kafka's health."""

    def __init__(self, progress: Progress, cluster: Cluster, **options: Any) -> None:
        super().__init__(**options)
        self.progress = progress
        self.overran = False
        self._winding_down = False
        self._cluster = cluster
        self._ended = asyncio.Event()
        self._ended.set()

    async def session(self) -> None:
        """Run one session until `ending`."""
        raise NotImplementedError

    def wind_down(self) -> None:
        """Let the session end by itself, so that several end at the same time; `stop` follows."""
        self._winding_down = True

    @property
    def ending(self) -> bool:
        """Whether the session is to read no more, finish, save and leave."""
        return self._winding_down or self.should_stop

    def named(self) -> Mapping[str, str]:
        """Return what tells this service from others in a log line."""
        return {}

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
        while not self.ending:
            self.progress.beat(Phase.WAITING)
            try:
                await self.session()
            except (*_KAFKA_AWAY, *self.ours) as error:
                now = asyncio.get_running_loop().time()
                if now - complained_at > _REPEAT_SECONDS:
                    complained_at = now
                    self._complain(error)
                ours = isinstance(error, self.ours)
                self.progress.beat(Phase.JOINING if ours else Phase.WAITING)
                await self.sleep(self._cluster.worker.reconnect_seconds)

    def _complain(self, error: BaseException) -> None:
        _log.warning(
            self.complaint,
            extra={
                **self.named(),
                "bootstrap": self._cluster.kafka.bootstrap,
                "error": str(error) or type(error).__name__,
            },
        )
        if self._cluster.explainer is not None and not isinstance(error, self.ours):
            self._cluster.explainer.look(error)

    async def on_stop(self) -> None:
        """Let the session end what it has in hand; mode would cancel it at once."""
        try:
            async with asyncio.timeout(self._cluster.worker.shutdown_seconds):
                await self._ended.wait()
        except TimeoutError:
            self.overran = True
            _log.error(self.too_late, extra=dict(self.named()))
