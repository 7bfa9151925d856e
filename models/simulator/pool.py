"""A client's pool of database connections: bounded, with retirement, growth and waiting.

The pool of a JVM keeps its callers waiting while it cannot open a connection; a Go client reports
a refused connection at once. Connections are held as the time at which they retire.
"""

import random
from collections import deque
from collections.abc import Generator
from typing import Any

from simpy.events import Event, Timeout

from models.simulator.database import Database
from models.simulator.kernel import Deadlines, Task
from models.simulator.outcome import POOL_TIMED_OUT, TOO_MANY_CONNECTIONS
from models.simulator.topology import PoolSpec

CONNECT_SECONDS = 0.012
RECONNECT_SECONDS = 0.8


class Pool:
    """The connections of one process to one database, in the name of one user."""

    def __init__(
        self,
        database: Database,
        user: str,
        spec: PoolSpec,
        *,
        deadlines: Deadlines,
        rng: random.Random,
    ) -> None:
        self.database = database
        self.spec = spec
        self.size = spec.size
        self.idle: list[float] = []
        self.total = 0
        self.leaked = 0
        self.timeouts = 0
        self.refusals = 0
        self.waits = 0
        self.wait_seconds = 0.0
        self.uses = 0
        self.use_seconds = 0.0
        self.closed = False
        self._user = user
        self._waiting: deque[Event] = deque()
        self._deadlines = deadlines
        self._rng = rng
        self._growing = False

    @property
    def active(self) -> int:
        """Connections in use."""
        return self.total - len(self.idle)

    @property
    def pending(self) -> int:
        """Callers that wait for a connection."""
        return sum(1 for event in self._waiting if not event.triggered)

    def take(self) -> float | None:
        """Take an idle connection; None when there is none."""
        now = self.database.env.now
        while self.idle:
            retires_at = self.idle.pop()
            if retires_at > now:
                return retires_at
            self._drop()
        return None

    def wait(self) -> Generator[Event, Any, float]:
        """Wait for a connection; a negative result is an outcome with its sign turned."""
        if self.spec.fail_fast and self.total < self.size:
            return (yield from self._dial())
        event, since = Event(self.database.env), self.database.env.now
        self._waiting.append(event)
        self._deadlines.limit(event)
        self._grow()
        result = yield event
        self.waits += 1
        self.wait_seconds += self.database.env.now - since
        if result == 1:  # TIMED_OUT, which no retirement time can equal
            self.timeouts += 1
            return -float(POOL_TIMED_OUT)
        return float(result)

    def give_back(self, retires_at: float) -> None:
        """Hand a connection on: to the one who waits longest, to the idle ones, or close it."""
        if self.closed:
            return
        if retires_at <= self.database.env.now or self.total > self.size:
            self._drop()
            if self.pending:
                self._grow()
            return
        self._hand_out(retires_at)

    def expire(self, within: float) -> None:
        """Let the connections that are idle now retire within so many seconds."""
        latest = self.database.env.now + within
        self.idle = [min(retires_at, latest) for retires_at in self.idle]

    def discard(self) -> None:
        """Throw a broken connection away."""
        if not self.closed:
            self._drop()
            if self.pending:
                self._grow()

    def keep(self) -> None:
        """Keep house: give up one idle connection over the minimum, or refill up to it."""
        if len(self.idle) > self.spec.min_idle:
            self.idle.pop(0)
            self._drop()
        if self.total < self.spec.min_idle and not self.spec.fail_fast:
            self._grow()

    def close(self) -> None:
        """Close every connection, as the end of the process does."""
        self.database.disconnect(self._user, self.total)
        self.closed, self.total = True, 0
        self.idle.clear()

    def _dial(self) -> Generator[Event, Any, float]:
        self.total += 1
        yield Timeout(self.database.env, CONNECT_SECONDS)
        if self.closed:
            return -float(TOO_MANY_CONNECTIONS)
        if not self.database.connect(self._user):
            self.total -= 1
            self.refusals += 1
            return -float(self.database.refusal)
        return self._retirement()

    def _grow(self) -> None:
        if not self._growing and self.total < self.size:
            self._growing = True
            delay = CONNECT_SECONDS * (0.5 + self._rng.random())
            Task(self._open(), Timeout(self.database.env, delay))

    def _open(self) -> Generator[Event, Any, None]:
        while not self.closed and self.total < self.size:
            if self.database.connect(self._user):
                self.total += 1
                self._hand_out(self._retirement())
                if not self.pending and self.total >= self.spec.min_idle:
                    break
                pause = CONNECT_SECONDS
            else:
                self.refusals += 1
                pause = RECONNECT_SECONDS * (0.7 + 0.6 * self._rng.random())
            yield Timeout(self.database.env, pause)
        self._growing = False

    def _retirement(self) -> float:
        lifetime = self.spec.lifetime_seconds * (0.8 + 0.4 * self._rng.random())
        return self.database.env.now + lifetime

    def _hand_out(self, retires_at: float) -> None:
        while self._waiting:
            event = self._waiting.popleft()
            if not event.triggered:
                event.succeed(retires_at)
                return
        self.idle.append(retires_at)

    def _drop(self) -> None:
        self.total -= 1
        self.database.disconnect(self._user, 1)
