"""What a kind of fault is: whom it can hit and how it is brought about."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from models.simulator.changes import ChangeLog
from models.simulator.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """What an injector needs: the world, the victim's name, randomness, the change log."""

    world: World
    target: str
    rng: random.Random
    changes: ChangeLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """What was brought about: details of the truth, and how to end it."""

    undo: Callable[[], None]
    details: dict[str, str] = field(default_factory=dict)
    flavour: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpec:
    """One kind of fault.

    `patterns` gives the pattern of a flavour (the engine of a database, a way of failing);
    `pattern` holds for all others. `eligible` lists whom it can hit in a world.
    """

    name: str
    pattern: str
    description: str
    kinds: tuple[str, ...]
    eligible: Callable[[World], list[str]]
    inject: Callable[[Injection], Injected]
    patterns: Mapping[str, str] = field(default_factory=dict)

    def pattern_of(self, flavour: str) -> str:
        """Return the pattern of what was brought about."""
        return self.patterns.get(flavour, self.pattern)
