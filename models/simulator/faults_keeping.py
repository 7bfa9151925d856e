"""Faults of what a database keeps: pages in memory, logs, dead rows, checkpoints."""

from collections.abc import Generator
from typing import Any

from simpy.events import Event, Timeout

from models.simulator import victims, victims_store
from models.simulator.condition import HEALTHY_MISSES
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.kernel import Task

STEP_SECONDS = 5.0


def _go_cold(injection: Injection) -> Injected:
    """Restart the server with a cache that is far too small for what is read."""
    database = injection.world.databases[injection.target]
    state = database.condition
    state.restart()
    state.missing = injection.rng.uniform(0.6, 0.95)

    def undo() -> None:
        state.missing = HEALTHY_MISSES

    return Injected(undo=undo, flavour=database.spec.engine)


def _fill_logs(injection: Injection) -> Injected:
    """Let logs that nobody removes fill the volume."""
    database, rng = injection.world.databases[injection.target], injection.rng
    volume, state = database.volume, database.condition
    state.log_share = 0.95
    volume.fill((1.0 - volume.used) / rng.uniform(30.0, 70.0))

    def undo() -> None:
        volume.set_used(0.4)
        state.log_share = 0.0

    return Injected(undo=undo, flavour=database.spec.engine)


def _checkpoint_often(injection: Injection) -> Injected:
    """Let checkpoints follow each other, each flooding the volume with writes."""
    database, rng = injection.world.databases[injection.target], injection.rng
    state, volume, going = database.condition, database.volume, [True]
    slowness = rng.uniform(500.0, 1200.0)

    def flood() -> Generator[Event, Any, None]:
        while going[0]:
            lasts = rng.uniform(9.0, 16.0)
            state.checkpoints += 1
            state.missing, volume.slowness = 0.06, slowness
            yield Timeout(database.env, lasts)
            state.checkpoint_seconds += lasts
            state.missing, volume.slowness = HEALTHY_MISSES, 1.0
            yield Timeout(database.env, rng.uniform(4.0, 9.0))

    def undo() -> None:
        going[0] = False

    Task(flood(), Timeout(database.env, 0.0))
    return Injected(undo=undo)


def _bloat(injection: Injection) -> Injected:
    """Let dead rows pile up until the vacuum workers take the volume's whole time."""
    database, rng = injection.world.databases[injection.target], injection.rng
    state, going = database.condition, [True]
    growth = rng.uniform(4_000.0, 9_000.0)

    def pile_up() -> Generator[Event, Any, None]:
        while going[0]:
            state.dead_rows += growth * STEP_SECONDS
            state.missing = min(0.9, state.missing + rng.uniform(0.03, 0.06))
            state.cleaning = min(3, state.cleaning + 1)
            yield Timeout(database.env, STEP_SECONDS)
        state.dead_rows, state.cleaning, state.missing = 4_000.0, 0, HEALTHY_MISSES

    def undo() -> None:
        going[0] = False

    Task(pile_up(), Timeout(database.env, 0.0))
    return Injected(undo=undo)


KEEPING_FAULTS = (
    FaultSpec(
        name="cold_database",
        pattern="db_sql.mysql.buffer_pool_pressure",
        patterns={"postgres": "db_sql.pg.cache_hit_drop"},
        description="a database reads from disk what it used to have in memory",
        kinds=("database",),
        eligible=victims.databases,
        inject=_go_cold,
    ),
    FaultSpec(
        name="database_disk_full",
        pattern="db_sql.mysql.binlog_disk_full",
        patterns={"postgres": "db_sql.pg.disk_full"},
        description="logs that nobody removes fill a database's volume",
        kinds=("database",),
        eligible=victims_store.written_databases,
        inject=_fill_logs,
    ),
    FaultSpec(
        name="checkpoint_flood",
        pattern="db_sql.pg.checkpoint_storm",
        description="forced checkpoints follow each other and flood the volume",
        kinds=("database",),
        eligible=lambda world: victims_store.databases_of(world, "postgres"),
        inject=_checkpoint_often,
    ),
    FaultSpec(
        name="dead_rows",
        pattern="db_sql.pg.bloat_autovacuum",
        description="dead rows pile up until vacuuming takes the volume's time",
        kinds=("database",),
        eligible=lambda world: victims_store.databases_of(world, "postgres"),
        inject=_bloat,
    ),
)
