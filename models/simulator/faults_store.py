"""Faults of databases, caches and third parties."""

from models.simulator import victims
from models.simulator.fault_spec import FaultSpec, Injected, Injection


def _exhaust_connections(injection: Injection) -> Injected:
    """Take the throttle off the batch job that reads the database."""
    jobs = injection.world.jobs.values()
    job = next(j for j in jobs if j.database.spec.name == injection.target and not j.spec.capped)
    job.unthrottle()
    details = {"holder": job.spec.name, "statement": job.spec.statement}
    return Injected(undo=job.throttle, details=details, flavour=job.database.spec.engine)


def _slow_statement(injection: Injection) -> Injected:
    """Let the plan of one statement regress to a scan."""
    database = injection.world.databases[injection.target]
    statement = injection.rng.choice(victims.statements_of(injection.world, injection.target))
    base = database.spec.statements[statement].ms
    database.factors[statement] = injection.rng.uniform(1200.0, 3200.0) / base

    def undo() -> None:
        database.factors.pop(statement, None)

    return Injected(undo=undo, details={"statement": statement}, flavour=database.spec.engine)


def _lock_rows(injection: Injection) -> Injected:
    """Let transactions hold the row lock of one statement for long."""
    database = injection.world.databases[injection.target]
    statement = injection.rng.choice(victims.statements_of(injection.world, injection.target))
    database.lock(statement, injection.rng.uniform(0.7, 1.6))

    def undo() -> None:
        database.unlock(statement)

    return Injected(undo=undo, details={"statement": statement}, flavour=database.spec.engine)


def _fail_cache(injection: Injection) -> Injected:
    """Take the cache down, make it forget, or make it slow."""
    cache = injection.world.caches[injection.target]
    way = injection.rng.choice(("down", "cold", "slow"))
    if way == "down":
        cache.up = False
    elif way == "cold":
        cache.warmth = injection.rng.uniform(0.0, 0.15)
        cache.memory_share = 0.99
        cache.evicting = injection.rng.uniform(20.0, 90.0)
    else:
        cache.stretch = injection.rng.uniform(250.0, 900.0)

    def undo() -> None:
        cache.up, cache.warmth, cache.stretch = True, 1.0, 1.0
        cache.memory_share, cache.evicting = 0.62, 0.0

    return Injected(undo=undo, details={"way": way}, flavour=way)


def _fail_external(injection: Injection) -> Injected:
    """Let a third party answer slowly or not at all."""
    external = injection.world.externals[injection.target]
    way = injection.rng.choice(("slow", "down"))
    if way == "slow":
        external.slowness = injection.rng.uniform(2500.0, 9000.0) / external.spec.ms
    else:
        external.failing = injection.rng.uniform(0.7, 1.0)

    def undo() -> None:
        external.slowness, external.failing = 1.0, 0.0

    return Injected(undo=undo, details={"way": way}, flavour=way)


STORE_FAULTS = (
    FaultSpec(
        name="pool_exhaustion",
        pattern="db_sql.mysql.conn_exhausted",
        patterns={"postgres": "db_sql.pg.conn_exhausted"},
        description="an unthrottled batch job takes the database's connections",
        kinds=("database",),
        eligible=victims.databases_with_job,
        inject=_exhaust_connections,
    ),
    FaultSpec(
        name="slow_query",
        pattern="db_sql.mysql.slow_query",
        patterns={"postgres": "db_sql.pg.plan_flip_stale_stats"},
        description="the plan of one statement regresses to a scan",
        kinds=("database",),
        eligible=victims.databases,
        inject=_slow_statement,
    ),
    FaultSpec(
        name="lock_contention",
        pattern="db_sql.mysql.row_lock_wait",
        patterns={"postgres": "db_sql.pg.lock_wait"},
        description="transactions hold a hot row's lock for long, others queue behind them",
        kinds=("database",),
        eligible=victims.databases,
        inject=_lock_rows,
    ),
    FaultSpec(
        name="cache_failure",
        pattern="cache.redis.down",
        patterns={"cold": "cache.redis.hit_ratio_drop", "slow": "cache.redis.slow_command"},
        description="the cache is down, has forgotten everything, or is slow",
        kinds=("cache",),
        eligible=lambda world: [name for name, c in world.caches.items() if c.commands],
        inject=_fail_cache,
    ),
    FaultSpec(
        name="external_outage",
        pattern="dependency.third_party_down",
        patterns={"slow": "dependency.third_party_slow"},
        description="a third party answers slowly or with errors",
        kinds=("external",),
        eligible=lambda world: list(world.externals),
        inject=_fail_external,
    ),
)
