"""Troubles of a service's own code: what each request runs into before its work proper.

They need the world's randomness only while a fault is on; each keeps what it has broken inside
the process, so that a restart heals it for a while as it would in life.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from simpy.events import Timeout

from models.simulator.kernel import Steps
from models.simulator.outcome import OK, SERVER_ERROR
from models.simulator.process import Process
from models.simulator.trouble import NEVER
from models.simulator.work import Work

THROW_SECONDS = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Throw:
    """A share of the requests to one endpoint ends with an exception."""

    rng: random.Random
    share: float
    endpoint: str
    outcome: int = SERVER_ERROR

    def enter(self, work: Work, endpoint: str) -> Steps:
        """Throw, perhaps."""
        if endpoint != self.endpoint or self.rng.random() >= self.share:
            return OK
        yield Timeout(work.process.env, THROW_SECONDS)
        work.process.logged_errors += 1
        return self.outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopForever:
    """A share of the requests never leaves a loop: its thread burns a processor for good."""

    rng: random.Random
    share: float

    def enter(self, work: Work, endpoint: str) -> Steps:
        """Loop, perhaps."""
        del endpoint
        if self.rng.random() >= self.share:
            return OK
        work.process.cpu.enter(work.process.env.now)
        return NEVER
        yield  # a generator, as steps are


@dataclass(frozen=True, slots=True, kw_only=True)
class OneAtATime:
    """Each request holds the same lock of its process for a while."""

    seconds: float

    def enter(self, work: Work, endpoint: str) -> Steps:
        """Wait for the lock, hold it, give it back."""
        del endpoint
        process, now = work.process, work.process.env.now
        wait = max(0.0, process.lock_free_at - now)
        process.lock_free_at = now + wait + self.seconds
        process.blocked += 1
        yield Timeout(process.env, wait)
        process.blocked -= 1
        process.blocked_seconds += wait
        yield Timeout(process.env, self.seconds)
        return OK


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitForGood:
    """A share of the requests waits for what never comes, once `room` of them have gone by."""

    rng: random.Random
    share: float
    room: int = 0
    deadlocked: bool = False

    def enter(self, work: Work, endpoint: str) -> Steps:
        """Pass while there is room, then wait."""
        del endpoint
        if self.rng.random() >= self.share:
            return OK
        process = work.process
        passed = process.used.get("passed", 0.0)
        if passed < self.room:
            process.used["passed"] = passed + 1.0
            return OK
        process.blocked += 1
        process.deadlocked = process.deadlocked or self.deadlocked
        return NEVER
        yield  # a generator, as steps are


@dataclass(frozen=True, slots=True, kw_only=True)
class UseUp:
    """Each request keeps some of a bounded resource of its process; when it is gone they fail."""

    resource: str
    amount: float
    limit: float
    mb: float = 0.0

    def enter(self, work: Work, endpoint: str) -> Steps:
        """Take, or fail."""
        del endpoint
        process = work.process
        used = process.used.get(self.resource, 0.0)
        process.grown_mb += self.mb
        if used + self.amount > self.limit:
            yield Timeout(process.env, THROW_SECONDS)
            process.logged_errors += 1
            return SERVER_ERROR
        process.used[self.resource] = used + self.amount
        return OK


@dataclass(frozen=True, slots=True, kw_only=True)
class EndProgram:
    """A request of some sort ends the whole program; others are in it too."""

    rng: random.Random
    share: float
    end: Callable[[Process], None]

    def enter(self, work: Work, endpoint: str) -> Steps:
        """End it, perhaps."""
        del endpoint
        if self.rng.random() < self.share:
            self.end(work.process)
        return OK
        yield  # a generator, as steps are


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A token bucket in front of the endpoints turns away what is over its rate."""

    rate: float
    burst: float
    outcome: int
    _level: dict[Process, tuple[float, float]] = field(default_factory=dict)

    def enter(self, work: Work, endpoint: str) -> Steps:
        """Take a token or be turned away."""
        del endpoint
        process, now = work.process, work.process.env.now
        tokens, since = self._level.get(process, (self.burst, now))
        tokens = min(self.burst, tokens + (now - since) * self.rate)
        if tokens >= 1.0:
            self._level[process] = (tokens - 1.0, now)
            return OK
        self._level[process] = (tokens, now)
        yield Timeout(process.env, THROW_SECONDS)
        return self.outcome
