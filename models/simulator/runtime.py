"""What every running part of one simulation shares."""

import random
from dataclasses import dataclass, field

from simpy import Environment

from models.simulator.dns import Dns
from models.simulator.kernel import Deadlines
from models.simulator.spans import SpanRecorder


@dataclass(slots=True, kw_only=True)
class Runtime:
    """Clock, randomness, span recorder and the shared timers of one run."""

    env: Environment
    rng: random.Random
    recorder: SpanRecorder
    namespace: str
    dns: Dns
    _deadlines: dict[float, Deadlines] = field(default_factory=dict)

    def deadlines(self, seconds: float) -> Deadlines:
        """Return the timer of all waits with this limit."""
        timer = self._deadlines.get(seconds)
        if timer is None:
            timer = self._deadlines[seconds] = Deadlines(self.env, seconds)
        return timer

    def address_of(self, service: str) -> str:
        """Return the host name under which a service is called inside the cluster."""
        return f"{service}.{self.namespace}.svc.cluster.local"
