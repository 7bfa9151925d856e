"""Draws the stores, brokers and third parties of a random environment, and who uses them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from models.simulator.random_graph import Draft
from models.simulator.topology import Runtime
from models.simulator.wordlist import NOUNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """How many components of each kind there are."""

    services: int
    databases: int
    caches: int
    brokers: int
    externals: int

    @classmethod
    def draw(cls, rng: random.Random, size: int) -> "Composition":
        """Divide a number of components among the kinds."""
        databases = max(2, round(size * rng.uniform(0.09, 0.15)))
        caches = max(1, round(size * rng.uniform(0.04, 0.08)))
        externals = max(1, round(size * rng.uniform(0.03, 0.07)))
        brokers = 1 + size // 80
        return cls(
            services=size - databases - caches - externals - brokers,
            databases=databases,
            caches=caches,
            brokers=brokers,
            externals=externals,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """The names of what services use."""

    databases: tuple[str, ...]
    caches: tuple[str, ...]
    brokers: tuple[str, ...]
    externals: tuple[str, ...]


def draw_peers(
    rng: random.Random, drafts: list[Draft], names: Iterator[str], parts: Composition
) -> Peers:
    """Draw stores and third parties, and who uses them."""
    inner = [draft for draft in drafts if draft.level > 0]
    peers = Peers(
        databases=tuple(next(names) for _ in range(parts.databases)),
        caches=tuple(next(names) for _ in range(parts.caches)),
        brokers=tuple(next(names) for _ in range(parts.brokers)),
        externals=tuple(f"api.{next(names)}.example" for _ in range(parts.externals)),
    )
    _share_stores(rng, inner, peers)
    order = rng.sample(inner, len(inner))
    for i, external in enumerate(peers.externals):
        order[i % len(order)].external = external
    for broker in peers.brokers:
        _share_topic(rng, inner, broker)
    leaf = [draft for draft in inner if not draft.consumes] or inner
    rng.choice(leaf).tls = True
    rng.choice([draft for draft in inner if draft.database]).runtime = "jvm"
    _each_runtime(rng, inner)
    return peers


def _each_runtime(rng: random.Random, inner: list[Draft]) -> None:
    """Let there be a service on each of the other runtimes too."""
    free = [draft for draft in inner if draft.runtime is None]
    runtimes: tuple[Runtime, ...] = ("go", "python")
    for runtime, draft in zip(runtimes, rng.sample(free, min(2, len(free))), strict=False):
        draft.runtime = runtime


def _share_stores(rng: random.Random, inner: list[Draft], peers: Peers) -> None:
    databases, caches = peers.databases, peers.caches
    for i, draft in enumerate(rng.sample(inner, len(inner))):
        if i < 2 * len(databases) or rng.random() < 0.4:
            draft.database = databases[i % len(databases)]
            draft.writes = i < len(databases) or rng.random() < 0.4
        # Those that surely write are asked about each row: a cache would hide a database.
        late = i >= len(databases)
        if (late and i < len(databases) + len(caches)) or rng.random() < 0.3:
            draft.cache = caches[i % len(caches)]


def _share_topic(rng: random.Random, inner: list[Draft], broker: str) -> None:
    free = [draft for draft in inner if not draft.topic and not draft.consumes]
    producer = rng.choice([draft for draft in free if draft.level == 1] or free)
    producer.topic = f"{broker}.{rng.choice(NOUNS)}"
    others = [draft for draft in rng.sample(free, len(free)) if draft is not producer]
    for draft in others[: rng.randrange(1, 3)]:
        draft.consumes = producer.topic
