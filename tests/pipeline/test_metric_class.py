"""What real exporters' and OpenTelemetry's metric names are taken for."""

import pytest

from pipeline.metric_class import Direction, MetricClass, classify
from pipeline.metric_meaning import Reading
from schemas.measures import MEASURES
from schemas.telemetry import MetricForm, labels_of

NAMES = """
up                                                      availability down level
probe_success                                           availability down level
redis_up                                                availability down level
pg_up                                                   availability down level
kube_deployment_status_replicas_available               availability down level
kube_deployment_status_replicas_unavailable             availability up   level
kube_pod_status_ready                                   availability down level
k8s.deployment.available                                availability down level
kafka_server_replicamanager_underreplicatedpartitions   availability up   level
envoy_cluster_membership_healthy                        availability down level
kube_pod_container_status_restarts_total                restarts     up   rate
k8s.container.restarts                                  restarts     up   rate
process_start_time_seconds                              restarts     up   stamp
process_uptime_seconds                                  restarts     up   uptime
mysql_global_status_uptime                              restarts     up   uptime
probe_ssl_earliest_cert_expiry                          certificate  down expiry
certmanager_certificate_expiration_timestamp_seconds    certificate  down expiry
x509_cert_not_after                                     certificate  down expiry
jvm_gc_pause_seconds_sum                                gc           up   total
jvm_gc_pause_seconds_max                                gc           up   level
jvm_gc_collection_seconds_sum                           gc           up   total
jvm.gc.duration_sum                                     gc           up   total
go_gc_duration_seconds                                  gc           up   level
jvm_memory_used_bytes                                   memory       up   level
jvm.memory.used                                         memory       up   level
process_resident_memory_bytes                           memory       up   level
go_memstats_heap_inuse_bytes                            memory       up   level
container_memory_working_set_bytes                      memory       up   level
container_oom_events_total                              memory       up   rate
node_memory_MemAvailable_bytes                          memory       down level
k8s.pod.memory.working_set                              memory       up   level
redis_memory_used_bytes                                 memory       up   level
system.memory.usage                                     memory       up   level
process_cpu_seconds_total                               cpu          up   rate
container_cpu_usage_seconds_total                       cpu          up   rate
container_cpu_cfs_throttled_seconds_total               cpu          up   rate
node_cpu_seconds_total                                  cpu          up   rate
node_load1                                              cpu          up   level
system_cpu_usage                                        cpu          up   level
system.cpu.utilization                                  cpu          up   level
k8s.container.cpu.usage                                 cpu          up   level
node_filesystem_avail_bytes                             disk         down level
node_disk_io_time_seconds_total                         disk         up   rate
container_fs_writes_bytes_total                         disk         up   rate
kubelet_volume_stats_used_bytes                         disk         up   level
system.disk.io                                          disk         up   level
node_netstat_Tcp_RetransSegs                            network      up   rate
node_network_receive_errs_total                         network      up   rate
container_network_receive_bytes_total                   network      both rate
container_network_transmit_packets_dropped_total        network      up   rate
system.network.errors                                   network      up   level
hikaricp_connections_active                             pool         up   level
hikaricp_connections_pending                            pool         up   level
hikaricp_connections_acquire_seconds_sum                pool         up   total
hikaricp_connections_timeout_total                      pool         up   rate
db.client.connection.count                              pool         up   level
db.client.connection.wait_time_sum                      pool         up   total
mysql_global_status_threads_connected                   pool         up   level
mysql_global_status_threads_running                     pool         up   level
mysql_info_schema_processlist_threads                   pool         up   level
mysql_global_status_aborted_connects                    errors       up   rate
mysql_global_status_slow_queries                        latency      up   rate
mysql_global_status_innodb_row_lock_waits               latency      up   rate
mysql_global_status_queries                             traffic      both rate
mysql_slave_status_seconds_behind_master                queue        up   level
pg_stat_activity_count                                  pool         up   level
pg_stat_database_deadlocks                              errors       up   rate
pg_stat_database_xact_commit                            traffic      both rate
pg_locks_count                                          pool         up   level
pg_replication_lag_seconds                              queue        up   level
redis_connected_clients                                 pool         up   level
redis_evicted_keys_total                                cache        up   rate
redis_keyspace_misses_total                             cache        up   rate
redis_commands_processed_total                          traffic      both rate
redis_rejected_connections_total                        errors       up   rate
kafka_consumergroup_lag                                 queue        up   level
kafka_consumer_records_lag_max                          queue        up   level
kafka_server_brokertopicmetrics_messagesin_total        traffic      both rate
rabbitmq_queue_messages_ready                           queue        up   level
rabbitmq_connections                                    pool         both level
nginx_connections_active                                pool         both level
nginx_http_requests_total                               traffic      both rate
envoy_cluster_upstream_rq_timeout                       errors       up   rate
envoy_cluster_upstream_rq_pending_overflow              pool         up   rate
envoy_cluster_upstream_rq_total                         traffic      both rate
kafka_topic_partition_current_offset                    traffic      both rate
envoy_cluster_upstream_cx_active                        pool         up   level
istio_requests_total                                    traffic      both rate
istio_request_duration_milliseconds_sum                 latency      up   total
tomcat_threads_busy_threads                             threads      up   level
jvm_threads_live_threads                                threads      up   level
go_goroutines                                           threads      up   level
executor_active_threads                                 threads      up   level
http_server_requests_seconds_sum                        latency      up   total
http_server_requests_seconds_count                      traffic      both rate
http_server_requests_seconds_max                        latency      up   level
http.server.request.duration_sum                        latency      up   total
http.server.active_requests                             pool         up   level
rpc.server.duration_sum                                 latency      up   total
rpc_server_duration_milliseconds_count                  traffic      both rate
db.client.operation.duration_sum                        latency      up   total
messaging.process.duration_sum                          latency      up   total
messaging.client.consumed.messages_total                traffic      both rate
probe_duration_seconds                                  latency      up   level
coredns_dns_request_duration_seconds_sum                latency      up   total
nodejs_eventloop_lag_seconds                            latency      up   level
resilience4j_circuitbreaker_not_permitted_calls_total   errors       up   rate
orders_failed_total                                     errors       up   rate
checkout_latency_ms                                     latency      up   level
fulfilment_queue_depth                                  queue        up   level
requests_total                                          traffic      both rate
http_server_requests_seconds_bucket                     other        both ignored
jvm_info                                                other        both ignored
kube_pod_info                                           other        both ignored
go_gc_duration_seconds_created                          other        both ignored
"""
TABLE = [line.split() for line in NAMES.strip().splitlines()]


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len({row[0] for row in TABLE}) == len(TABLE) >= 80


