"""The durable consumer: a service that keeps one session with Kafka going.

When Kafka is away it waits and connects again. When a stage has a bug it crashes, so that its
supervisor restarts it from the last snapshot; it never skips a record.
"""

import asyncio
import logging
from collections.abc import Callable

from aiokafka.errors import KafkaError
from mode import Service

from agents.worker.cluster import Cluster
from agents.worker.progress import Phase, Progress
from agents.worker.publisher import PublishError
from agents.worker.session import Session
from agents.worker.stage import ConsumerSpec
from agents.worker.topic_admin import TopicMissingError

_log = logging.getLogger("worker")
_REPEAT_SECONDS = 30.0
_OURS = (PublishError, TopicMissingError)


def no_failpoint(_name: str) -> None:
    """Do nothing at the named moments; fault tests pass something that kills the process."""


class DurableConsumer(Service):
    """Runs one ConsumerSpec until it is stopped."""

    def __init__(
        self,
        spec: ConsumerSpec,
        cluster: Cluster,
        *,
        failpoint: Callable[[str], None] = no_failpoint,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.progress = Progress(spec.name, cluster.worker.stuck_seconds)
        self._cluster = cluster
        self._failpoint = failpoint
        self._ended = asyncio.Event()
        self._ended.set()
        self.overran = False

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
                await self._cluster.prepare()
                session = Session(self.spec, self._cluster, self.progress, self._failpoint)
                await session.run(lambda: self.should_stop)
            except (KafkaError, OSError, TimeoutError, *_OURS) as error:
                now = asyncio.get_running_loop().time()
                if now - complained_at > _REPEAT_SECONDS:
                    complained_at = now
                    _log.warning(
                        "Kafka does not answer as it should; trying again until it does",
                        extra={
                            "consumer": self.spec.name,
                            "bootstrap": self._cluster.kafka.bootstrap,
                            "error": str(error) or type(error).__name__,
                        },
                    )
                self.progress.beat(Phase.WAITING)
                await self.sleep(self._cluster.worker.reconnect_seconds)

    async def on_stop(self) -> None:
        """Let the session save and leave; mode would cancel it at once."""
        try:
            async with asyncio.timeout(self._cluster.worker.shutdown_seconds):
                await self._ended.wait()
        except TimeoutError:
            self.overran = True
            _log.error(
                "a stage did not stop in time; the next start replays from its last snapshot",
                extra={"consumer": self.spec.name},
            )
