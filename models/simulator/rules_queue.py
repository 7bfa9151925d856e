"""Rules about what goes on inside caches and brokers."""

from models.simulator.alert_rule import CRITICAL, WARNING, AlertRule
from models.simulator.promql import Query, Vector


def _clients(query: Query) -> Vector:
    connected = query.get("redis_connected_clients")
    return (connected / query.get("redis_config_maxclients")).above(0.9)


def _slowlog(query: Query) -> Vector:
    return query.rate("redis_slowlog_last_id", 60).above(0.3)


def _output(query: Query) -> Vector:
    sent = query.rate("redis_net_output_bytes_total", 60)
    before = sent.shifted(query.ticks(120))
    return (sent / before).above(5.0).given(sent.above(2e6))


def _append_seconds(query: Query) -> Vector:
    base = "kafka_network_requestmetrics_produce_seconds"
    return (query.rate(f"{base}_sum", 60) / query.rate(f"{base}_count", 60)).above(0.25)


QUEUE_RULES = (
    AlertRule(
        name="RedisClientsNearLimit",
        severity=WARNING,
        hold_seconds=15,
        expression=_clients,
        summary="{instance}: {value:.0f} % of the allowed clients are connected",
        scale=100,
    ),
    AlertRule(
        name="RedisRejectedConnections",
        severity=CRITICAL,
        hold_seconds=0,
        expression=lambda q: q.increase("redis_rejected_connections_total", 60).above(5),
        summary="{instance} turned {value:.0f} connections away in a minute",
    ),
    AlertRule(
        name="RedisSlowlogGrowing",
        severity=WARNING,
        hold_seconds=15,
        expression=_slowlog,
        summary="{instance} logs {value:.1f} slow commands a second",
    ),
    AlertRule(
        name="RedisMainThreadBusy",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.rate("redis_cpu_user_seconds_main_thread_total", 60).above(0.8),
        summary="{instance}: the main thread is {value:.0f} % busy",
        scale=100,
    ),
    AlertRule(
        name="RedisOutputGrowing",
        severity=WARNING,
        hold_seconds=15,
        expression=_output,
        summary="{instance} sends {value:.0f} times as much as two minutes ago",
    ),
    AlertRule(
        name="RedisForkSlow",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: q.get("redis_latest_fork_seconds").above(0.5),
        summary="{instance}: the last fork took {value:.1f} s",
    ),
    AlertRule(
        name="RedisFsyncDelayed",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.rate("redis_aof_delayed_fsync_total", 60).above(0.1),
        summary="{instance}: writes wait for the append-only file",
    ),
    AlertRule(
        name="RedisSavingFailed",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.get("redis_rdb_last_bgsave_status").below(0.5),
        summary="{instance}: the last save to disk failed",
    ),
    AlertRule(
        name="RedisWriteErrors",
        severity=CRITICAL,
        hold_seconds=15,
        expression=lambda q: q.rate("redis_errors_total", 60).above(0.05),
        summary="{instance} answers {value:.1f} writes a second with {err}",
    ),
    AlertRule(
        name="RedisReplicaMissing",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.get("redis_connected_slaves").below(0.5),
        summary="{instance} has no replica",
    ),
    AlertRule(
        name="KafkaBrokersMissing",
        severity=CRITICAL,
        hold_seconds=15,
        expression=lambda q: q.get("kafka_brokers").below(2.5),
        summary="{instance}: only {value:.0f} brokers are there",
    ),
    AlertRule(
        name="KafkaUnderReplicatedPartitions",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.get("kafka_server_replicamanager_underreplicatedpartitions").above(
            0.5
        ),
        summary="{instance}: {value:.0f} partitions lack a replica",
    ),
    AlertRule(
        name="KafkaOfflinePartitions",
        severity=CRITICAL,
        hold_seconds=0,
        expression=lambda q: q.get(
            "kafka_controller_kafkacontroller_offlinepartitionscount"
        ).above(0.5),
        summary="{instance}: {value:.0f} partitions have no leader",
    ),
    AlertRule(
        name="KafkaIsrShrinks",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: q.increase("kafka_server_replicamanager_isrshrinks_total", 60).above(
            2
        ),
        summary="{instance}: replicas fell out of sync {value:.0f} times in a minute",
    ),
    AlertRule(
        name="KafkaLeaderElections",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: q.increase("kafka_controller_leader_elections_total", 60).above(3),
        summary="{instance}: {value:.0f} elections in a minute",
    ),
    AlertRule(
        name="KafkaProduceFailures",
        severity=CRITICAL,
        hold_seconds=0,
        expression=lambda q: q.increase(
            "kafka_server_brokertopicmetrics_failed_produce_requests_total", 60
        ).above(3),
        summary="{instance}: {value:.0f} appends failed in a minute",
    ),
    AlertRule(
        name="KafkaProduceSlow",
        severity=WARNING,
        hold_seconds=30,
        expression=_append_seconds,
        summary="{instance}: an append takes {value:.2f} s",
    ),
    AlertRule(
        name="KafkaProducersThrottled",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.get("kafka_server_produce_throttle_time_seconds").above(0.1),
        summary="{instance} keeps producers waiting for {value:.1f} s",
    ),
    AlertRule(
        name="KafkaGroupsRebalance",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: q.increase("kafka_coordinator_group_rebalances_total", 60).above(3),
        summary="{instance}: consumer groups were rebalanced {value:.0f} times in a minute",
    ),
)
