"""Faults of database servers: crashes, replication, locks, writes and logins that are refused."""

from models.simulator import victims, victims_store
from models.simulator.database import Database
from models.simulator.fault_spec import FaultSpec, Injected, Injection


def _database(injection: Injection) -> Database:
    return injection.world.databases[injection.target]


def _crash(injection: Injection) -> Injected:
    """End the server process; it does not come back."""
    database = _database(injection)
    database.condition.crash()
    return Injected(undo=database.condition.restart, flavour=database.spec.engine)


def _deadlock(injection: Injection) -> Injected:
    """Let transactions take the same locks in different orders."""
    database = _database(injection)
    state = database.condition
    state.deadlocking = injection.rng.uniform(0.3, 0.7)

    def undo() -> None:
        state.deadlocking = 0.0

    return Injected(undo=undo, flavour=database.spec.engine)


def _lag(injection: Injection) -> Injected:
    """Let the standby apply more slowly than the primary writes; commits wait for it."""
    database, rng = _database(injection), injection.rng
    database.condition.fall_behind(rng.uniform(0.4, 0.9), rng.uniform(0.6, 2.0))
    return Injected(undo=database.condition.catch_up, flavour=database.spec.engine)


def _lose_standby(injection: Injection) -> Injected:
    """Let the standby be gone; commits wait for it until they give up."""
    database, state = _database(injection), _database(injection).condition
    state.standby_up = False
    state.fall_behind(1.0, injection.rng.uniform(5.0, 16.0))

    def undo() -> None:
        state.standby_up = True
        state.catch_up()

    return Injected(undo=undo, flavour=database.spec.engine)


def _hold_table(injection: Injection) -> Injected:
    """Let a forgotten transaction keep the lock that the writes to a table need."""
    database, state = _database(injection), _database(injection).condition
    writes = victims_store.writes_of(injection.world, injection.target)
    table = injection.rng.choice(writes).split(" ", 1)[1]
    whole = database.spec.engine == "mysql"
    every = victims.statements_of(injection.world, injection.target)
    state.held = {s for s in (every if whole else writes) if s.split(" ", 1)[1] == table}
    state.holder_since = database.env.now
    if whole:
        client = injection.rng.choice(victims_store.clients_of(injection.world, injection.target))
        title = f"{client}: alter table {table}"
        injection.changes.add("migration", client, database.env.now, title)

    def undo() -> None:
        state.held, state.holder_since = set(), None

    return Injected(undo=undo, details={"table": table}, flavour=database.spec.engine)


def _drop_index(injection: Injection) -> Injected:
    """Let a migration take an index away that a statement needs."""
    database, rng, world = _database(injection), injection.rng, injection.world
    statement = rng.choice(victims.statements_of(world, injection.target))
    database.factors[statement] = (
        rng.uniform(900.0, 2400.0) / database.spec.statements[statement].ms
    )
    client = rng.choice(victims_store.clients_of(world, injection.target))
    table = statement.split(" ", 1)[1]
    injection.changes.add("migration", client, world.env.now, f"{client}: rework table {table}")

    def undo() -> None:
        database.factors.pop(statement, None)

    return Injected(undo=undo, details={"statement": statement}, flavour=database.spec.engine)


def _refuse_writes(injection: Injection) -> Injected:
    """Let the server take no writes: as what was the primary, for want of ids, or its volume."""
    database, state = _database(injection), _database(injection).condition
    age = state.transaction_age
    if database.spec.engine == "mysql":
        way = "volume"
        database.volume.writable = False
    else:
        way = injection.rng.choice(("demoted", "ids"))
        state.read_only = True
        if way == "ids":
            state.read_only, state.out_of_ids = False, True
            state.transaction_age = 2.1e9

    def undo() -> None:
        state.read_only, state.out_of_ids, state.transaction_age = False, False, age
        database.volume.writable = True

    return Injected(undo=undo, details={"way": way}, flavour=way)


def _change_password(injection: Injection) -> Injected:
    """Change a service's password at its databases, and not in the service."""
    world, service = injection.world, injection.world.services[injection.target]
    databases = [world.databases[name] for name in sorted(service.spec.pools)]
    for database in databases:
        database.condition.denied.add(service.name)
    for pod in service.pods:
        if pod.process is not None:
            for pool in pod.process.pools.values():
                pool.expire(injection.rng.uniform(5.0, 40.0))
    title = f"{service.name}: rotate database credentials"
    injection.changes.add("config", service.name, world.env.now, title)

    def undo() -> None:
        for database in databases:
            database.condition.denied.discard(service.name)

    return Injected(undo=undo, details={"database": ",".join(sorted(service.spec.pools))})


DATABASE_FAULTS = (
    FaultSpec(
        name="database_crash",
        pattern="db_sql.mysql.down",
        patterns={"postgres": "db_sql.pg.down"},
        description="a database server ends and does not come back",
        kinds=("database",),
        eligible=victims.databases,
        inject=_crash,
    ),
    FaultSpec(
        name="database_deadlocks",
        pattern="db_sql.mysql.deadlock",
        patterns={"postgres": "db_sql.pg.deadlock"},
        description="transactions take locks in different orders; some are ended for it",
        kinds=("database",),
        eligible=victims_store.written_databases,
        inject=_deadlock,
    ),
    FaultSpec(
        name="replication_lag",
        pattern="db_sql.mysql.replication_lag",
        patterns={"postgres": "db_sql.pg.replication_lag"},
        description="the standby falls behind, and commits wait for it",
        kinds=("database",),
        eligible=victims_store.written_databases,
        inject=_lag,
    ),
    FaultSpec(
        name="standby_lost",
        pattern="db_sql.mysql.replication_broken",
        patterns={"postgres": "db_sql.pg.replica_down"},
        description="the standby is gone, and commits wait for it until they give up",
        kinds=("database",),
        eligible=victims_store.written_databases,
        inject=_lose_standby,
    ),
    FaultSpec(
        name="table_held",
        pattern="db_sql.mysql.metadata_lock",
        patterns={"postgres": "db_sql.pg.long_tx"},
        description="a forgotten transaction keeps a lock that others wait for",
        kinds=("database",),
        eligible=victims_store.written_databases,
        inject=_hold_table,
    ),
    FaultSpec(
        name="missing_index",
        pattern="db_sql.mysql.slow_query",
        patterns={"postgres": "db_sql.pg.missing_index"},
        description="a migration takes an index away that a statement needs",
        kinds=("database",),
        eligible=victims.databases,
        inject=_drop_index,
    ),
    FaultSpec(
        name="writes_refused",
        pattern="storage.pv_readonly",
        patterns={"demoted": "db_sql.pg.failover", "ids": "db_sql.pg.xid_wraparound"},
        description="a database takes no writes any more",
        kinds=("database",),
        eligible=victims_store.written_databases,
        inject=_refuse_writes,
    ),
    FaultSpec(
        name="password_changed",
        pattern="security.secret_rotation",
        description="a service's database password is changed, but not in the service",
        kinds=("service",),
        eligible=victims_store.pooled_clients,
        inject=_change_password,
    ),
)