@pytest.mark.parametrize(
    ("name", "metric_class", "direction", "reading"), TABLE, ids=[row[0] for row in TABLE]
)
def test_a_well_known_name(name: str, metric_class: str, direction: str, reading: str) -> None:
    meaning = classify(name, ())
    assert (meaning.metric_class, meaning.direction, meaning.reading) == (
        metric_class,
        direction,
        reading,
    )


def test_every_class_is_a_measure() -> None:
    measured = {name.removeprefix("z_") for name in MEASURES if name.startswith("z_")}
    assert measured == {metric_class.value for metric_class in MetricClass}


@pytest.mark.parametrize(
    "labels",
    [
        {"status": "503"},
        {"code": "5xx"},
        {"http.response.status_code": "500"},
        {"outcome": "SERVER_ERROR"},
        {"grpc_code": "Unavailable"},
    ],
)
def test_requests_that_failed_are_errors(labels: dict[str, str]) -> None:
    meaning = classify("http_server_requests_seconds_count", labels_of(labels))
    assert (meaning.metric_class, meaning.direction) == (MetricClass.ERRORS, Direction.UP)


@pytest.mark.parametrize("status", ["200", "404", "2xx", "OK"])
def test_requests_that_did_not_fail_are_traffic(status: str) -> None:
    meaning = classify("http_requests_total", labels_of({"status": status}))
    assert meaning.metric_class is MetricClass.TRAFFIC


