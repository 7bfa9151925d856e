"""The cluster's name resolution: a resolver with a limited rate, and caches in each program.

Programs look a name up when they connect anew and remember it for a while; failures are not
remembered. Names of the inside are answered by the resolver itself, others by one beyond it.
"""

import random

from simpy import Environment

from models.simulator.outcome import NOT_RESOLVED, OK, REFUSED
from models.simulator.process import Process

TTL_SECONDS = {"jvm": 30.0, "go": 10.0, "python": 5.0}
ANSWER_SECONDS = 0.0006
GIVE_UP_SECONDS = 5.0
NOTICED_SECONDS = 0.05
"""Slower lookups are worth a span of their own."""
CAPACITY = 2_000.0
"""Queries a second that the resolver can answer."""


class Dns:
    """The resolver. The attributes that go wrong are plain."""

    def __init__(self, env: Environment, rng: random.Random, name: str = "coredns") -> None:
        self.name = name
        self.up = True
        self.delay_seconds = 0.0
        self.failing = 0.0
        self.wrong = 0.0
        self.forward_up = True
        self.absent: set[str] = set()
        self.stale: dict[str, float] = {}
        self.searching: dict[str, int] = {}
        self.capacity = CAPACITY
        self.queries = 0
        self.answers = {"NOERROR": 0, "NXDOMAIN": 0, "SERVFAIL": 0}
        self.forward_failures = 0
        self.seconds = 0.0
        self._env = env
        self._rng = rng
        self._free_at = 0.0

    def lookup(self, process: Process, host: str, *, outside: bool = False) -> tuple[float, int]:
        """Resolve a name for a program; return the time that it takes and how it ends.

        The time is 0 for a name that the program remembers.
        """
        now = self._env.now
        known = process.names.get(host)
        if known is not None and known[0] > now:
            return 0.0, known[1]
        runtime = process.service.spec.runtime
        search = self.searching.get(process.service.name, 0)
        seconds, outcome = self._ask(host, 1 + search, outside=outside)
        if outcome != NOT_RESOLVED and not search:
            process.names[host] = (now + TTL_SECONDS.get(runtime, 10.0), outcome)
        return seconds, outcome

    def _ask(self, host: str, queries: int, *, outside: bool) -> tuple[float, int]:
        self.queries += queries
        if not self.up:
            return GIVE_UP_SECONDS, NOT_RESOLVED
        seconds = ANSWER_SECONDS + self._queue(queries)
        if self.delay_seconds:
            seconds += self.delay_seconds * (0.5 + self._rng.random())
        self.seconds += seconds
        outcome = self._verdict(host, outside=outside)
        if outside and not self.forward_up:
            seconds = GIVE_UP_SECONDS
            self.seconds += 2.0
        return seconds, outcome

    def _queue(self, queries: int) -> float:
        """Let queries over the resolver's rate wait."""
        if not self.searching:
            return 0.0
        now = self._env.now
        start = max(now, self._free_at)
        self._free_at = min(now + GIVE_UP_SECONDS, start + queries / self.capacity)
        return self._free_at - now

    def _verdict(self, host: str, *, outside: bool) -> int:
        if outside and not self.forward_up:
            self.forward_failures += 1
            return self._count("SERVFAIL", NOT_RESOLVED)
        if host in self.absent:
            return self._count("NXDOMAIN", NOT_RESOLVED)
        if self.failing and self._rng.random() < self.failing:
            return self._count("SERVFAIL", NOT_RESOLVED)
        share = max(self.wrong, self.stale.get(host, 0.0))
        if share and self._rng.random() < share:
            return self._count("NOERROR", REFUSED)
        return self._count("NOERROR", OK)

    def _count(self, code: str, outcome: int) -> int:
        self.answers[code] += 1
        return outcome
