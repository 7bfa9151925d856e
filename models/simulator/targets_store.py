"""What the exporters of caches and brokers show, and probes of third parties."""

from models.simulator.broker import BROKERS, Broker, Group, Topic
from models.simulator.cache import MAX_CLIENTS, Cache
from models.simulator.external import External
from models.simulator.outcome import NO_SPACE, READ_ONLY
from models.simulator.series import Metric
from models.simulator.targets_runtime import MB, metric


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
        metric(
            "redis_connected_clients",
            lambda: 4 * len(clients) + cache.cpu.running + cache.strangers,
        ),
        *_redis_condition(cache),
    ]


def _redis_condition(cache: Cache) -> list[Metric]:
    def errors(outcome: int) -> float:
        return cache.write_errors if cache.writable == outcome else cache.past_errors[outcome]

    return [
        metric("redis_config_maxclients", lambda: MAX_CLIENTS),
        metric("redis_rejected_connections_total", lambda: cache.rejected),
        metric("redis_net_output_bytes_total", lambda: cache.sent_bytes),
        metric("redis_cpu_user_seconds_main_thread_total", lambda: cache.busy_seconds),
        metric("redis_slowlog_last_id", lambda: cache.slow_commands),
        metric("redis_latest_fork_seconds", lambda: cache.fork_seconds),
        metric("redis_rdb_bgsave_in_progress", lambda: float(cache.saving)),
        metric("redis_rdb_last_bgsave_status", lambda: float(cache.saved)),
        metric("redis_aof_delayed_fsync_total", lambda: cache.delayed_syncs),
        metric("redis_connected_slaves", lambda: cache.replicas),
        metric("redis_errors_total", lambda: errors(NO_SPACE), err="OOM"),
        metric("redis_errors_total", lambda: errors(READ_ONLY), err="READONLY"),
    ]


def lag_metrics(group: Group) -> list[Metric]:
    """Return kafka_exporter's view of one consumer group."""
    labels = {"consumergroup": group.name, "topic": group.topic}
    return [
        metric("kafka_consumergroup_lag", lambda: group.lag, **labels),
        metric("kafka_consumergroup_current_offset", lambda: group.committed, **labels),
    ]


def broker_metrics(broker: Broker) -> list[Metric]:
    """Return the view of a broker's own metrics and of kafka_exporter on all brokers."""
    groups = [group for topic in broker.topics.values() for group in topic.groups]
    partitions = 6 * len(broker.topics)
    return [
        metric("kafka_brokers", lambda: broker.online),
        metric(
            "kafka_server_replicamanager_underreplicatedpartitions",
            lambda: partitions * (3 - broker.in_sync) / BROKERS,
        ),
        metric(
            "kafka_controller_kafkacontroller_offlinepartitionscount",
            lambda: round(broker.offline_share * partitions),
        ),
        metric("kafka_server_replicamanager_isrshrinks_total", lambda: broker.shrinks),
        metric("kafka_controller_leader_elections_total", lambda: broker.elections),
        metric("kafka_server_brokertopicmetrics_failed_produce_requests_total", broker.failed),
        metric("kafka_network_requestmetrics_produce_seconds_sum", lambda: broker.produce_seconds),
        metric("kafka_network_requestmetrics_produce_seconds_count", lambda: broker.produces),
        metric("kafka_server_produce_throttle_time_seconds", lambda: broker.throttle_seconds),
        metric(
            "kafka_coordinator_group_rebalances_total",
            lambda: sum(group.rebalances for group in groups),
        ),
    ]


def topic_metrics(topic: Topic) -> list[Metric]:
    """Return kafka_exporter's view of one topic."""
    labels = {"topic": topic.name}
    return [
        metric("kafka_topic_partition_current_offset", lambda: topic.published, **labels),
        metric("kafka_topic_partition_in_sync_replica", lambda: topic.broker.in_sync, **labels),
    ]


def probe_metrics(external: External) -> list[Metric]:
    """Return the blackbox exporter's view of a third party."""

    def works() -> bool:
        return (
            not external.certificate_expired
            and external.reachable
            and not external.allowed  # the probe has the same quota
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
