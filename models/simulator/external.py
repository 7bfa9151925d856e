"""A third party: nothing is known of it but how it answers."""

import random

from models.simulator.draw import lognormal
from models.simulator.network import Link
from models.simulator.outcome import OK, SERVER_ERROR, UNAVAILABLE
from models.simulator.topology import ExternalSpec


class External:
    """One endpoint of somebody else. `slowness` stretches, `failing` is a share of errors."""

    def __init__(self, spec: ExternalSpec) -> None:
        self.spec = spec
        self.link = Link()
        self.slowness = 1.0
        self.failing = 0.0
        self.certificate_expired = False

    def answer(self, rng: random.Random) -> tuple[float, int]:
        """Draw how long one request takes and how it is answered."""
        seconds = lognormal(rng, self.spec.ms / 1000.0, 0.4) * self.slowness
        draw = rng.random()
        if draw < self.failing:
            return seconds, UNAVAILABLE
        return seconds, SERVER_ERROR if draw > 1.0 - self.spec.error_ratio else OK
