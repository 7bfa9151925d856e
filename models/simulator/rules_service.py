"""Rules about services: errors, latency, saturation of threads, pools and heaps."""

from models.simulator.alert_rule import CRITICAL, WARNING, AlertRule, share
from models.simulator.promql import Query, Vector

BY_SERVICE = ("namespace", "service", "app")
DURATION = "http_server_request_duration_seconds"


def p95(query: Query) -> Vector:
    """Return the recording rule `service:http_server_request_duration_seconds:p95_1m`."""
    return query.quantile(0.95, query.rate(f"{DURATION}_bucket", 60), *BY_SERVICE)


def _errors(query: Query, seconds: float) -> Vector:
    failed = query.rate("http_requests_total", seconds, code="5*")
    # One error among few requests is no rate: at least three a minute.
    several = failed.sum_by(*BY_SERVICE).above(2.5 / seconds)
    part = share(failed, query.rate("http_requests_total", seconds), *BY_SERVICE)
    return part.given(several)


def _pool_waits(query: Query) -> Vector:
    pending = query.get("hikaricp_connections_pending")
    return pending.sum_by("namespace", "service", "pool").above(4)


def _pool_usage(query: Query) -> Vector:
    by = ("namespace", "service", "pod", "pool")
    active = query.get("hikaricp_connections_active")
    return share(active, query.get("hikaricp_connections_max"), *by).above(0.95)


def _gc_share(query: Query) -> Vector:
    by = ("namespace", "service", "pod")
    return query.rate("jvm_gc_pause_seconds_sum", 60).sum_by(*by).above(0.1)


def _heap(query: Query) -> Vector:
    return share(
        query.get("jvm_memory_used_bytes", area="heap"),
        query.get("jvm_memory_max_bytes", area="heap"),
        "namespace",
        "service",
        "pod",
    ).above(0.9)


def _threads(query: Query) -> Vector:
    by = ("namespace", "service", "pod")
    busy = query.get("executor_active_threads")
    return share(busy, query.get("executor_pool_max_threads"), *by).above(0.9)


def _workers(query: Query) -> Vector:
    by = ("namespace", "app", "pod")
    busy = query.get("gunicorn_workers_busy")
    return share(busy, query.get("gunicorn_workers"), *by).above(0.9)


def _traffic_drop(query: Query) -> Vector:
    served = query.rate("http_requests_total", 120, code="200").sum_by(*BY_SERVICE)
    before = served.shifted(query.ticks(300)).above(0.5)
    return (served / before).below(0.4)


def _slower_than_before(query: Query) -> Vector:
    now = p95(query)
    before = now.shifted(query.ticks(300))
    return (now / before).above(4.0).given(now.above(0.15))


def _client_errors(query: Query) -> Vector:
    by = (*BY_SERVICE, "server_address")
    failed = query.rate("http_client_request_errors_total", 60)
    calls = query.rate("http_client_request_duration_seconds_count", 60)
    busy = calls.sum_by(*by).above(0.1)
    return share(failed, calls, *by).above(0.3).given(busy)


SERVICE_RULES = (
    AlertRule(
        name="HighErrorRate",
        severity=CRITICAL,
        hold_seconds=30,
        expression=lambda q: _errors(q, 60).above(0.05),
        summary="{service}{app} answers {value:.1f} % of its requests with 5xx",
        scale=100,
    ),
    AlertRule(
        name="LatencySloBreach",
        severity=CRITICAL,
        hold_seconds=30,
        expression=lambda q: p95(q).above(0.75),
        summary="P95 latency of {service}{app} is {value:.2f} s",
    ),
    AlertRule(
        name="LatencyRegression",
        severity=WARNING,
        hold_seconds=30,
        expression=_slower_than_before,
        summary="P95 latency of {service}{app} is {value:.1f} times what it was five minutes ago",
    ),
    AlertRule(
        name="SuccessfulTrafficDrop",
        severity=WARNING,
        hold_seconds=45,
        expression=_traffic_drop,
        summary="{service}{app} serves {value:.0f} % of what it served five minutes ago",
        scale=100,
    ),
    AlertRule(
        name="DependencyErrors",
        severity=WARNING,
        hold_seconds=30,
        expression=_client_errors,
        summary="{service}{app}: {value:.0f} % of calls to {server_address} fail",
        scale=100,
    ),
    AlertRule(
        name="ThreadPoolSaturated",
        severity=WARNING,
        hold_seconds=30,
        expression=_threads,
        summary="{pod}: request threads are {value:.0f} % busy",
        scale=100,
    ),
    AlertRule(
        name="WorkerPoolSaturated",
        severity=WARNING,
        hold_seconds=30,
        expression=_workers,
        summary="{pod}: workers are {value:.0f} % busy",
        scale=100,
    ),
    AlertRule(
        name="RequestBacklogGrowing",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.get("executor_queued_tasks").above(8),
        summary="{pod}: {value:.0f} requests wait for a thread",
    ),
    AlertRule(
        name="RequestsRejected",
        severity=CRITICAL,
        hold_seconds=15,
        expression=lambda q: q.rate("http_server_rejected_requests_total", 60).above(0.1),
        summary="{pod} turns requests away",
    ),
    AlertRule(
        name="HikariPoolPending",
        severity=WARNING,
        hold_seconds=15,
        expression=_pool_waits,
        summary="{service}: {value:.0f} threads wait for a connection of pool {pool}",
    ),
    AlertRule(
        name="HikariPoolExhausted",
        severity=WARNING,
        hold_seconds=60,
        expression=_pool_usage,
        summary="{pod}: pool {pool} is fully in use",
    ),
    AlertRule(
        name="DbConnectionTimeouts",
        severity=CRITICAL,
        hold_seconds=0,
        expression=lambda q: q.increase("hikaricp_connections_timeout_total", 60).above(2),
        summary="{pod}: {value:.0f} timeouts getting a connection of pool {pool} in a minute",
    ),
    AlertRule(
        name="DbClientPoolTimeouts",
        severity=CRITICAL,
        hold_seconds=0,
        expression=lambda q: q.increase("db_client_connections_timeouts_total", 60).above(2),
        summary="{pod}: {value:.0f} timeouts getting a connection of {pool_name} in a minute",
    ),
    AlertRule(
        name="DbConnectErrors",
        severity=CRITICAL,
        hold_seconds=0,
        expression=lambda q: q.increase("go_sql_connect_errors_total", 60).above(2),
        summary="{pod}: {value:.0f} connections to {db_name} were refused in a minute",
    ),
    AlertRule(
        name="JvmGcPauses",
        severity=WARNING,
        hold_seconds=30,
        expression=_gc_share,
        summary="{pod} spends {value:.0f} % of its time in garbage collection",
        scale=100,
    ),
    AlertRule(
        name="JvmHeapNearlyFull",
        severity=WARNING,
        hold_seconds=45,
        expression=_heap,
        summary="{pod}: heap is {value:.0f} % full",
        scale=100,
    ),
    AlertRule(
        name="ConsumerFailures",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.rate("kafka_consumer_processing_failures_total", 60).above(0.1),
        summary="{pod} fails to process messages",
    ),
)
