"""The names by which well-known exporters and OpenTelemetry call things, and what they mean.

Read by pipeline/metric_class.py. Names are matched in their Prometheus spelling (dots and dashes
as underscores, lower case). The first rule that matches stands, so special ones come first.
"""

import re

from pipeline.metric_meaning import Direction, MetricClass, Reading
from pipeline.metric_rule import Rule, rule

UP, DOWN, BOTH = Direction.UP, Direction.DOWN, Direction.BOTH
LEVEL, RATE = Reading.LEVEL, Reading.RATE

IGNORED_NAMES = re.compile(
    r"_(bucket|created|info|timestamp_seconds|last_scrape_error)$|^scrape_|^promhttp_"
    r"|^prometheus_(?!.*(error|fail))|^(go|python|jvm|process_runtime)_.*(info|version)"
    r"|^kube_.*(_labels|_annotations|_created|_info|_owner|_metadata_generation)$"
    r"|_metadata_generation$|_observed_generation$|^kube_.*_spec_(?!replicas)"
    r"|^node_(uname|os|dmi|time|boot_time|scrape|exporter)"
    r"|^traces_service_graph_"
)
# Dates that stand for something else than "when this was last exported".
DATED = re.compile(r"expir|not_after|notafter|start_time|boot_time|starttime")

