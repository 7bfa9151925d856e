"""The consumer of verdicts as a service of the worker.

When Kafka is away, or the library's folder cannot be written, it waits and tries again: a verdict
stays in its topic until its case is on the disk.
"""

from collections.abc import Mapping

from agents.cases.errors import CasesError
from agents.cases.session import VerdictParts, VerdictSession
from agents.worker.kept_session import KeptSession
from agents.worker.progress import Progress


class VerdictService(KeptSession):
    """Keeps one session with Kafka going until it is stopped."""

    complaint = "verdicts cannot be made cases; trying again until they can"
    too_late = "the consumer of verdicts did not stop in time; it repeats a batch"
    ours = (CasesError,)

    def __init__(self, parts: VerdictParts) -> None:
        progress = Progress("verdicts", parts.cluster.worker.patience())
        super().__init__(progress, parts.cluster)
        self.sessions = 0
        self._parts = parts

    def named(self) -> Mapping[str, str]:
        """Name the folder that cases are written to."""
        return {"library_dir": str(self._parts.library_dir)}

    async def session(self) -> None:
        """Make cases of verdicts, and let the batch in hand be written when stopped."""
        self.sessions += 1
        await self._cluster.prepare()
        await VerdictSession(self._parts, self.progress).run(lambda: self.ending)
