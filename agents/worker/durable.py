"""The durable consumer: a service that keeps one stage's session with Kafka going.

When a stage has a bug it crashes, so that its supervisor restarts it from the last snapshot; it
never skips a record.
"""

from collections.abc import Callable, Mapping

from agents.worker.cluster import Cluster
from agents.worker.kept_session import KeptSession
from agents.worker.progress import Progress
from agents.worker.session import Session
from agents.worker.stage import ConsumerSpec


def no_failpoint(_name: str) -> None:
    """Do nothing at the named moments; fault tests pass something that kills the process."""


class DurableConsumer(KeptSession):
    """Runs one ConsumerSpec until it is stopped."""

    complaint = "Kafka does not answer as it should; trying again until it does"
    too_late = "a stage did not stop in time; the next start replays from its last snapshot"

    def __init__(
        self,
        spec: ConsumerSpec,
        cluster: Cluster,
        *,
        failpoint: Callable[[str], None] = no_failpoint,
    ) -> None:
        super().__init__(Progress(spec.name, cluster.worker.stuck_seconds), cluster)
        self.spec = spec
        self._failpoint = failpoint

    def named(self) -> Mapping[str, str]:
        """Name the consumer."""
        return {"consumer": self.spec.name}

    async def session(self) -> None:
        """Consume, and save and leave when stopped."""
        await self._cluster.prepare()
        session = Session(self.spec, self._cluster, self.progress, self._failpoint)
        await session.run(lambda: self.should_stop)