def test_the_time_of_failed_requests_stays_latency() -> None:
    meaning = classify("http_server_requests_seconds_sum", labels_of({"status": "500"}))
    assert meaning.metric_class is MetricClass.LATENCY


@pytest.mark.parametrize(
    ("form", "reading"),
    [
        (MetricForm.GAUGE, Reading.LEVEL),
        (MetricForm.COUNTER, Reading.RATE),
        (MetricForm.DELTA, Reading.DELTA),
        (MetricForm.UNKNOWN, Reading.RATE),
    ],
)
def test_the_form_says_how_to_read_a_series(form: MetricForm, reading: Reading) -> None:
    assert classify("orders_total", (), form=form).reading is reading


PAIRS = [
    ("mysql_global_status_threads_connected", "mysql_global_variables_max_connections"),
    ("pg_stat_activity_count", "pg_settings_max_connections"),
    ("hikaricp_connections_active", "hikaricp_connections_max"),
    ("db.client.connection.count", "db.client.connection.max"),
    ("go_sql_in_use_connections", "go_sql_max_open_connections"),
    ("redis_connected_clients", "redis_config_maxclients"),
    ("process_open_fds", "process_max_fds"),
    ("tomcat_threads_busy_threads", "tomcat_threads_config_max_threads"),
    ("jvm_memory_used_bytes", "jvm_memory_max_bytes"),
    ("container_memory_working_set_bytes", "container_spec_memory_limit_bytes"),
    ("orders_db_pool_active", "orders_db_pool_max"),
    ("worker_threads_busy", "worker_threads_limit"),
]


@pytest.mark.parametrize(("used", "limit"), PAIRS)
def test_used_and_limit_are_paired(used: str, limit: str) -> None:
    a, b = classify(used, ()).pairing, classify(limit, ()).pairing
    assert a is not None
    assert b is not None
    assert (a.key, a.scope) == (b.key, b.scope)
    assert (a.role, b.role) == ("used", "limit")


def test_idle_connections_are_not_used() -> None:
    assert classify("db.client.connection.count", labels_of({"state": "idle"})).pairing is None
    assert classify("db.client.connection.count", labels_of({"state": "used"})).pairing


def test_a_limit_of_another_resource_is_none() -> None:
    labels = labels_of({"resource": "cpu"})
    assert classify("kube_pod_container_resource_limits", labels).pairing is None


@pytest.mark.parametrize(
    ("name", "labels", "holder"),
    [
        ("mysql_info_schema_processlist_threads", {"user": "report"}, "report"),
        ("pg_stat_activity_count", {"usename": "app", "application_name": "job"}, "job"),
        ("pg_stat_activity_count", {"datname": "shop"}, ""),
        ("http_requests_total", {"client": "web"}, ""),
    ],
)
def test_who_holds_connections(name: str, labels: dict[str, str], holder: str) -> None:
    assert classify(name, labels_of(labels)).holder == holder


def test_floors_follow_the_unit() -> None:
    assert classify("request_latency_seconds", ()).floor == 1e-3
    assert classify("request_latency_milliseconds", ()).floor == 1.0
    assert classify("request_latency", (), "ms").floor == 1.0
    assert classify("pool_usage_ratio", ()).floor == 0.02
    assert classify("cpu_usage_percent", ()).floor == 2.0


def test_badness_follows_the_direction() -> None:
    assert classify("up", ()).badness(-5.0) == 5.0
    assert classify("go_goroutines", ()).badness(-5.0) == -5.0
    assert classify("requests_total", ()).badness(-5.0) == 5.0


def test_the_name_of_a_ratio_means_what_its_used_part_means() -> None:
    assert classify("node_filesystem_avail_bytes/node_filesystem_size_bytes", ()).direction is (
        Direction.DOWN
    )
