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


def written_caches(world: World) -> list[str]:
    """Return caches that are asked often enough to fade when nothing is written."""
    return used_caches(world)


def used_externals(world: World) -> list[str]:
    """Return third parties that were asked something."""
    return [name for name, external in world.externals.items() if external.asked]


def used_brokers(world: World) -> list[str]:
    """Return brokers that messages were published to."""
    return [name for name, broker in world.brokers.items() if broker.produces]


def consumed_brokers(world: World) -> list[str]:
    """Return brokers from which some group consumes messages."""
    return [
        name
        for name, broker in world.brokers.items()
        if any(group.committed for topic in broker.topics.values() for group in topic.groups)
    ]


def consumed_topics(world: World) -> list[str]:
    """Return topics from which some group consumes messages."""
    return [
        name
        for name, topic in world.topics.items()
        if any(group.committed >= victims.MIN_REQUESTS for group in topic.groups)
    ]


def called_by_some_runtime(world: World) -> list[str]:
    """Return TLS services with their callers' runtimes known."""
    return [n for n in victims.hosts_with_tls(world) if callers_of(world, n)]


def callers_of(world: World, callee: str) -> list[str]:
    """Return the services that call a service."""
    return sorted(n for n, s in world.services.items() if callee in s.edges and n != callee)


def seconds_per_exchange(world: World, service: str) -> float:
    """Return the mean time between two exchanges on a service's link so far."""
    sent = world.services[service].link.sent
    return world.env.now / max(1, sent)


def nodes_of_callers(world: World) -> list[str]:
    """Return machines with pods of services that call others."""
    calling = {n for n, s in world.services.items() if s.edges}
    entry = {e.service for e in world.topology.entries}
    found = {pod.node.name for n in sorted(calling | entry) for pod in world.services[n].pods}
    return sorted(found)


def nodes_with_outside_calls(world: World) -> list[str]:
    """Return machines with pods of services that call third parties."""
    used = set(used_externals(world))
    return sorted(
        {
            pod.node.name
            for service in world.services.values()
            if used & service.peers.keys()
            for pod in service.pods
        }
    )


def pooled_clients(world: World) -> list[str]:
    """Return used services with a pool, other than where users come in."""
    entries = {entry.service for entry in world.topology.entries}
    return [n for n in victims.pooled_services(world) if n not in entries]
