"""A third party: nothing is known of it but how it answers."""

import random

from models.simulator.draw import lognormal
from models.simulator.network import Link
from models.simulator.outcome import (
    GONE,
    NOT_IMPLEMENTED,
    OK,
    SERVER_ERROR,
    TOO_MANY_REQUESTS,
    UNAVAILABLE,
    UNREADABLE,
)
from models.simulator.topology import ExternalSpec

TURNED_AWAY_SECONDS = 0.02


class External:
    """One endpoint of somebody else. `slowness` stretches, `failing` is a share of errors.

    `allowed` requests a second are answered when it is set, `garbled` is the share of answers
    that nobody can read, `retired` makes it say that the operation is gone.
    """

    def __init__(self, spec: ExternalSpec) -> None:
        self.spec = spec
        self.link = Link()
        self.slowness = 1.0
        self.failing = 0.0
        self.certificate_expired = False
        self.reachable = True
        self.allowed = 0.0
        self.garbled = 0.0
        self.retired = 0.0
        self.asked = 0
        self._tokens = 0.0
        self._refilled_at = 0.0

    def answer(self, rng: random.Random, now: float) -> tuple[float, int]:
        """Draw how long one request takes and how it is answered."""
        self.asked += 1
        seconds = lognormal(rng, self.spec.ms / 1000.0, 0.4) * self.slowness
        draw = rng.random()
        if draw < self.failing:
            return seconds, UNAVAILABLE
        if draw > 1.0 - self.spec.error_ratio:
            return seconds, SERVER_ERROR
        if self.allowed and not self._allows(now):
            return TURNED_AWAY_SECONDS, TOO_MANY_REQUESTS
        if self.retired and rng.random() < self.retired:
            return TURNED_AWAY_SECONDS, GONE if rng.random() < 0.5 else NOT_IMPLEMENTED
        if self.garbled and rng.random() < self.garbled:
            return seconds, UNREADABLE
        return seconds, OK

    def _allows(self, now: float) -> bool:
        """Take a token of the bucket that refills at the allowed rate."""
        refilled = self.allowed * (now - self._refilled_at)
        self._tokens = min(max(1.0, self.allowed), self._tokens + refilled)
        self._refilled_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
