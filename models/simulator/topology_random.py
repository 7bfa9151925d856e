"""Draws a random environment: a layered graph of services on stores, queues and third parties.

Every kind of component occurs at least once, so that every kind of fault finds a victim.
"""

import random
from collections.abc import Iterator

from models.simulator.random_services import Draft, service_of, statements_of
from models.simulator.topology import (
    BrokerSpec,
    CacheServerSpec,
    DatabaseSpec,
    EntrySpec,
    ExternalSpec,
    JobSpec,
    NodeSpec,
    ServiceSpec,
    StatementSpec,
    Topology,
)
from models.simulator.wordlist import NOUNS, WORDS

MIN_SERVICES, MAX_SERVICES = 5, 13
LEVELS = 4
EXTRA_CALLER_CHANCE = 0.22
SCAN = "SELECT ledger"


def random_topology(rng: random.Random) -> Topology:
    """Draw one environment; size, shape and names come from `rng`."""
    names = iter(rng.sample(WORDS, len(WORDS)))
    nodes = _nodes(rng, names)
    drafts = _graph(rng, names)
    peers = _peers(rng, drafts, names)
    services = tuple(service_of(draft, rng) for draft in drafts)
    databases = tuple(_database(rng, name, services, nodes) for name in peers["database"])
    entry = drafts[0]
    weights = {endpoint: rng.uniform(1.0, 4.0) for endpoint in services[0].endpoints}
    return Topology(
        name="random",
        namespace=next(names),
        entries=tuple(
            EntrySpec(weight=weight, service=entry.name, endpoint=endpoint)
            for endpoint, weight in weights.items()
        ),
        services=services,
        databases=databases,
        caches=tuple(
            CacheServerSpec(name=name, node=rng.choice(nodes).name) for name in peers["cache"]
        ),
        brokers=tuple(
            BrokerSpec(name=name, node=rng.choice(nodes).name, topics=_topics(drafts, name))
            for name in peers["broker"]
        ),
        externals=tuple(
            ExternalSpec(host=name, ms=rng.uniform(60.0, 250.0)) for name in peers["external"]
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
    )


def _nodes(rng: random.Random, names: Iterator[str]) -> tuple[NodeSpec, ...]:
    return tuple(
        NodeSpec(name=next(names), address=f"10.0.2.{11 + i}", cores=rng.choice((4, 4, 8)))
        for i in range(rng.randrange(3, 6))
    )


def _graph(rng: random.Random, names: Iterator[str]) -> list[Draft]:
    """Draw services on levels; each but the first is called from a level above its own."""
    count = rng.randrange(MIN_SERVICES, MAX_SERVICES + 1)
    drafts = [Draft(name=next(names), level=0)]
    for i in range(1, count):
        level = 1 if i < 3 else rng.randrange(1, LEVELS)
        drafts.append(Draft(name=next(names), level=level))
    for draft in drafts[1:]:
        above = [d for d in drafts if d.level < draft.level]
        near = [d for d in above if d.level == draft.level - 1] or above
        rng.choice(near).callees.append(draft)
        for other in above:
            if draft not in other.callees and rng.random() < EXTRA_CALLER_CHANCE:
                other.callees.append(draft)
                break
    return drafts


def _peers(rng: random.Random, drafts: list[Draft], names: Iterator[str]) -> dict[str, list[str]]:
    """Draw stores and third parties, and who uses them."""
    inner = drafts[1:]
    databases = [next(names) for _ in range(rng.randrange(1, 4))]
    caches = [next(names) for _ in range(rng.randrange(1, 3))]
    externals = [f"api.{next(names)}.example" for _ in range(rng.randrange(1, 3))]
    broker = next(names)
    for i, draft in enumerate(rng.sample(inner, len(inner))):
        if i < 2 * len(databases) or rng.random() < 0.4:
            draft.database = databases[i % len(databases)]
        if i < len(caches) or rng.random() < 0.3:
            draft.cache = caches[i % len(caches)]
    for i, external in enumerate(externals):
        rng.sample(inner, len(inner))[i % len(inner)].external = external
    producer = rng.choice([draft for draft in inner if draft.level == 1])
    others = [draft for draft in rng.sample(inner, len(inner)) if draft is not producer]
    producer.topic = f"{broker}.{rng.choice(NOUNS)}"
    for draft in others[: rng.randrange(1, 3)]:
        draft.consumes = producer.topic
    leaf = [draft for draft in inner if not draft.consumes] or inner
    rng.choice(leaf).tls = True
    rng.choice([draft for draft in inner if draft.database]).runtime = "jvm"
    return {
        "database": databases,
        "cache": caches,
        "external": externals,
        "broker": [broker],
    }


def _topics(drafts: list[Draft], broker: str) -> tuple[str, ...]:
    return tuple(sorted({d.topic for d in drafts if d.topic.startswith(f"{broker}.")}))


def _database(
    rng: random.Random, name: str, services: tuple[ServiceSpec, ...], nodes: tuple[NodeSpec, ...]
) -> DatabaseSpec:
    """Draw a server with the statements that its clients use."""
    clients = [service for service in services if name in service.pools]
    mark = rng.choice(("mysql", "postgres"))
    value = "?" if mark == "mysql" else "$1"
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
        engine="mysql" if mark == "mysql" else "postgres",
        schema=rng.choice(NOUNS),
        node=rng.choice(nodes).name,
        statements=statements,
        max_connections=max(30, int(1.1 * pooled) + 10),
        cores=4,
    )
