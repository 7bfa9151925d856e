"""Rules about databases, caches, queues and third parties."""

from models.simulator.alert_rule import CRITICAL, WARNING, AlertRule
from models.simulator.promql import Query, Vector


def _mysql_usage(query: Query) -> Vector:
    connected = query.get("mysql_global_status_threads_connected")
    return (connected / query.get("mysql_global_variables_max_connections")).above(0.85)


def _pg_usage(query: Query) -> Vector:
    used = query.get("pg_stat_database_numbackends").sum_by("job", "instance", "server")
    limit = query.get("pg_settings_max_connections").sum_by("job", "instance", "server")
    return (used / limit).above(0.85)


def _redis_hits(query: Query) -> Vector:
    by = ("job", "instance")
    hits = query.rate("redis_keyspace_hits_total", 60).sum_by(*by)
    reads = hits + query.rate("redis_keyspace_misses_total", 60).sum_by(*by)
    return (hits / reads.above(0.5)).below(0.6)


def _redis_latency(query: Query) -> Vector:
    busy = query.rate("redis_commands_duration_seconds_total", 60)
    return (busy / query.rate("redis_commands_processed_total", 60)).above(0.01)


def _redis_memory(query: Query) -> Vector:
    used = query.get("redis_memory_used_bytes")
    return (used / query.get("redis_memory_max_bytes")).above(0.92)


def _lag_growth(query: Query) -> Vector:
    lag = query.get("kafka_consumergroup_lag")
    before = lag.shifted(query.ticks(60))
    grown = Vector(lag.labels, lag.values - before.values)
    return grown.above(30)


STORE_RULES = (
    AlertRule(
        name="MysqlConnectionsNearLimit",
        severity=CRITICAL,
        hold_seconds=15,
        expression=_mysql_usage,
        summary="{instance}: {value:.0f} % of the allowed connections are open",
        scale=100,
    ),
    AlertRule(
        name="MysqlConnectionsRefused",
        severity=CRITICAL,
        hold_seconds=0,
        expression=lambda q: q.increase("mysql_global_status_aborted_connects", 60).above(5),
        summary="{instance} refused {value:.0f} connections in a minute",
    ),
    AlertRule(
        name="MysqlThreadsRunning",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.get("mysql_global_status_threads_running").above(20),
        summary="{instance}: {value:.0f} statements run at once",
    ),
    AlertRule(
        name="MysqlSlowQueries",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.rate("mysql_global_status_slow_queries", 60).above(0.8),
        summary="{instance}: {value:.1f} slow queries a second",
    ),
    AlertRule(
        name="PostgresConnectionsNearLimit",
        severity=CRITICAL,
        hold_seconds=15,
        expression=_pg_usage,
        summary="{instance}: {value:.0f} % of the allowed connections are open",
        scale=100,
    ),
    AlertRule(
        name="PostgresConnectionsRefused",
        severity=CRITICAL,
        hold_seconds=0,
        expression=lambda q: q.increase("pg_connections_refused_total", 60).above(5),
        summary="{instance} refused {value:.0f} connections in a minute",
    ),
    AlertRule(
        name="PostgresActiveSessions",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.get("pg_stat_activity_active").above(20),
        summary="{instance}: {value:.0f} sessions run statements at once",
    ),
    AlertRule(
        name="PostgresSlowQueries",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.rate("pg_slow_queries_total", 60).above(0.8),
        summary="{instance}: {value:.1f} slow queries a second",
    ),
    AlertRule(
        name="RedisDown",
        severity=CRITICAL,
        hold_seconds=15,
        expression=lambda q: q.get("redis_up").below(0.5),
        summary="{instance}: the cache does not answer",
    ),
    AlertRule(
        name="RedisHitRatioLow",
        severity=WARNING,
        hold_seconds=30,
        expression=_redis_hits,
        summary="{instance}: only {value:.0f} % of reads hit",
        scale=100,
    ),
    AlertRule(
        name="RedisSlowCommands",
        severity=WARNING,
        hold_seconds=30,
        expression=_redis_latency,
        summary="{instance}: commands take {value:.3f} s on average",
    ),
    AlertRule(
        name="RedisMemoryNearLimit",
        severity=WARNING,
        hold_seconds=30,
        expression=_redis_memory,
        summary="{instance}: {value:.0f} % of the memory limit is in use",
        scale=100,
    ),
    AlertRule(
        name="RedisEvictions",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.rate("redis_evicted_keys_total", 60).above(5),
        summary="{instance} evicts {value:.0f} keys a second",
    ),
    AlertRule(
        name="KafkaConsumerLag",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.get("kafka_consumergroup_lag").above(40),
        summary="{consumergroup} is {value:.0f} messages behind on {topic}",
    ),
    AlertRule(
        name="KafkaConsumerLagGrowing",
        severity=CRITICAL,
        hold_seconds=30,
        expression=_lag_growth,
        summary="{consumergroup} fell {value:.0f} messages further behind on {topic} in a minute",
    ),
    AlertRule(
        name="ExternalProbeFailed",
        severity=CRITICAL,
        hold_seconds=30,
        expression=lambda q: q.get("probe_success").below(0.5),
        summary="the probe of {instance} fails",
    ),
    AlertRule(
        name="ExternalProbeSlow",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.get("probe_duration_seconds").above(1.5),
        summary="the probe of {instance} takes {value:.1f} s",
    ),
)
