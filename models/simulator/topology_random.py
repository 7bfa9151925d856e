"""Draws a random environment: a layered graph of services on stores, queues and third parties.

Every kind of component occurs at least once, so that every kind of fault finds a victim. The size
counts services, databases, caches, brokers and third parties; the load falls as the size grows.
"""

import random
from collections.abc import Iterator

from models.simulator.random_graph import Draft, draw_graph, relieve
from models.simulator.random_peers import Composition, draw_peers
from models.simulator.random_services import service_of, statements_of
from models.simulator.topology import (
    BrokerSpec,
    CacheServerSpec,
    DatabaseSpec,
    Engine,
    EntrySpec,
    ExternalSpec,
    JobSpec,
    NodeSpec,
    ServiceSpec,
    StatementSpec,
    Topology,
)
from models.simulator.wordlist import NOUNS, WORDS

MIN_SIZE, MAX_SIZE = 10, 200
DRAWN_SIZES = (10, 24)
"""The sizes that are drawn when none is given."""
USUAL_SIZE = 24
"""Up to here the load is what it is asked to be."""
SCAN = "SELECT ledger"


def random_topology(rng: random.Random, size: int | None = None) -> Topology:
    """Draw one environment; shape and names come from `rng`, and the size where none is given."""
    if size is None:
        size = rng.randrange(DRAWN_SIZES[0], DRAWN_SIZES[1] + 1)
    if not MIN_SIZE <= size <= MAX_SIZE:
        msg = f"a random topology has {MIN_SIZE} to {MAX_SIZE} components, not {size}"
        raise ValueError(msg)
    names = _names(rng)
    parts = Composition.draw(rng, size)
    slowest_ms = 200.0 if size <= USUAL_SIZE else 140.0
    nodes = _nodes(rng, names, size)
    drafts = draw_graph(rng, names, parts.services)
    peers = draw_peers(rng, drafts, names, parts)
    relieve(drafts, most_ms=300.0 if size <= USUAL_SIZE else 200.0)
    services = tuple(service_of(draft, rng) for draft in drafts)
    hosts = nodes[: max(3, len(nodes) // 3)]
    databases = tuple(
        _database(rng, name, engine, (services, hosts))
        for name, engine in zip(peers.databases, _engines(rng), strict=False)
    )
    return Topology(
        name="random",
        namespace=next(names),
        entries=_entries(rng, drafts, services),
        services=services,
        databases=databases,
        caches=tuple(
            CacheServerSpec(name=name, node=rng.choice(hosts).name) for name in peers.caches
        ),
        brokers=tuple(
            BrokerSpec(name=name, node=rng.choice(hosts).name, topics=_topics(drafts, name))
            for name in peers.brokers
        ),
        externals=tuple(
            ExternalSpec(host=name, ms=rng.uniform(60.0, slowest_ms)) for name in peers.externals
        ),
        jobs=tuple(
            JobSpec(
                name=next(names),
                database=database.name,
                node=rng.choice(nodes).name,
                statement=SCAN,
                parallel=rng.randrange(1, 3),
                pause_seconds=rng.uniform(6.0, 15.0),
            )
            for database in databases
        ),
        nodes=nodes,
        load=min(1.0, (USUAL_SIZE / size) ** 0.5),
    )


def _names(rng: random.Random) -> Iterator[str]:
    """Yield names that differ: words, and pairs of words when there are no more."""
    words = rng.sample(WORDS, len(WORDS))
    yield from words
    for step in range(1, len(words)):
        for i, word in enumerate(words):
            yield f"{word}-{words[(i + step) % len(words)]}"


def _nodes(rng: random.Random, names: Iterator[str], size: int) -> tuple[NodeSpec, ...]:
    count = rng.randrange(3, 6) + max(0, size - USUAL_SIZE) // 12
    return tuple(
        NodeSpec(name=next(names), address=f"10.0.2.{11 + i}", cores=rng.choice((4, 4, 8)))
        for i in range(count)
    )


def _entries(
    rng: random.Random, drafts: list[Draft], services: tuple[ServiceSpec, ...]
) -> tuple[EntrySpec, ...]:
    return tuple(
        EntrySpec(weight=rng.uniform(1.0, 4.0), service=draft.name, endpoint=endpoint)
        for draft, service in zip(drafts, services, strict=True)
        if draft.level == 0
        for endpoint in service.endpoints
    )


def _topics(drafts: list[Draft], broker: str) -> tuple[str, ...]:
    return tuple(sorted({d.topic for d in drafts if d.topic.startswith(f"{broker}.")}))


def _engines(rng: random.Random) -> Iterator[Engine]:
    """Yield one of each first, so that each engine's faults find a victim."""
    yield "mysql"
    yield "postgres"
    while True:
        yield rng.choice(("mysql", "postgres"))


def _database(
    rng: random.Random,
    name: str,
    engine: Engine,
    around: tuple[tuple[ServiceSpec, ...], tuple[NodeSpec, ...]],
) -> DatabaseSpec:
    """Draw a server with the statements that its clients use."""
    services, hosts = around
    clients = [service for service in services if name in service.pools]
    value = "?" if engine == "mysql" else "$1"
    statements = {
        statement: StatementSpec(
            text=f"{statement.replace(' ', ' * FROM ')} WHERE id = {value}",
            ms=rng.uniform(2.0, 11.0),
        )
        for client in clients
        for statement in statements_of(client.name)
    }
    scan = "SELECT kind, SUM(amount) FROM ledger GROUP BY kind"
    statements[SCAN] = StatementSpec(text=scan, ms=rng.uniform(1500.0, 3500.0))
    pooled = sum(client.replicas * client.pools[name].size for client in clients)
    return DatabaseSpec(
        name=name,
        engine=engine,
        schema=rng.choice(NOUNS),
        node=rng.choice(hosts).name,
        statements=statements,
        max_connections=max(30, int(1.1 * pooled) + 10),
        cores=4,
    )
