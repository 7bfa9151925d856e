"""Troubles that come from what a program runs on: collectors, interpreters, workers, logs."""

import random
from dataclasses import dataclass

from simpy.events import Timeout

from models.simulator.draw import lognormal
from models.simulator.kernel import Steps
from models.simulator.outcome import OK
from models.simulator.trouble import KILLED
from models.simulator.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """Each request has to compute more, allocate more and write more than it should.

    With a `resource`, only once so much of it is used up, and each request uses some of it.
    """

    rng: random.Random
    seconds: float
    allocated_mb: float = 0.0
    logged_mb: float = 0.0
    body_mb: float = 0.0
    resource: str = ""
    amount: float = 0.0
    limit: float = 0.0

    def enter(self, work: Work, endpoint: str) -> Steps:
        """Bear it."""
        del endpoint
        process = work.process
        if self.resource:
            used = process.used.get(self.resource, 0.0)
            process.used[self.resource] = min(self.limit, used + self.amount)
            if used < self.limit:
                return OK
        process.logged_mb += self.logged_mb
        if self.body_mb:
            process.used["body"] = process.used.get("body", 0.0) + self.body_mb
        if self.allocated_mb:
            process.allocate(self.allocated_mb)
        stretch = process.cpu.enter(process.env.now)
        yield Timeout(process.env, lognormal(self.rng, self.seconds, 0.4) * stretch)
        if not process.stopped:
            process.cpu.leave(process.env.now)
        return OK


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitForInterpreter:
    """A busy thread of the same interpreter makes every other thread wait for its turn."""

    rng: random.Random
    seconds: float

    def enter(self, work: Work, endpoint: str) -> Steps:
        """Wait, the longer the more threads want a turn."""
        del endpoint
        process = work.process
        yield Timeout(process.env, lognormal(self.rng, self.seconds, 0.4) * (1 + process.busy) / 2)
        return OK


@dataclass(frozen=True, slots=True, kw_only=True)
class OutliveWorker:
    """A share of the requests takes longer than its worker may, and is ended with it."""

    rng: random.Random
    share: float
    seconds: float

    def enter(self, work: Work, endpoint: str) -> Steps:
        """Work until the master ends the worker."""
        del endpoint
        if self.rng.random() >= self.share:
            return OK
        process = work.process
        yield Timeout(process.env, self.seconds)
        process.worker_kills += 1
        return KILLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Linger:
    """Each request leaves something behind that lives on: goroutines with what they hold."""

    resource: str
    amount: float
    mb: float

    def enter(self, work: Work, endpoint: str) -> Steps:
        """Leave it behind."""
        del endpoint
        process = work.process
        process.used[self.resource] = process.used.get(self.resource, 0.0) + self.amount
        process.grown_mb += self.mb
        return OK
        yield  # a generator, as steps are
