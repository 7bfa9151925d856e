"""Well-known pairs of used and limit: connections, pools, memory, file systems.

Read by pipeline/metric_class.py before the other names.
"""

from pipeline.metric_meaning import Direction, Reading
from pipeline.metric_rule import K8S, MOUNT, POOL, TARGET, Rule, pair, rule

LEVEL = Reading.LEVEL
DOWN = Direction.DOWN

PAIRED: tuple[Rule, ...] = (
    *pair(
        "mysql_connections",
        TARGET,
        rule(r"^mysql_global_status_threads_connected$", "pool", reading=LEVEL),
        rule(r"^mysql_global_variables_max_connections$", "pool", reading=LEVEL),
    ),
    *pair(
        "pg_connections",
        TARGET,
        rule(r"^pg_stat_(activity_count|database_numbackends)$", "pool", reading=LEVEL),
        rule(r"^pg_settings_max_connections$", "pool", reading=LEVEL),
    ),
    *pair(
        "pgbouncer",
        (*TARGET, "database"),
        rule(r"^pgbouncer_pools_server_active_connections$", "pool", reading=LEVEL),
        rule(r"^pgbouncer_databases_pool_size$", "pool", reading=LEVEL),
    ),
    *pair(
        "hikari",
        POOL,
        rule(r"^hikaricp_(connections_active|active_connections)$", "pool", reading=LEVEL),
        rule(r"^hikaricp_(connections_max|max_connections)$", "pool", reading=LEVEL),
    ),
    *pair(
        "jdbc",
        POOL,
        rule(r"^jdbc_connections_active$", "pool", reading=LEVEL),
        rule(r"^jdbc_connections_max$", "pool", reading=LEVEL),
    ),
    *pair(
        "otel_db_pool",
        POOL,
        rule(r"^db_client_connections?_(count|usage)$", "pool", reading=LEVEL),
        rule(r"^db_client_connections?_max$", "pool", reading=LEVEL),
    ),
    *pair(
        "go_sql",
        POOL,
        rule(r"^go_sql_(stats_connections_)?in_use(_connections)?$", "pool", reading=LEVEL),
        rule(r"^go_sql_(stats_connections_)?max_open(_connections)?$", "pool", reading=LEVEL),
    ),
    *pair(
        "redis_clients",
        TARGET,
        rule(r"^redis_connected_clients$", "pool", reading=LEVEL),
        rule(r"^redis_config_maxclients$", "pool", reading=LEVEL),
    ),
    *pair(
        "redis_memory",
        TARGET,
        rule(r"^redis_memory_used_bytes$", "memory", reading=LEVEL),
        rule(r"^redis_memory_max_bytes$", "memory", reading=LEVEL),
    ),
    *pair(
        "fds",
        TARGET,
        rule(r"^process_(open_fds|files_open_files)$", "pool", reading=LEVEL),
        rule(r"^process_(max_fds|files_max_files)$", "pool", reading=LEVEL),
    ),
    *pair(
        "conntrack",
        TARGET,
        rule(r"^node_nf_conntrack_entries$", "pool", reading=LEVEL),
        rule(r"^node_nf_conntrack_entries_limit$", "pool", reading=LEVEL),
    ),
    *pair(
        "tomcat_threads",
        POOL,
        rule(r"^tomcat_threads_busy(_threads)?$", "threads", reading=LEVEL),
        rule(r"^tomcat_threads_config_max(_threads)?$", "threads", reading=LEVEL),
    ),
    *pair(
        "executor",
        POOL,
        rule(r"^executor_active(_threads)?$", "threads", reading=LEVEL),
        rule(r"^executor_pool_max(_threads)?$", "threads", reading=LEVEL),
    ),
    *pair(
        "jvm_memory",
        POOL,
        rule(r"^jvm_memory_(used|bytes_used)(_bytes)?$", "memory", reading=LEVEL),
        rule(r"^jvm_memory_(max|limit|bytes_max)(_bytes)?$", "memory", reading=LEVEL),
    ),
    *pair(
        "container_memory",
        K8S,
        rule(r"^container_memory_working_set(_bytes)?$", "memory", reading=LEVEL),
        rule(
            r"^(container_spec_memory_limit_bytes|kube_pod_container_resource_limits(_memory_bytes)?)$",
            "memory",
            reading=LEVEL,
        ),
    ),
    *pair(
        "node_memory",
        TARGET,
        rule(r"^node_memory_memavailable_bytes$", "memory", DOWN, LEVEL),
        rule(r"^node_memory_memtotal_bytes$", "memory", DOWN, LEVEL),
    ),
    *pair(
        "node_filesystem",
        MOUNT,
        rule(r"^node_filesystem_avail_bytes$", "disk", DOWN, LEVEL),
        rule(r"^node_filesystem_size_bytes$", "disk", DOWN, LEVEL),
    ),
    *pair(
        "kubelet_volume",
        ("namespace", "persistentvolumeclaim"),
        rule(r"^kubelet_volume_stats_used_bytes$", "disk", reading=LEVEL),
        rule(r"^kubelet_volume_stats_capacity_bytes$", "disk", reading=LEVEL),
    ),
)
