"""Faults of name resolution: of the resolver, of one name, of how names are asked for."""

from collections.abc import Callable

from models.simulator import victims, victims_store
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.world import World

SEARCH_QUERIES = 9
"""Queries more for each name, when search domains are tried one by one."""


def _resolver(world: World) -> list[str]:
    return [world.runtime.dns.name] if any(s.edges for s in world.services.values()) else []


def _resolver_for_outside(world: World) -> list[str]:
    return _resolver(world) if victims_store.used_externals(world) else []


def _go_down(injection: Injection) -> Injected:
    """Let the resolver be gone."""
    dns = injection.world.runtime.dns
    dns.up = False

    def undo() -> None:
        dns.up = True

    return Injected(undo=undo)


def _slow_down(injection: Injection) -> Injected:
    """Let each lookup take long."""
    dns = injection.world.runtime.dns
    dns.delay_seconds = injection.rng.uniform(1.2, 3.0)

    def undo() -> None:
        dns.delay_seconds = 0.0

    return Injected(undo=undo)


def _fail(injection: Injection) -> Injected:
    """Let a share of the lookups fail."""
    dns = injection.world.runtime.dns
    dns.failing = injection.rng.uniform(0.55, 0.95)

    def undo() -> None:
        dns.failing = 0.0

    return Injected(undo=undo)


def _mislead(injection: Injection) -> Injected:
    """Let a share of the lookups give an address where nobody listens."""
    dns = injection.world.runtime.dns
    dns.wrong = injection.rng.uniform(0.55, 0.95)

    def undo() -> None:
        dns.wrong = 0.0

    return Injected(undo=undo)


def _lose_forwarding(injection: Injection) -> Injected:
    """Let the resolver that knows the names of the outside not answer."""
    dns = injection.world.runtime.dns
    dns.forward_up = False

    def undo() -> None:
        dns.forward_up = True

    return Injected(undo=undo)


def _remove_record(injection: Injection) -> Injected:
    """Take a service's name away."""
    dns, address = injection.world.runtime.dns, injection.world.runtime.address_of
    host = address(injection.target)
    dns.absent.add(host)
    title = f"{injection.target}: clean up records"
    if injection.rng.random() < 0.6:
        injection.changes.add("config", injection.target, injection.world.env.now, title)
    return Injected(undo=lambda: dns.absent.discard(host))


def _keep_old_record(injection: Injection) -> Injected:
    """Let a service's name still give addresses that it has left."""
    dns = injection.world.runtime.dns
    host = injection.world.runtime.address_of(injection.target)
    dns.stale[host] = injection.rng.uniform(0.6, 0.95)

    def undo() -> None:
        dns.stale.pop(host, None)

    return Injected(undo=undo)


def _search(injection: Injection) -> Injected:
    """Let a service try every search domain for every name, and remember none."""
    world, dns = injection.world, injection.world.runtime.dns
    before = dns.queries / max(1.0, world.env.now)
    dns.searching[injection.target] = SEARCH_QUERIES
    asked = _calls_a_second(world, injection.target) * (1 + SEARCH_QUERIES)
    dns.capacity = max(1.0, injection.rng.uniform(0.5, 0.8) * (asked + before))
    title = f"{injection.target}: new resolver options"
    injection.changes.add("config", injection.target, world.env.now, title)

    def undo() -> None:
        dns.searching.pop(injection.target, None)

    return Injected(undo=undo)


def _calls_a_second(world: World, service: str) -> float:
    edges = world.services[service].edges
    made = sum(victims.calls_made(world, service, peer) for peer in sorted(edges))
    return made / max(1.0, world.env.now)


def _of_resolver(
    name: str, pattern: str, description: str, inject: Callable[[Injection], Injected]
) -> FaultSpec:
    return FaultSpec(
        name=name,
        pattern=pattern,
        description=description,
        kinds=("service",),
        eligible=_resolver,
        inject=inject,
    )


DNS_FAULTS = (
    _of_resolver("resolver_gone", "dns.coredns_down", "the resolver is gone", _go_down),
    _of_resolver("lookups_slow", "dns.latency", "each lookup of a name takes long", _slow_down),
    _of_resolver("lookups_fail", "dns.servfail", "a share of the lookups fails", _fail),
    _of_resolver(
        "lookups_wrong",
        "dns.random_answer",
        "a share of the lookups gives an address where nobody listens",
        _mislead,
    ),
    FaultSpec(
        name="forwarding_gone",
        pattern="dns.upstream_timeout",
        description="names of the outside cannot be looked up",
        kinds=("service",),
        eligible=_resolver_for_outside,
        inject=_lose_forwarding,
    ),
    FaultSpec(
        name="record_gone",
        pattern="dns.nxdomain",
        description="the name of a service is taken away",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_remove_record,
    ),
    FaultSpec(
        name="record_old",
        pattern="dns.stale_record",
        description="the name of a service gives addresses that it has left",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_keep_old_record,
    ),
    FaultSpec(
        name="search_domains",
        pattern="dns.ndots_amplification",
        description="a service asks ten times for each name and overruns the resolver",
        kinds=("service",),
        eligible=victims.callers,
        inject=_search,
    ),
)
