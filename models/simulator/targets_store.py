"""What the exporters of databases, caches, brokers and probes show."""

from models.simulator.broker import Group
from models.simulator.cache import Cache
from models.simulator.database import Database
from models.simulator.external import External
from models.simulator.series import Metric
from models.simulator.targets_runtime import MB, metric


def mysql_metrics(database: Database, users: list[str]) -> list[Metric]:
    """Return mysqld_exporter's view."""
    db = database
    metrics = [
        metric("mysql_up", lambda: 1.0),
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
    ]
    for user in users:
        metrics += _mysql_user(db, user)
    return metrics


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
        metric("pg_up", lambda: 1.0),
        metric("pg_settings_max_connections", lambda: db.max_connections),
        metric("pg_stat_database_numbackends", lambda: db.connected, **name),
        metric("pg_stat_database_xact_commit", lambda: db.queries, **name),
        metric("pg_stat_database_tup_returned", lambda: db.rows_read, **name),
        metric("pg_stat_activity_active", lambda: db.cpu.running, **name),
        metric("pg_connections_refused_total", lambda: db.refused, **name),
        metric("pg_slow_queries_total", lambda: db.slow_queries, **name),
        metric("pg_locks_waiting_total", lambda: db.lock_waits, **name),
    ]
    for user in users:
        metrics += _postgres_user(db, user)
    return metrics


def _postgres_user(db: Database, user: str) -> list[Metric]:
    labels = {"datname": db.spec.schema, "usename": user}
    return [
        metric("pg_stat_activity_count", lambda: db.users.get(user, 0), **labels),
        metric("pg_stat_activity_max_tx_duration", lambda: db.running_seconds(user), **labels),
    ]


def redis_metrics(cache: Cache, clients: list[str]) -> list[Metric]:
    """Return redis_exporter's view."""
    limit = cache.spec.memory_mb * MB
    return [
        metric("redis_up", lambda: float(cache.up)),
        metric("redis_memory_used_bytes", lambda: cache.memory_share * limit),
        metric("redis_memory_max_bytes", lambda: limit),
        metric("redis_keyspace_hits_total", lambda: cache.hits),
        metric("redis_keyspace_misses_total", lambda: cache.misses),
        metric("redis_commands_processed_total", lambda: cache.commands),
        metric("redis_commands_duration_seconds_total", lambda: cache.busy_seconds),
        metric("redis_evicted_keys_total", lambda: cache.evicted),
        metric("redis_connected_clients", lambda: 4 * len(clients) + cache.cpu.running),
    ]


def lag_metrics(group: Group) -> list[Metric]:
    """Return kafka_exporter's view of one consumer group."""
    labels = {"consumergroup": group.name, "topic": group.topic}
    return [
        metric("kafka_consumergroup_lag", lambda: group.lag, **labels),
        metric("kafka_consumergroup_current_offset", lambda: group.committed, **labels),
    ]


def probe_metrics(external: External) -> list[Metric]:
    """Return the blackbox exporter's view of a third party."""

    def works() -> bool:
        return (
            not external.certificate_expired
            and external.failing < 0.5
            and external.slowness * external.spec.ms < 10_000.0
        )

    return [
        metric("probe_success", lambda: float(works())),
        metric(
            "probe_duration_seconds",
            lambda: min(10.0, 1.4 * external.slowness * external.spec.ms / 1000.0),
        ),
    ]
