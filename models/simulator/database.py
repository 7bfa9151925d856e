"""A database server: a limit on connections, cores shared by running statements, counters."""

import random

from simpy import Environment

from models.simulator.cpu import Cpu, NodeCpu
from models.simulator.draw import lognormal
from models.simulator.network import Link
from models.simulator.topology import DatabaseSpec

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
        self.max_connections = spec.max_connections
        self.connected = 0
        self.users: dict[str, int] = {}
        self.refused = 0
        self.connections_total = 0
        self.queries = 0
        self.slow_queries = 0
        self.rows_read = 0.0
        self.factors: dict[str, float] = {}
        self.lock_waits = 0
        self._running: dict[int, tuple[str, float]] = {}
        self._statements = 0
        self._locks: dict[str, tuple[float, float]] = {}

    def connect(self, user: str) -> bool:
        """Accept a connection unless the limit is reached."""
        if self.connected >= self.max_connections:
            self.refused += 1
            return False
        self.connected += 1
        self.connections_total += 1
        self.users[user] = self.users.get(user, 0) + 1
        return True

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
        self.queries += 1
        self.rows_read += spec.ms * factor * 40.0
        if seconds > SLOW_SECONDS:
            self.slow_queries += 1
        return seconds
