"""A database server: a limit on connections, cores shared by running statements, counters.

What can be wrong with it beyond that is its `condition`, its volume and its standby; they decide
how much longer a statement takes and whether it fails.
"""

import random
from collections.abc import Callable

from simpy import Environment

from models.simulator.condition import Condition, is_write
from models.simulator.cpu import Cpu, NodeCpu
from models.simulator.draw import lognormal
from models.simulator.network import Link
from models.simulator.outcome import (
    ACCESS_DENIED,
    LOCK_TIMED_OUT,
    NO_SPACE,
    OK,
    READ_ONLY,
    REFUSED,
    RESET,
    TIMED_OUT,
    TOO_MANY_CONNECTIONS,
)
from models.simulator.topology import DatabaseSpec
from models.simulator.volume import Volume

SLOW_SECONDS = 1.0
LOCK_WAIT_SECONDS = 12.0


class Database:
    """One server. `factors` stretch single statements."""

    def __init__(self, env: Environment, spec: DatabaseSpec, node: NodeCpu) -> None:
        self.env = env
        self.spec = spec
        self.node = node
        self.cpu = Cpu(node, spec.cores)
        self.link = Link()
        self.volume = Volume(env)
        self.condition = Condition(env)
        self.reaches: Callable[[str], bool] = lambda user: True
        self.max_connections = spec.max_connections
        self.connected = 0
        self.users: dict[str, int] = {}
        self.refused = 0
        self.refusal = TOO_MANY_CONNECTIONS
        self.connections_total = 0
        self.queries = 0
        self.writes = 0
        self.slow_queries = 0
        self.rows_read = 0.0
        self.factors: dict[str, float] = {}
        self.lock_waits = 0
        self._running: dict[int, tuple[str, float]] = {}
        self._statements = 0
        self._locks: dict[str, tuple[float, float]] = {}

    def connect(self, user: str) -> bool:
        """Accept a connection unless something speaks against it: see `refusal`."""
        self.refusal = self._objection(user)
        if self.refusal != OK:
            return False
        self.connected += 1
        self.connections_total += 1
        self.users[user] = self.users.get(user, 0) + 1
        return True

    def _objection(self, user: str) -> int:
        condition = self.condition
        if not condition.up:
            return REFUSED
        if not self.reaches(user):
            return TIMED_OUT
        if user in condition.denied:
            condition.denials += 1
            return ACCESS_DENIED
        if self.connected >= self.max_connections:
            self.refused += 1
            return TOO_MANY_CONNECTIONS
        return OK

    def disconnect(self, user: str, count: int) -> None:
        """Release connections of a user."""
        self.connected -= count
        self.users[user] = self.users.get(user, 0) - count

    def begin(self, user: str) -> tuple[int, float]:
        """Start a statement; return its number and by how much the crowd stretches it."""
        now = self.env.now
        self._statements += 1
        self._running[self._statements] = (user, now)
        return self._statements, self.cpu.enter(now)

    def end(self, number: int) -> None:
        """End a statement."""
        del self._running[number]
        self.cpu.leave(self.env.now)

    def running_seconds(self, user: str) -> float:
        """Return for how long the user's oldest running statement has run."""
        began = [since for who, since in self._running.values() if who == user]
        return self.env.now - min(began) if began else 0.0

    def waiting_for(self, statements: set[str]) -> int:
        """Return how many sessions wait for the lock that somebody holds on these statements."""
        if not statements:
            return 0
        return sum(1 for _, since in self._running.values() if self.env.now - since > 1.0)

    def lock(self, statement: str, hold_seconds: float) -> None:
        """Let each run of a statement hold one and the same row lock for so long."""
        self._locks[statement] = (hold_seconds, self.env.now)

    def unlock(self, statement: str) -> None:
        """End the contention."""
        self._locks.pop(statement, None)

    def _lock_seconds(self, statement: str, hold: float, free_at: float) -> float:
        """Queue for the lock; give up after the server's limit."""
        now = self.env.now
        wait = max(0.0, free_at - now)
        if wait > 0.0:
            self.lock_waits += 1
        if wait > LOCK_WAIT_SECONDS:
            return LOCK_WAIT_SECONDS
        self._locks[statement] = (hold, now + wait + hold)
        return wait + hold

    def seconds(self, rng: random.Random, statement: str, stretch: float) -> float:
        """Draw how long a statement runs in a crowd that stretches it so."""
        spec = self.spec.statements[statement]
        factor = self.factors.get(statement, 1.0)
        seconds = lognormal(rng, spec.ms / 1000.0, spec.spread) * factor
        seconds *= max(stretch, self.node.io_stretch)
        held = self._locks.get(statement)
        if held is not None:
            seconds += self._lock_seconds(statement, *held)
        if statement in self.condition.held:
            seconds += LOCK_WAIT_SECONDS
            self.lock_waits += 1
        seconds += self._waiting_for_disk(statement, spec.ms * factor)
        self.queries += 1
        self.rows_read += spec.ms * factor * 40.0
        if seconds > SLOW_SECONDS:
            self.slow_queries += 1
        return seconds

    def _waiting_for_disk(self, statement: str, ms: float) -> float:
        """Return the time for pages that are not in memory, and for what a commit has to write."""
        operations = self.condition.pages_missed(ms)
        seconds = 0.0
        if is_write(statement):
            self.writes += 1
            operations += 2.0
            seconds = self.condition.commit_seconds()
        return seconds + self.volume.wait(operations) + self.condition.read_seconds(operations)

    def verdict(self, rng: random.Random, statement: str) -> int:
        """Decide how a statement that has run ends."""
        condition = self.condition
        if not condition.up:
            return RESET
        if statement in condition.held:
            return LOCK_TIMED_OUT
        if not is_write(statement):
            return OK
        if condition.read_only or condition.out_of_ids or not self.volume.writable:
            return READ_ONLY
        if self.volume.full:
            return NO_SPACE
        return condition.abort(rng)
