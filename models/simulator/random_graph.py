"""Draws the services of a random environment on levels, and who calls whom."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from models.simulator.topology import Runtime

EXTRA_CALLER_CHANCE = 0.22
SERVICES_A_GATEWAY = 45
MOST_CALLEES = 5


@dataclass(slots=True, eq=False)
class Draft:
    """A service while its surroundings are drawn."""

    name: str
    level: int
    callees: "list[Draft]" = field(default_factory=list)
    database: str = ""
    cache: str = ""
    external: str = ""
    topic: str = ""
    consumes: str = ""
    writes: bool = False
    lasts_ms: float = 0.0
    tls: bool = False
    runtime: Runtime | None = None


def draw_graph(rng: random.Random, names: Iterator[str], count: int) -> list[Draft]:
    """Draw services on levels; each but the first ones is called from a level above its own."""
    gateways = 1 + count // SERVICES_A_GATEWAY
    levels = 4 if count < 2 * SERVICES_A_GATEWAY else 5
    drafts = [Draft(name=next(names), level=0) for _ in range(gateways)]
    for i in range(gateways, count):
        level = 1 if i < 3 * gateways else rng.randrange(1, levels)
        drafts.append(Draft(name=next(names), level=level))
    for draft in drafts[gateways:]:
        above = [d for d in drafts if d.level < draft.level]
        near = [d for d in above if d.level == draft.level - 1] or above
        _calling(rng, near).callees.append(draft)
        for other in above:
            # Few call many: a request should not have to wait for half of a large system.
            if len(other.callees) >= MOST_CALLEES or other.level == 0:
                continue
            if draft not in other.callees and rng.random() < EXTRA_CALLER_CHANCE:
                other.callees.append(draft)
                break
    for draft in drafts[:gateways]:
        if not draft.callees:
            draft.callees.append(rng.choice([d for d in drafts if d.level == 1]))
    return drafts


def _calling(rng: random.Random, near: list[Draft]) -> Draft:
    """Choose a caller: of two drawn the one that calls fewer."""
    one, other = rng.choice(near), rng.choice(near)
    return one if len(one.callees) <= len(other.callees) else other


def own_ms(draft: Draft) -> float:
    """Return about how long a request takes in a service itself and its stores."""
    return 12.0 + (18.0 if draft.database else 0.0) + (110.0 if draft.external else 0.0)


def relieve(drafts: list[Draft], *, most_ms: float) -> None:
    """Let gateways call what makes a service's requests too long.

    A large system would otherwise be slow with nothing wrong: its calls are one after the other.
    """
    gateways = [draft for draft in drafts if draft.level == 0]
    lasts: dict[str, float] = {}
    for draft in sorted(drafts, key=lambda d: -d.level):
        total, kept = own_ms(draft), []
        for callee in draft.callees:
            if draft.level > 0 and total + lasts[callee.name] > most_ms:
                gateway = gateways[len(lasts) % len(gateways)]
                if callee not in gateway.callees:
                    gateway.callees.append(callee)
                continue
            total += lasts[callee.name]
            kept.append(callee)
        draft.callees, draft.lasts_ms = kept, total
        lasts[draft.name] = total
