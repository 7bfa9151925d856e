"""What the exporters of database servers show. A server that is down shows just that."""

from models.simulator.database import Database
from models.simulator.series import Metric, Read
from models.simulator.targets_runtime import metric

NOTHING = float("nan")
UPTIME_SECONDS = 912_000.0
GB = 1024.0**3
LIVE_ROWS = 220_000.0


def mysql_metrics(database: Database, users: list[str]) -> list[Metric]:
    """Return mysqld_exporter's view."""
    db = database
    metrics = [
        metric("mysql_global_status_threads_connected", lambda: db.connected),
        metric("mysql_global_status_threads_running", lambda: 1 + db.cpu.running),
        metric("mysql_global_variables_max_connections", lambda: db.max_connections),
        metric("mysql_global_status_connections", lambda: db.connections_total + db.refused),
        metric("mysql_global_status_aborted_connects", lambda: db.refused),
        metric(
            "mysql_global_status_connection_errors_total",
            lambda: db.refused,
            error="max_connections",
        ),
        metric("mysql_global_status_queries", lambda: db.queries),
        metric("mysql_global_status_slow_queries", lambda: db.slow_queries),
        metric("mysql_global_status_innodb_rows_read", lambda: db.rows_read),
        metric("mysql_global_status_innodb_row_lock_waits", lambda: db.lock_waits),
        *_mysql_condition(db),
    ]
    for user in users:
        metrics += _mysql_user(db, user)
    up = metric("mysql_up", lambda: float(db.condition.up))
    return [up, *(_while_up(db, each) for each in metrics)]


def _mysql_condition(db: Database) -> list[Metric]:
    state = db.condition
    status, slave = "mysql_global_status", "mysql_slave_status"
    semi_sync = f"{status}_rpl_semi_sync_master"
    return [
        metric(f"{status}_uptime", lambda: _uptime(db)),
        metric(f"{status}_access_denied_errors", lambda: state.denials),
        metric(f"{status}_innodb_buffer_pool_read_requests", lambda: state.pages_asked),
        metric(f"{status}_innodb_buffer_pool_reads", lambda: state.pages_read),
        metric("mysql_info_schema_innodb_metrics_lock_deadlocks_total", lambda: state.deadlocks),
        metric(f"{slave}_seconds_behind_master", lambda: state.lag_seconds),
        metric(f"{slave}_slave_sql_running", lambda: float(state.standby_up)),
        metric(f"{semi_sync}_tx_waits", lambda: state.commit_waits),
        metric(f"{semi_sync}_clients", lambda: float(state.standby_up)),
        metric("mysql_global_variables_read_only", lambda: float(state.read_only)),
        metric("mysql_binlog_size_bytes", lambda: _log_bytes(db)),
        metric(
            "mysql_info_schema_threads",
            lambda: float(db.waiting_for(state.held)),
            state="waiting for table metadata lock",
        ),
    ]


def _mysql_user(db: Database, user: str) -> list[Metric]:
    base = "mysql_info_schema_processlist"
    return [
        metric(f"{base}_threads", lambda: db.users.get(user, 0), user=user),
        metric(f"{base}_seconds", lambda: db.running_seconds(user), user=user),
    ]


def postgres_metrics(database: Database, users: list[str]) -> list[Metric]:
    """Return postgres_exporter's view."""
    db, name = database, {"datname": database.spec.schema}
    metrics = [
        metric("pg_settings_max_connections", lambda: db.max_connections),
        metric("pg_stat_database_numbackends", lambda: db.connected, **name),
        metric("pg_stat_database_xact_commit", lambda: db.queries, **name),
        metric("pg_stat_database_tup_returned", lambda: db.rows_read, **name),
        metric("pg_stat_activity_active", lambda: db.cpu.running, **name),
        metric("pg_connections_refused_total", lambda: db.refused, **name),
        metric("pg_slow_queries_total", lambda: db.slow_queries, **name),
        metric("pg_locks_waiting_total", lambda: db.lock_waits, **name),
        *_postgres_condition(db, name),
    ]
    for user in users:
        metrics += _postgres_user(db, user)
    up = metric("pg_up", lambda: float(db.condition.up))
    return [up, *(_while_up(db, each) for each in metrics)]


def _postgres_condition(db: Database, name: dict[str, str]) -> list[Metric]:
    state = db.condition
    idle = {**name, "state": "idle in transaction"}
    return [
        metric("pg_postmaster_uptime_seconds", lambda: _uptime(db)),
        metric("pg_stat_database_deadlocks", lambda: state.deadlocks, **name),
        metric("pg_stat_database_blks_hit", lambda: state.pages_asked - state.pages_read, **name),
        metric("pg_stat_database_blks_read", lambda: state.pages_read, **name),
        metric("pg_stat_database_xact_rollback", lambda: state.deadlocks, **name),
        metric("pg_stat_user_tables_n_dead_tup", lambda: state.dead_rows, **name),
        metric("pg_stat_user_tables_n_live_tup", lambda: LIVE_ROWS, **name),
        metric("pg_stat_progress_vacuum_count", lambda: state.cleaning, **name),
        metric("pg_stat_bgwriter_checkpoints_req_total", lambda: state.checkpoints),
        metric("pg_stat_bgwriter_checkpoint_write_time_total", lambda: state.checkpoint_seconds),
        metric("pg_stat_replication_standbys", lambda: float(state.standby_up)),
        metric("pg_replication_lag_seconds", lambda: state.lag_seconds),
        metric("pg_replication_is_replica", lambda: float(state.read_only)),
        metric("pg_stat_activity_sync_rep_waits_total", lambda: state.commit_waits),
        metric("pg_database_wraparound_age_datfrozenxid", lambda: state.transaction_age, **name),
        metric("pg_wal_size_bytes", lambda: _log_bytes(db)),
        metric("pg_stat_activity_max_tx_duration", lambda: _held_seconds(db), **idle),
        metric("pg_authentication_failures_total", lambda: state.denials),
    ]


def _postgres_user(db: Database, user: str) -> list[Metric]:
    labels = {"datname": db.spec.schema, "usename": user}
    return [
        metric("pg_stat_activity_count", lambda: db.users.get(user, 0), **labels),
        metric("pg_stat_activity_max_tx_duration", lambda: db.running_seconds(user), **labels),
    ]


def _while_up(db: Database, shown: Metric) -> Metric:
    """Let a series end while the server is down: its exporter cannot ask it."""
    read = shown.read

    def value() -> float:
        return read() if db.condition.up else NOTHING

    reading: Read = value
    return Metric(name=shown.name, labels=shown.labels, read=reading, exported=shown.exported)


def _uptime(db: Database) -> float:
    started = db.condition.started_at
    return db.env.now - started + (UPTIME_SECONDS if started == 0.0 else 0.0)


def _held_seconds(db: Database) -> float:
    since = db.condition.holder_since
    return db.env.now - since if since is not None else 0.0


def _log_bytes(db: Database) -> float:
    """Return the size of the log that is kept for standbys and recovery."""
    state, volume = db.condition, db.volume
    return GB * (state.log_gb + state.log_share * max(0.0, volume.used - 0.38) * volume.size_gb)
