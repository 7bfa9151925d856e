"""Rules about what runtimes and programs show of themselves: threads, areas of memory, files."""

from models.simulator.alert_rule import CRITICAL, WARNING, AlertRule, share
from models.simulator.promql import Query, Vector
from models.simulator.rules_service import BY_SERVICE

BY_POD = ("namespace", "service", "app", "pod")


def _files(query: Query) -> Vector:
    names = ("process_open_fds", "process_max_fds")
    jvm = ("process_files_open_files", "process_files_max_files")
    rows = [share(query.get(a), query.get(b), *BY_POD) for a, b in (names, jvm)]
    return rows[0].joined(rows[1]).above(0.8)


def _area(query: Query, area: str) -> Vector:
    used = query.get("jvm_memory_used_bytes", id=area)
    return share(used, query.get("jvm_memory_max_bytes", id=area), *BY_POD).above(0.92)


def _direct(query: Query) -> Vector:
    used = query.get("jvm_buffer_memory_used_bytes", id="direct")
    limit = query.get("jvm_buffer_total_capacity_bytes", id="direct")
    return share(used, limit, *BY_POD).above(0.9)


def _more_threads(query: Query) -> Vector:
    threads = query.get("jvm_threads_live_threads")
    before = threads.shifted(query.ticks(240))
    return (threads / before).above(3.0)


def _more_goroutines(query: Query) -> Vector:
    now = query.get("go_goroutines")
    return (now / now.shifted(query.ticks(240))).above(8.0).given(now.above(400))


def _collecting(query: Query) -> Vector:
    collecting = query.rate("go_cpu_classes_gc_total_cpu_seconds_total", 60)
    used = query.rate("process_cpu_seconds_total", 60)
    return share(collecting, used, *BY_POD).above(0.4)


def _client_errors(query: Query) -> Vector:
    turned_away = query.rate("http_requests_total", 60, code="4*")
    every = query.rate("http_requests_total", 60)
    return share(turned_away, every, *BY_SERVICE).above(0.1)


def _limited(query: Query) -> Vector:
    limited = query.rate("http_requests_total", 60, code="429").sum_by(*BY_SERVICE)
    return limited.above(0.2)


def _errors_logged(query: Query) -> Vector:
    jvm = query.rate("logback_events_total", 60, level="error").sum_by(*BY_SERVICE)
    other = query.rate("log_messages_total", 60, level="error").sum_by(*BY_SERVICE)
    return jvm.joined(other).above(0.3)


def _log_volume(query: Query) -> Vector:
    used = query.rate("kubelet_container_log_filesystem_used_bytes", 60)
    return used.scaled(1.0 / (1024.0 * 1024.0)).above(2.0)


def _larger(query: Query) -> Vector:
    total = query.rate("http_server_request_body_size_bytes_sum", 60).sum_by(*BY_SERVICE)
    count = query.rate("http_server_request_body_size_bytes_count", 60).sum_by(*BY_SERVICE)
    now = total / count
    return (now / now.shifted(query.ticks(180))).above(5.0)


def _busier(query: Query) -> Vector:
    now = query.rate("http_requests_total", 60).sum_by(*BY_SERVICE)
    before = now.shifted(query.ticks(180))
    return (now / before).above(3.0).given(now.above(8.0))


def _quieter(query: Query) -> Vector:
    now = query.rate("http_requests_total", 60).sum_by(*BY_SERVICE)
    before = now.shifted(query.ticks(180)).above(2.0)
    return (now / before).below(0.15)


RUNTIME_RULES = (
    AlertRule(
        name="JvmThreadsDeadlocked",
        severity=CRITICAL,
        hold_seconds=15,
        expression=lambda q: q.get("jvm_threads_deadlocked").above(0.5),
        summary="{pod}: {value:.0f} threads wait for each other",
    ),
    AlertRule(
        name="JvmThreadsBlocked",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.get("jvm_threads_states_threads", state="blocked").above(6),
        summary="{pod}: {value:.0f} threads are blocked on a monitor",
    ),
    AlertRule(
        name="JvmThreadsGrowing",
        severity=WARNING,
        hold_seconds=30,
        expression=_more_threads,
        summary="{pod} has {value:.1f} times the threads of four minutes ago",
    ),
    AlertRule(
        name="JvmMetaspaceNearlyFull",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: _area(q, "Metaspace"),
        summary="{pod}: the metaspace is {value:.0f} % full",
        scale=100,
    ),
    AlertRule(
        name="JvmCodeCacheNearlyFull",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: _area(q, "CodeCache"),
        summary="{pod}: the code cache is {value:.0f} % full",
        scale=100,
    ),
    AlertRule(
        name="JvmDirectBuffersNearlyFull",
        severity=WARNING,
        hold_seconds=30,
        expression=_direct,
        summary="{pod}: direct buffers are {value:.0f} % of what is allowed",
        scale=100,
    ),
    AlertRule(
        name="ProcessFilesNearLimit",
        severity=WARNING,
        hold_seconds=30,
        expression=_files,
        summary="{pod}: {value:.0f} % of the allowed files are open",
        scale=100,
    ),
    AlertRule(
        name="GoroutinesGrowing",
        severity=WARNING,
        hold_seconds=30,
        expression=_more_goroutines,
        summary="{pod} has {value:.0f} times the goroutines of four minutes ago",
    ),
    AlertRule(
        name="GoCollectorBusy",
        severity=WARNING,
        hold_seconds=30,
        expression=_collecting,
        summary="{pod} spends {value:.0f} % of its processor time on collecting",
        scale=100,
    ),
    AlertRule(
        name="GoMutexWait",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.rate("go_sync_mutex_wait_total_seconds_total", 60).above(2.0),
        summary="{pod}: goroutines wait {value:.1f} s a second for mutexes",
    ),
    AlertRule(
        name="GunicornWorkersKilled",
        severity=CRITICAL,
        hold_seconds=0,
        expression=lambda q: q.increase("gunicorn_log_critical_total", 60).above(2),
        summary="{pod}: {value:.0f} workers were ended by their master in a minute",
    ),
    AlertRule(
        name="HighClientErrorRate",
        severity=WARNING,
        hold_seconds=30,
        expression=_client_errors,
        summary="{service}{app} answers {value:.0f} % of its requests with 4xx",
        scale=100,
    ),
    AlertRule(
        name="RequestsRateLimited",
        severity=WARNING,
        hold_seconds=30,
        expression=_limited,
        summary="{service}{app} turns {value:.1f} requests a second away as too many",
    ),
    AlertRule(
        name="ErrorsLogged",
        severity=WARNING,
        hold_seconds=30,
        expression=_errors_logged,
        summary="{service}{app} logs {value:.1f} errors a second",
    ),
    AlertRule(
        name="LogVolumeHigh",
        severity=WARNING,
        hold_seconds=30,
        expression=_log_volume,
        summary="{pod} logs {value:.1f} MB a second",
    ),
    AlertRule(
        name="RequestsLarge",
        severity=WARNING,
        hold_seconds=30,
        expression=_larger,
        summary="requests to {service}{app} are {value:.0f} times as large as before",
    ),
    AlertRule(
        name="RequestRateLow",
        severity=WARNING,
        hold_seconds=30,
        expression=_quieter,
        summary="{service}{app} gets {value:.0f} % of the requests of three minutes ago",
        scale=100,
    ),
    AlertRule(
        name="RequestRateHigh",
        severity=WARNING,
        hold_seconds=30,
        expression=_busier,
        summary="{service}{app} gets {value:.1f} times the requests of three minutes ago",
    ),
)
