"""Faults between a caller and its callee that the network has no part in: proxies, credentials."""

from collections.abc import Callable

from models.simulator import victims
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.outcome import (
    FORBIDDEN,
    LIMITED,
    REFUSED,
    RESET,
    TOO_LARGE,
    TOO_MANY_REQUESTS,
    UNAUTHORISED,
    UNAVAILABLE,
)
from models.simulator.trouble import Gate
from models.simulator.trouble_code import Quota
from models.simulator.world import World

Inject = Callable[[Injection], Injected]


def _before_callee(make: Callable[[Injection], Gate], title: str = "") -> Inject:
    """Return an injector of a gate that all callers of a service pass."""

    def inject(injection: Injection) -> Injected:
        world, service = injection.world, injection.world.services[injection.target]
        service.gate = make(injection)
        if title:
            text = f"{service.name}: {title}"
            injection.changes.add("config", service.name, world.env.now, text)

        def undo() -> None:
            service.gate = None

        return Injected(undo=undo)

    return inject


def _before_caller(make: Callable[[Injection], Gate], title: str = "") -> Inject:
    """Return an injector of a gate that one caller's requests to one callee pass."""

    def inject(injection: Injection) -> Injected:
        world, caller = injection.world, injection.world.services[injection.target]
        callee = _main_callee(world, caller.name)
        edge = caller.edges[callee]
        edge.gate = make(injection)
        if title:
            text = f"{caller.name}: {title}"
            injection.changes.add("config", caller.name, world.env.now, text)

        def undo() -> None:
            edge.gate = None

        return Injected(undo=undo, details={"callee": callee})

    return inject


def _main_callee(world: World, caller: str) -> str:
    """Return the needed service that a caller calls most."""
    return max(
        sorted(world.services[caller].needed), key=lambda p: victims.calls_made(world, caller, p)
    )


def _limit(way: str) -> Inject:
    """Return an injector of a rate limit below what comes."""

    def inject(injection: Injection) -> Injected:
        world, service = injection.world, injection.world.services[injection.target]
        rate = victims.request_rate(world, service.name) * injection.rng.uniform(0.2, 0.6)
        service.trouble = Quota(rate=rate, burst=max(1.0, rate), outcome=LIMITED)
        if way == "config":
            title = f"{service.name}: set request limits"
            injection.changes.add("config", service.name, world.env.now, title)

        def undo() -> None:
            service.trouble = None

        return Injected(undo=undo)

    return inject


def _spec(
    name: str, pattern: str, description: str, inject: Inject, *, caller: bool = False
) -> FaultSpec:
    return FaultSpec(
        name=name,
        pattern=pattern,
        description=description,
        kinds=("service",),
        eligible=victims.callers if caller else victims.required_services,
        inject=inject,
    )


RPC_FAULTS = (
    _spec(
        "requests_cut",
        "rpc.req_abort",
        "a proxy cuts requests off before they reach the service",
        _before_callee(lambda i: Gate(stopped=RESET, share=i.rng.uniform(0.3, 0.9))),
    ),
    _spec(
        "requests_held",
        "rpc.req_delay",
        "a proxy holds requests back before they reach the service",
        _before_callee(lambda i: Gate(delay_seconds=i.rng.uniform(0.8, 2.5))),
    ),
    _spec(
        "answers_replaced",
        "rpc.resp_code_replaced",
        "a proxy answers with an error what the service answered well",
        _before_callee(lambda i: Gate(replaced=UNAVAILABLE, share=i.rng.uniform(0.3, 0.9))),
    ),
    _spec(
        "size_limit_cut",
        "rpc.message_too_large",
        "a service refuses requests of a size that is usual",
        _before_callee(
            lambda i: Gate(stopped=TOO_LARGE, share=i.rng.uniform(0.3, 0.8), counted=True),
            "tighten body size",
        ),
    ),
    _spec(
        "caller_over_quota",
        "rpc.rate_limited_429",
        "one caller has used up what it may ask of a service",
        _before_caller(
            lambda i: Gate(stopped=TOO_MANY_REQUESTS, share=i.rng.uniform(0.5, 0.95), counted=True)
        ),
        caller=True,
    ),
    _spec(
        "token_ended",
        "security.token_expired",
        "a caller's token has ended: its callee turns it away",
        _before_caller(lambda i: Gate(stopped=UNAUTHORISED, counted=True)),
        caller=True,
    ),
    _spec(
        "access_denied",
        "security.rbac_denied",
        "a service does not let its callers in any more",
        _before_callee(lambda i: Gate(stopped=FORBIDDEN, counted=True), "tighten access policy"),
    ),
    _spec(
        "wrong_address",
        "config_deploy.endpoint_wrong",
        "a caller is told a wrong address of its callee",
        _before_caller(lambda i: Gate(stopped=REFUSED), "update client addresses"),
        caller=True,
    ),
    _spec(
        "low_rate_limit",
        "config_deploy.ratelimit_too_low",
        "a service's new limit turns away what is usual",
        _limit("config"),
    ),
    _spec(
        "own_rate_limit",
        "traffic.ratelimit.self_inflicted",
        "a service's limit is below what comes by now",
        _limit("none"),
    ),
)
