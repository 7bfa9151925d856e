"""Users: requests at a rate that drifts, in the topology's mix."""

import math
from bisect import bisect_left
from collections.abc import Generator
from typing import Any

from simpy.events import Event, Timeout

from models.simulator.kernel import Task
from models.simulator.runtime import Runtime
from models.simulator.serving import Endpoint, serve

DRIFT_SHARE = 0.08
DRIFT_SECONDS = 240.0
EDGE_SECONDS = 0.003
PATIENCE_SECONDS = 5.0
RELOAD_CHANCE = 0.5
MAX_RELOADS = 2


class Traffic:
    """Requests from outside. `surge` multiplies the rate."""

    def __init__(
        self, runtime: Runtime, entries: list[tuple[float, Endpoint]], rate: float
    ) -> None:
        self._runtime = runtime
        self._endpoints = [endpoint for _, endpoint in entries]
        total, running = sum(weight for weight, _ in entries), 0.0
        self._cumulative: list[float] = []
        for weight, _ in entries:
            running += weight / total
            self._cumulative.append(running)
        self.rate = rate
        self._phase = runtime.rng.random() * math.tau
        self.surge = 1.0
        self.sent = 0
        self.unreachable = 0

    def start(self) -> None:
        """Let users in."""
        Task(self._arrive(), Timeout(self._runtime.env, 0.1))

    def entries_at(self, service: str) -> list[int]:
        """Return the numbers of the entries into a service."""
        return [i for i, e in enumerate(self._endpoints) if e.service.name == service]

    def send(self, index: int) -> None:
        """Send one request that nobody repeats."""
        self._send(index, MAX_RELOADS)

    def _arrive(self) -> Generator[Event, Any, None]:
        env, rng = self._runtime.env, self._runtime.rng
        while True:
            drift = 1.0 + DRIFT_SHARE * math.sin(self._phase + math.tau * env.now / DRIFT_SECONDS)
            yield Timeout(env, rng.expovariate(self.rate * self.surge * drift))
            self._send(bisect_left(self._cumulative, rng.random() * self._cumulative[-1]), 0)

    def _send(self, index: int, reloads: int) -> None:
        env = self._runtime.env
        endpoint = self._endpoints[index]
        pod = endpoint.service.pick()
        self.sent += 1
        if pod is None or pod.process is None or endpoint.service.certificate_expired:
            self.unreachable += 1
            return
        trace = self._runtime.recorder.new_trace()
        reply, began = Event(env), env.now
        if reloads < MAX_RELOADS:
            reply.callbacks.append(lambda event: self._judge(event, index, reloads, began))
        Task(serve(pod.process, endpoint, reply, (trace, 0)), Timeout(env, EDGE_SECONDS))

    def _judge(self, event: Event, index: int, reloads: int, began: float) -> None:
        """Let a user who got an error or waited too long try again, perhaps."""
        env, rng = self._runtime.env, self._runtime.rng
        if int(event.value or 0) < 500 and env.now - began < PATIENCE_SECONDS:
            return
        if rng.random() < RELOAD_CHANCE:
            pause = Timeout(env, rng.uniform(1.0, 4.0))
            pause.callbacks.append(lambda _: self._send(index, reloads + 1))
