"""Whom faults of stores and wires can hit: components of a kind that work is really done on."""

from models.simulator import victims
from models.simulator.condition import is_write
from models.simulator.world import World


def databases_of(world: World, engine: str) -> list[str]:
    """Return used databases of an engine."""
    return [n for n in victims.databases(world) if world.databases[n].spec.engine == engine]


def written_databases(world: World) -> list[str]:
    """Return databases on which requests change rows."""
    return [n for n in victims.databases(world) if writes_of(world, n)]


def writes_of(world: World, database: str) -> list[str]:
    """Return the statements by which requests change rows."""
    return [s for s in victims.statements_of(world, database) if is_write(s)]


def clients_of(world: World, peer: str) -> list[str]:
    """Return the services that talk to a peer."""
    return sorted(n for n, service in world.services.items() if peer in service.peers)


def used_caches(world: World) -> list[str]:
    """Return caches that were asked something."""
    return [name for name, cache in world.caches.items() if cache.commands]


def used_externals(world: World) -> list[str]:
    """Return third parties that were asked something."""
    return [name for name, external in world.externals.items() if external.asked]


def used_brokers(world: World) -> list[str]:
    """Return brokers that messages were published to."""
    return [name for name, broker in world.brokers.items() if broker.produces]


def consumed_topics(world: World) -> list[str]:
    """Return topics from which some group consumes messages."""
    return [
        name
        for name, topic in world.topics.items()
        if any(group.committed >= victims.MIN_REQUESTS for group in topic.groups)
    ]


def callers_of(world: World, callee: str) -> list[str]:
    """Return the services that call a service."""
    return sorted(n for n, s in world.services.items() if callee in s.edges and n != callee)


def nodes_of_callers(world: World) -> list[str]:
    """Return machines with pods of services that call others."""
    calling = {n for n, s in world.services.items() if s.edges}
    entry = {e.service for e in world.topology.entries}
    found = {pod.node.name for n in sorted(calling | entry) for pod in world.services[n].pods}
    return sorted(found)


def services_with_outside_calls(world: World) -> list[str]:
    """Return services that call third parties while they answer requests."""
    used = set(used_externals(world))
    busy = victims.busy_services(world)
    return [name for name in busy if used & world.services[name].peers.keys()]


def pooled_clients(world: World) -> list[str]:
    """Return used services with a pool, other than where users come in."""
    entries = {entry.service for entry in world.topology.entries}
    return [n for n in victims.pooled_services(world) if n not in entries]