KNOWN: tuple[Rule, ...] = (
    # availability and restarts
    rule(
        r"^(up|probe_success|redis_up|mysql_up|pg_up|mongodb_up|nginx_up)$", "availability", DOWN
    ),
    rule(r"^[a-z0-9]+(_exporter)?_up$", "availability", DOWN, LEVEL),
    rule(r"^kube_pod_container_status_restarts|^k8s_container_restarts", "restarts", UP, RATE),
    rule(
        r"^kube_pod_container_status_(waiting|terminated|last_terminated)|^kube_pod_status_unsched",
        "availability",
        UP,
        LEVEL,
    ),
    rule(r"unavailable|not_ready|notready|_failed_pods", "availability", UP),
    rule(
        r"^kube_.*(ready|available|running)|^kube_pod_status_phase|^k8s_(pod_phase|container_ready)"
        r"|(available|ready)_(replicas|pods)|^k8s_deployment_available",
        "availability",
        DOWN,
    ),
    rule(r"oom(_|$)|oom_events|oom_kill", "memory", UP),
    rule(
        r"process_start_time|container_start_time|jvm_start_time|boot_time",
        "restarts",
        UP,
        Reading.STAMP,
    ),
    rule(r"(^|_)uptime(_|$)", "restarts", UP, Reading.UPTIME),
    rule(r"success_(rate|ratio|share|percent)|(^|_)availability(_|$)", "errors", DOWN, LEVEL),
    # certificates
    rule(
        r"ssl_.*(expiry|not_?after)|cert.*(expir|not_?after)", "certificate", DOWN, Reading.EXPIRY
    ),
    # garbage collection
    rule(
        r"^jvm_gc_|^jvm_gc_duration|^go_gc_|_gc_(pause|duration|time|collection)|^python_gc_", "gc"
    ),
    rule(r"^jvm_(memory|buffer)|^process_runtime_jvm_memory|^go_memstats|^go_memory", "memory"),
    rule(
        r"^(jvm_threads?|go_goroutines?|go_threads?|process_threads?|process_thread_count)",
        "threads",
    ),
    rule(
        r"^process_runtime_go_goroutines|^jvm_thread_count|^nodejs_active_(handles|requests)",
        "threads",
    ),
    rule(r"^nodejs_eventloop_(lag|delay|utilization)|^nodejs_eventloop", "latency"),
    rule(r"^nodejs_gc|^v8js_gc", "gc"),
    # containers and pods
    rule(r"cfs_throttled|cpu_throttl", "cpu", UP),
    rule(r"^kube_pod_container_resource|^container_spec_", "other"),
    rule(r"^(container|k8s_(pod|container|node))_cpu", "cpu"),
    rule(r"^(container|k8s_(pod|container|node))_memory", "memory"),
    rule(r"^(container|k8s_(pod|node))_(fs|filesystem|blkio)|^container_disk", "disk"),
    rule(r"^(container|k8s_(pod|node))_network.*(err|drop|retrans)", "network", UP),
    rule(r"^(container|k8s_(pod|node))_network", "network", BOTH),
    rule(r"^(container|k8s)_.*(threads|processes|tasks|sockets)", "threads"),
    # nodes
    rule(r"(^|_)load_?(1|5|15)(_|$|m)", "cpu", UP, LEVEL, 0.5),
    rule(r"^node_cpu_seconds|^system_cpu|^process_cpu|^node_pressure_cpu", "cpu"),
    rule(r"^process_runtime_.*cpu|^jvm_cpu|^jvm_system_cpu", "cpu"),
    rule(r"^node_memory_(memfree|cached|buffers|swapfree)|mem.*available", "memory", DOWN),
    rule(r"^node_(memory|vmstat)|^system_(memory|paging)|^node_pressure_memory", "memory"),
    rule(r"^node_filesystem_(avail|free|files_free)", "disk", DOWN),
    rule(r"^node_(disk|filesystem)|^system_(disk|filesystem)|^node_pressure_io", "disk"),
    # The node exporter's kernel counters have no suffix.
    rule(r"^node_vmstat_(pgmajfault|pgfault|pswpin|pswpout)", "memory", UP, RATE),
    rule(r"^node_netstat_.*(err|drop|retrans|overflow|timeout|reset)", "network", UP, RATE),
    rule(r"^node_netstat_(?!.*currestab)", "network", BOTH, RATE),
    rule(
        r"^node_(network|netstat|sockstat).*(err|drop|retrans|overflow|timeout|reset)", "network"
    ),
    rule(r"^system_network_(errors|dropped)", "network"),
    rule(r"^(node_netstat|node_sockstat|node_network|system_network)", "network", BOTH),
    rule(r"^process_(resident|virtual)_memory|^process_memory", "memory"),
    rule(r"^(process|system)_(disk|io)", "disk"),
    # MySQL
    rule(r"^mysql_.*(slow_quer)", "latency", UP, RATE),
    rule(r"^mysql_global_status_threads_(running|connected|cached)", "pool", UP, LEVEL),
    rule(r"^mysql_global_status_(max_used_connections)$", "pool", UP, LEVEL),
    rule(r"^mysql_.*(aborted|connection_errors)|^mysql_.*deadlock", "errors", UP, RATE),
    rule(r"^mysql_.*(row_lock|table_locks_waited|lock_wait)", "latency", UP, RATE),
    # A few long statements are no news to a database.
    rule(r"^mysql_info_schema_processlist_seconds", "latency", UP, LEVEL, 5.0),
    rule(r"^pg_stat_activity_max_tx_duration", "latency", UP, LEVEL, 5.0),
    rule(r"^pg_stat_activity", "pool", UP, LEVEL),
    rule(r"^mysql_info_schema_.*(threads|processes|concurrent|connections)", "pool", UP, LEVEL),
    rule(r"^mysql_slave_.*(seconds_behind|lag)|^mysql_heartbeat_lag", "queue", UP, LEVEL),
    rule(r"^mysql_.*buffer_pool_(wait|reads)|^mysql_.*innodb_(data|log)", "disk", BOTH, RATE),
    rule(
        r"^mysql_global_status_(queries|questions|commands|com_|connections|bytes)",
        "traffic",
        BOTH,
        RATE,
    ),
    rule(r"^mysql_.*(handlers|tmp_disk)", "disk", BOTH, RATE),
    rule(r"^mysql_global_variables", "other", BOTH, LEVEL),
    # PostgreSQL
    rule(
        r"^pg_.*(blk_(read|write)_time|mean_(exec_)?time)",
        "latency",
    ),
    rule(r"^pg_stat_statements.*(seconds|time)", "latency"),
    rule(r"^pg_.*(deadlocks|conflicts|rollback)", "errors", UP, RATE),
    rule(r"^pg_locks|^pg_.*lock", "pool", UP, LEVEL),
    rule(r"^pg_replication|^pg_.*lag", "queue", UP, LEVEL),
    rule(r"^pg_.*blks_hit", "cache", BOTH, RATE),
    rule(r"^pg_.*(blks_read|temp_bytes|temp_files|buffers)|^pg_database_size", "disk"),
    rule(r"^pg_stat_database_(xact|tup)|^pg_stat_statements_calls", "traffic", BOTH, RATE),
    rule(r"^pgbouncer_.*(waiting|maxwait)", "pool", UP, LEVEL),
    # Redis, memcached
    rule(r"^redis_(rejected|.*errors)", "errors", UP, RATE),
    rule(r"^redis_blocked_clients", "pool", UP, LEVEL),
    rule(r"^redis_.*(keyspace_misses|evicted)|^memcached_.*(evict|miss)", "cache", UP, RATE),
    rule(r"^redis_.*(keyspace_hits|expired)|^memcached_.*hit", "cache", BOTH, RATE),
    rule(r"^redis_(memory|allocator|mem_)", "memory"),
    rule(r"^redis_.*(slowlog|latency|duration)", "latency"),
    rule(
        r"^redis_(commands|connections_received|net_|keyspace)|^redis_instantaneous",
        "traffic",
        BOTH,
    ),
    rule(r"^redis_(master_repl|connected_slave|.*lag)", "queue", BOTH),
    # MongoDB, Elasticsearch
    rule(r"^mongodb_.*connections", "pool", UP, LEVEL),
    rule(r"^elasticsearch_.*thread_pool.*(queue|rejected)", "threads"),
    rule(r"^elasticsearch_cluster_health_status", "availability", BOTH),
    # queues
    rule(r"^kafka_.*(under_?replicated|offline|under_min_isr)", "availability", UP, LEVEL),
    rule(
        r"^kafka_(consumergroup|consumer|burrow).*lag|records_lag|consumer_lag|_lag_(max|sum)$",
        "queue",
        UP,
        LEVEL,
    ),
    rule(r"^kafka_.*(failed|error)", "errors"),
    rule(
        r"^kafka_topic_partition_current_offset|^kafka_consumergroup_current",
        "traffic",
        BOTH,
        RATE,
    ),
    rule(r"^kafka_.*(latency|time_ms|request_time)", "latency"),
    rule(
        r"^kafka_.*(messages_in|bytes_in|bytes_out|current_offset|rate|records_consumed)",
        "traffic",
        BOTH,
    ),
    rule(
        r"^rabbitmq_.*(messages_ready|messages_unacked|queue_messages|messages)$",
        "queue",
        UP,
        LEVEL,
    ),
    rule(r"^rabbitmq_.*(published|delivered|acked|_total)", "traffic", BOTH),
    rule(r"^rabbitmq_(connections|channels|consumers|queue_consumers)", "pool", BOTH, LEVEL),
    rule(r"^rabbitmq_.*(mem|memory)", "memory"),
    rule(r"^nats_.*(pending|slow_consumer)", "queue"),
    # proxies and meshes
    rule(r"^envoy_.*(pending_overflow|cx_overflow)", "pool", UP, RATE),
    rule(
        r"^envoy_.*(circuit_breakers.*open|rq_pending_active|cx_active)",
        "pool",
    ),
    # Envoy's counters have no suffix.
    rule(r"^envoy_.*(timeout|retry|connect_fail|_5xx|reset|ejections)", "errors", UP, RATE),
    rule(r"^envoy_.*ssl.*(fail|error|days_until)", "certificate"),
    rule(r"^envoy_.*(rq_time|_ms)", "latency"),
    rule(r"^envoy_.*(rq_total|rq_completed|rq_xx|_rq)", "traffic", BOTH, RATE),
    rule(r"^envoy_.*(membership_healthy)", "availability", DOWN, LEVEL),
    rule(r"^istio_request_duration", "latency"),
    rule(r"^istio_requests", "traffic", BOTH),
    rule(r"^istio_tcp_", "network", BOTH),
    rule(
        r"^nginx.*connections_(waiting|writing|active|reading)|^nginx_.*connections",
        "pool",
        BOTH,
        LEVEL,
    ),
    rule(r"^nginx.*requests", "traffic", BOTH),
    rule(r"^haproxy_.*(queue)", "queue"),
    rule(r"^haproxy_.*(errors|retry|redispatch|response.*5xx)", "errors"),
    rule(r"^haproxy_.*(sessions)", "pool", BOTH),
    rule(r"^traefik_.*duration|^probe_duration|^probe_(http|icmp|dns).*duration", "latency"),
    rule(r"^coredns_.*(duration)", "latency"),
    rule(r"^coredns_.*(forward_.*fail|panics|healthcheck_fail)", "errors"),
    rule(r"^coredns_.*cache", "cache", BOTH),
    # client-side pools
    rule(
        r"^hikaricp.*(acquire|creation|usage)|^db_client_connections?_(wait|use|create)_time",
        "pool",
        UP,
    ),
    rule(r"^hikaricp.*(timeout|pending)|^db_client_connections?_(pending|timeout)", "pool", UP),
    rule(r"^hikaricp.*(idle|min)|^db_client_connections?_idle|^jdbc_.*(idle|min)", "pool", DOWN),
    rule(
        r"^(hikaricp|jdbc|db_client_connection|go_sql|c3p0|dbcp|r2dbc_pool|lettuce_pool)",
        "pool",
        UP,
    ),
    rule(r"^(tomcat|jetty|undertow|executor)_.*(thread|worker|active|pool|queue)", "threads"),
    rule(r"^tomcat_sessions", "traffic", BOTH),
    rule(r"^resilience4j_circuitbreaker.*(failure|not_permitted|state|slow_call)", "errors"),
    rule(r"^resilience4j_bulkhead", "pool", BOTH),
    rule(r"^(logback|log4j2?)_events", "errors", UP),
    # OpenTelemetry and the common HTTP, gRPC names
    rule(
        r"^(http|rpc|db|grpc|messaging)_(server|client)_.*(active_requests|in_flight)",
        "pool",
        UP,
        LEVEL,
    ),
    rule(r"active_requests|in_?flight|inflight|concurrent_requests", "pool", UP, LEVEL),
    rule(r"^messaging_.*(duration|time)|^messaging_process_duration", "latency"),
    rule(r"^messaging_.*(messages|publish|receive|consumed|sent)", "traffic", BOTH),
    rule(r"^(http|rpc|db|grpc)_.*(size|bytes|body)", "traffic", BOTH),
)

