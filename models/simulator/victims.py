"""Whom faults can hit: components of a kind that work is really done on."""

from models.simulator.service import Service
from models.simulator.topology import CallSpec, StatementsSpec, StepSpec
from models.simulator.world import World

MIN_REQUESTS = 40
"""A service counts as used when it has answered so many requests since the start."""


def busy_services(world: World) -> list[str]:
    """Return services that requests reach."""
    return [name for name in world.services if _answered(world, name) >= MIN_REQUESTS]


def called_services(world: World) -> list[str]:
    """Return used services that other services call: not those where users come in."""
    entries = {entry.service for entry in world.topology.entries}
    return [name for name in busy_services(world) if name not in entries]


def jvm_services(world: World) -> list[str]:
    """Return used services on a JVM."""
    return [n for n in busy_services(world) if world.services[n].spec.runtime == "jvm"]


def pooled_services(world: World) -> list[str]:
    """Return used services whose requests need a database."""
    return [n for n in busy_services(world) if world.services[n].spec.pools]


def consumers(world: World) -> list[str]:
    """Return services that messages reach."""
    return [n for n in world.services if _consumed(world, n) >= MIN_REQUESTS]


def databases(world: World) -> list[str]:
    """Return databases on which services run statements."""
    return [n for n, database in world.databases.items() if _statements(world, n) and database]


def databases_with_job(world: World) -> list[str]:
    """Return databases that a batch job reads too."""
    read = {job.database.spec.name for job in world.jobs.values() if not job.spec.capped}
    return [name for name in databases(world) if name in read]


def nodes(world: World) -> list[str]:
    """Return nodes that host something."""
    taken = {pod.node.name for service in world.services.values() for pod in service.pods}
    taken |= {database.spec.node for database in world.databases.values()}
    return [name for name in world.nodes if name in taken]


def pod_nodes(world: World) -> list[str]:
    """Return nodes that host pods of called services; those that host no store, if there are."""
    called = _nodes_of_pods(world)
    stores = {d.spec.node for d in world.databases.values()}
    stores |= {c.spec.node for c in world.caches.values()}
    stores |= {b.spec.node for b in world.brokers.values()}
    return [name for name in called if name not in stores] or called


def _nodes_of_pods(world: World) -> list[str]:
    """Return nodes with pods of called services."""
    called = called_services(world)
    taken = {pod.node.name for name in called for pod in world.services[name].pods}
    return [name for name in world.nodes if name in taken]


def entry_services(world: World) -> list[str]:
    """Return the services where users come in."""
    return sorted({entry.service for entry in world.topology.entries})


def hosts_with_tls(world: World) -> list[str]:
    """Return called services that speak TLS."""
    return [n for n in called_services(world) if world.services[n].spec.tls]


def callers(world: World) -> list[str]:
    """Return used services that cannot answer without another service."""
    return [n for n in busy_services(world) if world.services[n].needed]


def statements_of(world: World, database: str) -> list[str]:
    """Return the statements that requests run on a database."""
    return sorted(_statements(world, database))


def mean_seconds(world: World, caller: str, callee: str) -> float:
    """Return how long a caller's calls have taken on average so far."""
    rows = [p.process.calls[callee] for p in world.services[caller].pods if p.process is not None]
    count = sum(row[0] for row in rows)
    return sum(row[1] for row in rows) / count if count else 0.0


def calls_made(world: World, caller: str, callee: str) -> float:
    """Return how many calls a caller's running pods have made."""
    rows = [p.process.calls[callee] for p in world.services[caller].pods if p.process is not None]
    return sum(row[0] for row in rows)


def on_runtime(world: World, runtime: str) -> list[str]:
    """Return called services on a runtime."""
    return [n for n in called_services(world) if world.services[n].spec.runtime == runtime]


def required_services(world: World) -> list[str]:
    """Return called services without whose answer some caller cannot answer."""
    needed = {name for service in world.services.values() for name in service.needed}
    return [n for n in called_services(world) if n in needed]


def querying_services(world: World) -> list[str]:
    """Return called services whose requests have run statements."""
    return [
        name
        for name in called_services(world)
        if any(
            pool.uses >= MIN_REQUESTS
            for pod in world.services[name].pods
            if pod.process is not None
            for pool in pod.process.pools.values()
        )
    ]


def request_rate(world: World, name: str) -> float:
    """Return how many requests a second a pod of a service has answered so far."""
    pods = [pod.process for pod in world.services[name].pods if pod.process is not None]
    lived = sum(world.env.now - process.started_at for process in pods)
    return max(0.05, _answered(world, name) / lived) if lived else 0.05


def endpoints_used(world: World, name: str) -> list[str]:
    """Return the endpoints of a service that others call or users enter by."""
    entries = {e.endpoint for e in world.topology.entries if e.service == name}
    called = {
        step.endpoint
        for service in world.services.values()
        for steps in service.spec.endpoints.values()
        for step in steps
        if isinstance(step, CallSpec) and step.service == name
    }
    return sorted(entries | called)


def _answered(world: World, name: str) -> int:
    processes = [pod.process for pod in world.services[name].pods]
    return sum(sum(process.buckets) for process in processes if process is not None)


def consumer_load(world: World, service: Service) -> float:
    """Return the share of their time for which a service's workers were busy so far."""
    busy = capacity = 0.0
    workers = sum(consumer.workers for consumer in service.spec.consumers)
    for pod in service.pods:
        if pod.process is not None:
            busy += pod.process.consume_seconds
            capacity += workers * (world.env.now - pod.process.started_at)
    return max(1e-4, busy / capacity) if capacity else 1.0


def _consumed(world: World, name: str) -> int:
    processes = [pod.process for pod in world.services[name].pods]
    return sum(process.consumed for process in processes if process is not None)


def _statements(world: World, database: str) -> set[str]:
    found: set[str] = set()
    for service in world.services.values():
        for steps in service.spec.endpoints.values():
            found |= _in_steps(steps, database)
        for consumer in service.spec.consumers:
            found |= _in_steps(consumer.steps, database)
    return found


def _in_steps(steps: tuple[StepSpec, ...], database: str) -> set[str]:
    found: set[str] = set()
    for step in steps:
        if isinstance(step, StatementsSpec) and step.database == database:
            found.update(step.statements)
        elif not isinstance(step, CallSpec | StatementsSpec) and hasattr(step, "otherwise"):
            found |= _in_steps(step.otherwise, database)
    return found
