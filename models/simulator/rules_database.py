"""Rules about what goes on inside databases: replication, locks, memory, logs, restarts."""

from models.simulator.alert_rule import CRITICAL, WARNING, AlertRule
from models.simulator.promql import Query, Vector

OLDEST_TRANSACTION = 1.5e9


def _mysql_misses(query: Query) -> Vector:
    read = query.rate("mysql_global_status_innodb_buffer_pool_reads", 60)
    asked = query.rate("mysql_global_status_innodb_buffer_pool_read_requests", 60)
    return (read / asked).above(0.1)


def _pg_misses(query: Query) -> Vector:
    read = query.rate("pg_stat_database_blks_read", 60)
    hit = query.rate("pg_stat_database_blks_hit", 60)
    return (read / (read + hit)).above(0.1)


def _dead_rows(query: Query) -> Vector:
    dead = query.get("pg_stat_user_tables_n_dead_tup")
    return (dead / (dead + query.get("pg_stat_user_tables_n_live_tup"))).above(0.2)


def _log_growth(name: str, query: Query) -> Vector:
    size = query.get(name)
    before = size.shifted(query.ticks(60))
    return Vector(size.labels, (size.values - before.values) / 1024.0**3).above(2.0)


DATABASE_RULES = (
    AlertRule(
        name="MysqlDown",
        severity=CRITICAL,
        hold_seconds=15,
        expression=lambda q: q.get("mysql_up").below(0.5),
        summary="{instance}: the server does not answer",
    ),
    AlertRule(
        name="PostgresqlDown",
        severity=CRITICAL,
        hold_seconds=15,
        expression=lambda q: q.get("pg_up").below(0.5),
        summary="{instance}: the server does not answer",
    ),
    AlertRule(
        name="MysqlRestarted",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: q.get("mysql_global_status_uptime").below(300.0),
        summary="{instance} was started {value:.0f} s ago",
    ),
    AlertRule(
        name="PostgresqlRestarted",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: q.get("pg_postmaster_uptime_seconds").below(300.0),
        summary="{instance} was started {value:.0f} s ago",
    ),
    AlertRule(
        name="MysqlDeadlocks",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.rate(
            "mysql_info_schema_innodb_metrics_lock_deadlocks_total", 60
        ).above(0.05),
        summary="{instance}: {value:.2f} deadlocks a second",
    ),
    AlertRule(
        name="PostgresqlDeadlocks",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.rate("pg_stat_database_deadlocks", 60).above(0.05),
        summary="{instance}: {value:.2f} deadlocks a second",
    ),
    AlertRule(
        name="MysqlReplicationLag",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.get("mysql_slave_status_seconds_behind_master").above(20.0),
        summary="the replica of {instance} is {value:.0f} s behind",
    ),
    AlertRule(
        name="PostgresqlReplicationLag",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.get("pg_replication_lag_seconds").above(20.0),
        summary="the standby of {instance} is {value:.0f} s behind",
    ),
    AlertRule(
        name="MysqlReplicationStopped",
        severity=CRITICAL,
        hold_seconds=30,
        expression=lambda q: q.get("mysql_slave_status_slave_sql_running").below(0.5),
        summary="the replica of {instance} applies nothing",
    ),
    AlertRule(
        name="PostgresqlStandbyMissing",
        severity=CRITICAL,
        hold_seconds=30,
        expression=lambda q: q.get("pg_stat_replication_standbys").below(0.5),
        summary="no standby is connected to {instance}",
    ),
    AlertRule(
        name="MysqlBufferPoolMisses",
        severity=WARNING,
        hold_seconds=30,
        expression=_mysql_misses,
        summary="{instance} reads {value:.0f} % of its pages from disk",
        scale=100,
    ),
    AlertRule(
        name="PostgresqlCacheMisses",
        severity=WARNING,
        hold_seconds=30,
        expression=_pg_misses,
        summary="{instance} reads {value:.0f} % of its pages from disk",
        scale=100,
    ),
    AlertRule(
        name="MysqlLockWaits",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.get("mysql_info_schema_threads").above(3.0),
        summary="{instance}: {value:.0f} sessions wait for a table's lock",
    ),
    AlertRule(
        name="PostgresqlIdleInTransaction",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: q.get(
            "pg_stat_activity_max_tx_duration", state="idle in transaction"
        ).above(60.0),
        summary="{instance}: a session has been idle in its transaction for {value:.0f} s",
    ),
    AlertRule(
        name="PostgresqlDeadRows",
        severity=WARNING,
        hold_seconds=30,
        expression=_dead_rows,
        summary="{instance}: {value:.0f} % of the rows are dead",
        scale=100,
    ),
    AlertRule(
        name="PostgresqlForcedCheckpoints",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.increase("pg_stat_bgwriter_checkpoints_req_total", 120).above(2.5),
        summary="{instance}: {value:.0f} forced checkpoints in two minutes",
    ),
    AlertRule(
        name="PostgresqlTransactionIdsRunOut",
        severity=CRITICAL,
        hold_seconds=0,
        expression=lambda q: q.get("pg_database_wraparound_age_datfrozenxid").above(
            OLDEST_TRANSACTION
        ),
        summary="{instance}: the oldest transaction id of {datname} is {value:.0f} old",
    ),
    AlertRule(
        name="MysqlReadOnly",
        severity=CRITICAL,
        hold_seconds=15,
        expression=lambda q: q.get("mysql_global_variables_read_only").above(0.5),
        summary="{instance} takes no writes",
    ),
    AlertRule(
        name="PostgresqlNotPrimary",
        severity=CRITICAL,
        hold_seconds=15,
        expression=lambda q: q.get("pg_replication_is_replica").above(0.5),
        summary="{instance} is a standby",
    ),
    AlertRule(
        name="MysqlBinlogGrowth",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: _log_growth("mysql_binlog_size_bytes", q),
        summary="the binary logs of {instance} grew by {value:.0f} GB in a minute",
    ),
    AlertRule(
        name="PostgresqlWalGrowth",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: _log_growth("pg_wal_size_bytes", q),
        summary="the write-ahead log of {instance} grew by {value:.0f} GB in a minute",
    ),
    AlertRule(
        name="MysqlAccessDenied",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: q.increase("mysql_global_status_access_denied_errors", 60).above(3),
        summary="{instance} refused {value:.0f} logins in a minute",
    ),
    AlertRule(
        name="PostgresqlAuthenticationFailures",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: q.increase("pg_authentication_failures_total", 60).above(3),
        summary="{instance} refused {value:.0f} logins in a minute",
    ),
)
