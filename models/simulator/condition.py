"""What may be wrong inside a database server, apart from load: the attributes that faults turn."""

import random

from simpy import Environment

from models.simulator.outcome import ABORTED, OK

WRITES = ("INSERT", "UPDATE", "DELETE")
PAGES_A_MILLISECOND = 9.0
HEALTHY_MISSES = 0.004
FEW_MISSES = 0.05
MISS_SECONDS = 0.008
"""What a page that is not in memory costs beyond the volume's own time, when many miss."""
STANDBY_LAG_SECONDS = 0.2


def is_write(statement: str) -> bool:
    """Whether a statement changes rows.

    >>> is_write("UPDATE stock"), is_write("SELECT stock")
    (True, False)
    """
    return statement.startswith(WRITES)


class Condition:
    """The state of one server; healthy as it is made."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self.up = True
        self.started_at = 0.0
        self.read_only = False
        self.out_of_ids = False
        self.denied: set[str] = set()
        self.denials = 0
        self.held: set[str] = set()
        self.holder_since: float | None = None
        self.deadlocking = 0.0
        self.deadlocks = 0
        self.missing = HEALTHY_MISSES
        self.pages_asked = 0.0
        self.pages_read = 0.0
        self.standby_up = True
        self.commit_wait = 0.0
        self.commit_waits = 0
        self.dead_rows = 4_000.0
        self.cleaning = 0
        self.checkpoints = 0
        self.checkpoint_seconds = 0.0
        self.transaction_age = 1.8e8
        self.log_gb = 1.2
        self.log_share = 0.0
        self._behind_since: float | None = None
        self._lag_growth = 0.0

    def crash(self) -> None:
        """End the server process."""
        self.up = False

    def restart(self) -> None:
        """Start the server process again."""
        self.up, self.started_at = True, self._env.now

    def fall_behind(self, growth: float, commit_wait: float) -> None:
        """Let the standby lag further by so many seconds a second, and commits wait for it."""
        self._behind_since, self._lag_growth = self._env.now, growth
        self.commit_wait = commit_wait

    def catch_up(self) -> None:
        """Let the standby be where it should be."""
        self._behind_since, self.commit_wait = None, 0.0

    @property
    def lag_seconds(self) -> float:
        """Return how far the standby is behind."""
        if self._behind_since is None:
            return STANDBY_LAG_SECONDS
        return STANDBY_LAG_SECONDS + self._lag_growth * (self._env.now - self._behind_since)

    def pages_missed(self, ms: float) -> float:
        """Count the pages that a statement needs; return those not in memory beyond the usual."""
        pages = PAGES_A_MILLISECOND * min(ms, 400.0)
        self.pages_asked += pages
        self.pages_read += self.missing * pages
        return max(0.0, self.missing - HEALTHY_MISSES) * pages

    def read_seconds(self, operations: float) -> float:
        """Return the extra time of many scattered reads."""
        return MISS_SECONDS * operations if self.missing > 2.0 * FEW_MISSES else 0.0

    def commit_seconds(self) -> float:
        """Return what a commit waits for the standby."""
        if not self.commit_wait:
            return 0.0
        self.commit_waits += 1
        return self.commit_wait

    def abort(self, rng: random.Random) -> int:
        """Draw whether a write is chosen to end a deadlock."""
        if self.deadlocking and rng.random() < self.deadlocking:
            self.deadlocks += 1
            return ABORTED
        return OK
