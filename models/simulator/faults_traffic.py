"""Faults of what users send: too much, nothing, too large, or all of it at the wrong moment."""

from collections.abc import Callable, Generator
from typing import Any

from simpy.events import Event, Timeout

from models.simulator import victims
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.kernel import Task
from models.simulator.topology import CacheSpec, StatementsSpec, StepSpec
from models.simulator.trouble_runtime import Burden
from models.simulator.world import World

MAX_RATE = 110.0
"""Peak of user requests a second: beyond it a run takes too long to simulate."""


def _surge(injection: Injection) -> Injected:
    """Let many more users come."""
    world = injection.world
    room = max(3.5, MAX_RATE / world.traffic.rate)
    world.traffic.surge = min(injection.rng.uniform(5.0, 9.0), room)

    def undo() -> None:
        world.traffic.surge = 1.0

    return Injected(undo=undo)


def _stay_away(injection: Injection) -> Injected:
    """Let hardly any request arrive."""
    traffic = injection.world.traffic
    traffic.surge = injection.rng.uniform(0.01, 0.08)

    def undo() -> None:
        traffic.surge = 1.0

    return Injected(undo=undo)


def _crawl(injection: Injection) -> Injected:
    """Let machines ask for the same kind of thing again and again."""
    world = injection.world
    index = injection.rng.choice(world.traffic.entries_at(injection.target))
    going = [True]
    rate = min(MAX_RATE, injection.rng.uniform(5.0, 9.0) * world.traffic.rate)

    def crawl() -> Generator[Event, Any, None]:
        while going[0]:
            world.traffic.send(index)
            yield Timeout(world.env, injection.rng.expovariate(rate))

    Task(crawl(), Timeout(world.env, 0.0))
    return Injected(undo=lambda: going.__setitem__(0, False))


def _grow_requests(injection: Injection) -> Injected:
    """Let requests to a service be many times as large as usual."""
    world, service = injection.world, injection.world.services[injection.target]
    rate = victims.request_rate(world, service.name)
    service.trouble = Burden(
        rng=injection.rng,
        seconds=min(0.8, injection.rng.uniform(0.8, 1.1) / rate),
        allocated_mb=injection.rng.uniform(15.0, 40.0),
        body_mb=injection.rng.uniform(2.0, 9.0),
    )

    def undo() -> None:
        service.trouble = None

    return Injected(undo=undo)


def _expire_together(injection: Injection) -> Injected:
    """Let a cache's entries end at the same moments; what refills them is heavy work."""
    world, cache, rng = injection.world, injection.world.caches[injection.target], injection.rng
    behind = sorted(_behind(world, injection.target))
    going = [True]

    def expire(*, warm: bool) -> None:
        cache.warmth = 1.0 if warm else 0.0
        for database, statement in behind:
            factors = world.databases[database].factors
            if warm:
                factors.pop(statement, None)
            else:
                base = world.databases[database].spec.statements[statement].ms
                factors[statement] = max(1.0, heavy / base)

    heavy = rng.uniform(700.0, 1600.0)
    period, cold = rng.uniform(50.0, 70.0), rng.uniform(18.0, 30.0)

    def run() -> Generator[Event, Any, None]:
        while going[0]:
            expire(warm=False)
            yield Timeout(world.env, cold)
            expire(warm=True)
            yield Timeout(world.env, period - cold)

    def undo() -> None:
        going[0] = False
        expire(warm=True)

    Task(run(), Timeout(world.env, 0.0))
    return Injected(undo=undo)


def _behind(world: World, cache: str) -> set[tuple[str, str]]:
    """Return (database, statement) of all that refills a cache."""
    found: set[tuple[str, str]] = set()
    for service in world.services.values():
        for steps in service.spec.endpoints.values():
            for step in steps:
                if isinstance(step, CacheSpec) and step.cache == cache:
                    found |= _statements(step.otherwise)
    return found


def _statements(steps: tuple[StepSpec, ...]) -> set[tuple[str, str]]:
    return {
        (step.database, statement)
        for step in steps
        if isinstance(step, StatementsSpec)
        for statement in step.statements
    }


def _refilled_caches(world: World) -> list[str]:
    return [
        name for name, cache in world.caches.items() if cache.commands and _behind(world, name)
    ]


def _spec(
    name: str, pattern: str, description: str, inject: Callable[[Injection], Injected]
) -> FaultSpec:
    return FaultSpec(
        name=name,
        pattern=f"traffic.{pattern}",
        description=description,
        kinds=("service",),
        eligible=victims.entry_services,
        inject=inject,
    )


TRAFFIC_FAULTS = (
    _spec("more_users", "surge.organic", "many times the usual number of users comes", _surge),
    _spec("crawlers", "surge.bot", "machines ask for one kind of thing all the time", _crawl),
    _spec("users_absent", "drop.upstream_outage", "requests no longer arrive", _stay_away),
    FaultSpec(
        name="large_requests",
        pattern="traffic.payload.bloat",
        description="requests to a service are many times as large as usual",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_grow_requests,
    ),
    FaultSpec(
        name="common_expiry",
        pattern="traffic.herd.cache_expiry",
        description="a cache's entries end together, and all callers refill them at once",
        kinds=("cache",),
        eligible=_refilled_caches,
        inject=_expire_together,
    ),
)
