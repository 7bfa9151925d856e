"""The durable consumer: a service that keeps one stage's session with Kafka going.

When a stage has a bug it crashes, so that its supervisor restarts it from the last snapshot; it
never skips a record.
"""

from collections.abc import Mapping

from agents.worker.cluster import Cluster
from agents.worker.kept_session import KeptSession
from agents.worker.progress import Progress
from agents.worker.session import Session
from agents.worker.stage import ConsumerSpec


class DurableConsumer(KeptSession):
    """Runs one ConsumerSpec until it is stopped."""

    complaint = "Kafka does not answer as it should; trying again until it does"
    too_late = "a stage did not stop in time; the next start replays from its last snapshot"

    def __init__(self, spec: ConsumerSpec, cluster: Cluster) -> None:
        super().__init__(Progress(spec.name, cluster.worker.patience()), cluster)
        self.spec = spec

    def named(self) -> Mapping[str, str]:
        """Name the consumer."""
        return {"consumer": self.spec.name}

    async def session(self) -> None:
        """Consume, and save and leave when stopped."""
        await self._cluster.prepare()
        session = Session(self.spec, self._cluster, self.progress)
        await session.run(lambda: self.ending)
