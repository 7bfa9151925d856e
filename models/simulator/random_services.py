"""Turns a drafted service of a random environment into its description."""

import random

from models.simulator.random_graph import Draft
from models.simulator.topology import (
    CacheSpec,
    CallSpec,
    ComputeSpec,
    ConsumerSpec,
    ExternalCallSpec,
    PolicySpec,
    PoolSpec,
    PublishSpec,
    Runtime,
    ServiceSpec,
    StatementsSpec,
    StepSpec,
)

TIMEOUT_SECONDS = (10.0, 6.0, 4.0, 3.0, 2.5)
ENDPOINTS = "abcdefghijklmnopqrstuvwxyz"
ENDPOINT_MS = 150.0
"""A gateway has an endpoint more for so much work that it hands on."""
RUNTIMES: tuple[Runtime, ...] = ("jvm", "jvm", "go", "python")


def endpoint_of(service: str) -> str:
    """Return the endpoint that other services call."""
    return f"GET /v1/{service}"


def statements_of(service: str) -> tuple[str, ...]:
    """Return the statements that a service may run."""
    return (f"SELECT {service}_head", f"SELECT {service}_line", f"UPDATE {service}_head")


def service_of(draft: Draft, rng: random.Random) -> ServiceSpec:
    """Describe a service."""
    runtime = draft.runtime if draft.runtime is not None else rng.choice(RUNTIMES)
    threads = 100 if draft.level == 0 else rng.choice((12, 16, 24, 32))
    backlog, memory_mb = rng.choice((20, 30, 40)), rng.choice((384, 448, 512))
    retained = 0.5
    if runtime == "jvm":
        # A full house nearly fills the heap: collections get long, the program survives.
        retained = rng.uniform(0.4, 0.97) * 0.4 * memory_mb / (threads + backlog)
    pools = {draft.database: _pool(runtime, rng)} if draft.database else {}
    return ServiceSpec(
        name=draft.name,
        runtime=runtime,
        endpoints=_endpoints(draft, rng),
        replicas=rng.choice((1, 2, 2, 2, 3)),
        threads=threads,
        backlog=backlog,
        memory_mb=memory_mb,
        retained_mb=retained,
        allocated_mb=rng.uniform(1.0, 4.0),
        version=f"{rng.randrange(1, 6)}.{rng.randrange(20)}.{rng.randrange(10)}",
        tls=draft.tls or rng.random() < 0.25,
        default_policy=PolicySpec(
            timeout_seconds=TIMEOUT_SECONDS[draft.level] * rng.choice((0.7, 1.0, 1.3)),
            retries=rng.choice((0, 1, 1, 2)),
            backoff_seconds=rng.choice((0.05, 0.1, 0.2)),
        ),
        pools=pools,
        consumers=_consumers(draft, rng),
    )


def _pool(runtime: Runtime, rng: random.Random) -> PoolSpec:
    return PoolSpec(
        size=rng.choice((6, 8, 10, 12)),
        min_idle=rng.choice((2, 3, 4)),
        wait_seconds=rng.choice((2.0, 3.0, 5.0)),
        lifetime_seconds=rng.choice((90.0, 120.0, 150.0)),
        fail_fast=runtime == "go",
    )


def _endpoints(draft: Draft, rng: random.Random) -> dict[str, tuple[StepSpec, ...]]:
    """Describe what a service offers: the first several endpoints, others one."""
    if draft.level > 0:
        return {endpoint_of(draft.name): _steps(draft, draft.callees, rng)}
    few = min(3, max(1, len(draft.callees)))
    count = min(len(ENDPOINTS), max(few, round(draft.lasts_ms / ENDPOINT_MS)))
    parts: list[list[Draft]] = [draft.callees[i::count] for i in range(count)]
    for part in parts:
        extra = rng.choice(draft.callees)
        if extra not in part and rng.random() < 0.5:
            part.append(extra)
    return {
        f"GET /{draft.name}/{ENDPOINTS[i]}": _steps(draft, part, rng)
        for i, part in enumerate(parts)
    }


def _steps(draft: Draft, callees: list[Draft], rng: random.Random) -> tuple[StepSpec, ...]:
    steps: list[StepSpec] = []
    rows = _rows(draft, rng)
    if draft.cache:
        ratio = rng.uniform(0.7, 0.95)
        steps.append(CacheSpec(cache=draft.cache, hit_ratio=ratio, otherwise=rows))
    elif rows:
        steps += rows
    if draft.external:
        operation = f"POST /{rng.choice(('a', 'b', 'c'))}"
        steps.append(ExternalCallSpec(external=draft.external, operation=operation))
    for callee in callees:
        steps.append(
            CallSpec(
                service=callee.name,
                endpoint=endpoint_of(callee.name),
                chance=rng.choice((0.6, 0.8, 1.0, 1.0)),
                required=rng.random() < 0.85,
            )
        )
    if draft.topic:
        steps.append(PublishSpec(topic=draft.topic))
    rng.shuffle(steps)
    return (ComputeSpec(ms=rng.uniform(4.0, 14.0)), *steps)


def _rows(draft: Draft, rng: random.Random) -> tuple[StepSpec, ...]:
    if not draft.database:
        return ()
    known = statements_of(draft.name)
    statements = known if draft.writes else known[: rng.randrange(1, len(known))]
    return (StatementsSpec(database=draft.database, statements=statements),)


def _consumers(draft: Draft, rng: random.Random) -> tuple[ConsumerSpec, ...]:
    if not draft.consumes:
        return ()
    steps: list[StepSpec] = [ComputeSpec(ms=rng.uniform(6.0, 16.0)), *_rows(draft, rng)]
    return (ConsumerSpec(topic=draft.consumes, steps=tuple(steps), workers=rng.choice((1, 2))),)