TOKENS: tuple[tuple[str, MetricClass, Direction], ...] = (
    (r"cert|ssl_expiry|tls_expiry|expir(y|es)_", MetricClass.CERTIFICATE, Direction.DOWN),
    (r"restart|crash", MetricClass.RESTARTS, Direction.UP),
    (r"(^|_)gc(_|$)|garbage|stop_the_world", MetricClass.GC, Direction.UP),
    (
        r"retransmi|packet|(^|_)net(work)?(_|$)|tcp|socket|bandwidth",
        MetricClass.NETWORK,
        Direction.UP,
    ),
    (
        r"error|fail|exception|5xx|rejected|timeout|abort|panic|dropped|retr(y|ies)",
        MetricClass.ERRORS,
        Direction.UP,
    ),
    (r"cache|evict|hit_ratio|(^|_)(hits|misses)(_|$)", MetricClass.CACHE, Direction.BOTH),
    (
        r"(^|_)lag(_|$)|queue|backlog|pending|consumer_lag|depth|unacked",
        MetricClass.QUEUE,
        Direction.UP,
    ),
    (
        r"pool|connection|(^|_)conns?(_|$)|sessions?(_|$)|semaphore|(^|_)locks?(_|$)|fds",
        MetricClass.POOL,
        Direction.UP,
    ),
    (r"thread|worker|goroutine|executor", MetricClass.THREADS, Direction.UP),
    (r"(^|_)cpu|(^|_)load\d*(_|$)|throttl|cores", MetricClass.CPU, Direction.UP),
    (
        r"(^|_)mem(ory)?(_|$)|heap|(^|_)rss(_|$)|working_set|swap|oom",
        MetricClass.MEMORY,
        Direction.UP,
    ),
    (
        r"disk|filesystem|(^|_)fs(_|$)|volume|iops|(^|_)io(_|$)|inode|blkio",
        MetricClass.DISK,
        Direction.UP,
    ),
    (
        r"latency|duration|response_time|elapsed|_time(_|$)|(^|_)(p50|p90|p95|p99)(_|$)|seconds|quantile",
        MetricClass.LATENCY,
        Direction.UP,
    ),
    (
        r"(^|_)up$|healthy|available|ready|alive|reachable",
        MetricClass.AVAILABILITY,
        Direction.DOWN,
    ),
    (
        r"request|(^|_)(rps|qps|tps)(_|$)|throughput|workload|calls|messages|operations|queries|orders|(^|_)rate(_|$)|bytes",
        MetricClass.TRAFFIC,
        Direction.BOTH,
    ),
)
FALLBACK = tuple((re.compile(p), c, d) for p, c, d in TOKENS)
