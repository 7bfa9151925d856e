"""What can go wrong with requests: inside a service's code, and between it and its callers.

Faults hang these onto services and edges; where none hangs, nothing is drawn and nothing is waited
for, so that a fault never changes the course of a run before its onset.
"""

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from models.simulator.outcome import OK

if TYPE_CHECKING:
    from models.simulator.kernel import Steps
    from models.simulator.work import Work

NEVER = -1
"""The outcome of work that never ends: its thread is not given back and nobody is answered."""

KILLED = -2
"""The outcome of work that is ended with its worker: the caller finds its connection reset."""


class Trouble(Protocol):
    """Happens to each request that has got a thread, before its endpoint's steps."""

    def enter(self, work: "Work", endpoint: str) -> "Steps":
        """Do it; the steps only run when this ends with OK."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Stands before a service: a sidecar, a proxy, a check of credentials.

    Of the requests it stops `share` with `stopped` and delays the others; of the answers that
    come back it replaces `share` by `replaced`. `counted`: the callee itself stops them, and its
    own metrics show it.
    """

    share: float = 1.0
    stopped: int = OK
    replaced: int = OK
    delay_seconds: float = 0.0
    counted: bool = False

    def stop(self, rng: random.Random) -> int:
        """Draw how a request is stopped; OK lets it pass."""
        return self.stopped if self.stopped != OK and rng.random() < self.share else OK

    def answer(self, rng: random.Random, outcome: int) -> int:
        """Draw what the caller sees of an answer."""
        if outcome != OK or self.replaced == OK:
            return outcome
        return self.replaced if rng.random() < self.share else outcome
