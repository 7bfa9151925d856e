"""The consumer of verdicts as a service of the worker.

When Kafka is away, or the library's folder cannot be written, it waits and tries again: a verdict
stays in its topic until its case is on the disk.
"""

import asyncio
import logging

from aiokafka.errors import KafkaError
from mode import Service

from agents.cases.errors import CasesError
from agents.cases.session import VerdictParts, VerdictSession
from agents.worker.progress import Phase, Progress
from agents.worker.publisher import PublishError
from agents.worker.topic_admin import TopicMissingError

_log = logging.getLogger("worker")
_REPEAT_SECONDS = 30.0
_TRIED_AGAIN = (KafkaError, OSError, TimeoutError, PublishError, TopicMissingError, CasesError)


class VerdictService(Service):
    """Keeps one session with Kafka going until it is stopped."""

    def __init__(self, parts: VerdictParts) -> None:
        super().__init__()
        self.progress = Progress("verdicts", parts.cluster.worker.stuck_seconds)
        self.sessions = 0
        self._parts = parts
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
            self.sessions += 1
            try:
                await self._parts.cluster.prepare()
                await VerdictSession(self._parts, self.progress).run(lambda: self.should_stop)
            except _TRIED_AGAIN as error:
                now = asyncio.get_running_loop().time()
                if now - complained_at > _REPEAT_SECONDS:
                    complained_at = now
                    _log.warning(
                        "verdicts cannot be made cases; trying again until they can",
                        extra={
                            "bootstrap": self._parts.cluster.kafka.bootstrap,
                            "library_dir": str(self._parts.library_dir),
                            "error": str(error) or type(error).__name__,
                        },
                    )
                # A folder that cannot be written says nothing about Kafka.
                ours = isinstance(error, CasesError)
                self.progress.beat(Phase.JOINING if ours else Phase.WAITING)
                await self.sleep(self._parts.cluster.worker.reconnect_seconds)

    async def on_stop(self) -> None:
        """Let the batch in hand be written and committed; mode would cancel it at once."""
        try:
            async with asyncio.timeout(self._parts.cluster.worker.shutdown_seconds):
                await self._ended.wait()
        except TimeoutError:
            _log.exception("the consumer of verdicts did not stop in time; it repeats a batch")
