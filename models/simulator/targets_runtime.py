"""What the runtimes' own instrumentation shows: heaps, thread pools, connection pools."""

from collections.abc import Callable

from models.simulator.heap import Heap
from models.simulator.pool import Pool
from models.simulator.process import Process
from models.simulator.series import Metric, Read
from models.simulator.service import Pod

MB = 1024.0 * 1024.0
METASPACE_LIMIT_MB = 192.0
CODE_CACHE_LIMIT_MB = 48.0
DIRECT_LIMIT_MB = 64.0
NON_HEAP = (
    ("metaspace", "Metaspace", METASPACE_LIMIT_MB, 84.0),
    ("code_cache", "CodeCache", CODE_CACHE_LIMIT_MB, 22.0),
)
"""Areas of a JVM beside its heap: resource, id, limit, what is in use when all is well."""


def running(pod: Pod) -> Process:
    """Return the pod's program; targets are read only while there is one."""
    assert pod.process is not None
    return pod.process


def metric(name: str, read: Read, /, **labels: str) -> Metric:
    """Describe one series."""
    return Metric(name=name, labels=labels, read=read)


def memory_mb(pod: Pod) -> float:
    """Return the program's resident memory."""
    return min(pod.service.memory_limit_mb, running(pod).memory_mb)


def runtime_metrics(pod: Pod) -> list[Metric]:
    """Return what this pod's runtime shows."""
    by_runtime = {"jvm": _jvm, "go": _go, "python": _python}
    return by_runtime[pod.service.spec.runtime](pod)


def _areas(pod: Pod) -> list[Metric]:
    """Return the areas of memory beside the heap."""
    rows = []
    for name, id_, limit, base in NON_HEAP:
        labels = {"area": "nonheap", "id": id_}
        rows.append(metric("jvm_memory_used_bytes", _area(pod, name, base), **labels))
        rows.append(metric("jvm_memory_max_bytes", _constant(limit), **labels))
    rows.append(metric("jvm_buffer_memory_used_bytes", _area(pod, "direct", 9.0), id="direct"))
    rows.append(metric("jvm_buffer_total_capacity_bytes", _constant(DIRECT_LIMIT_MB), id="direct"))
    return rows


def _area(pod: Pod, name: str, base_mb: float) -> Read:
    return lambda: (base_mb + running(pod).used.get(name, 0.0)) * MB


def _constant(mb: float) -> Read:
    return lambda: mb * MB


def _jvm(pod: Pod) -> list[Metric]:
    def threads() -> float:
        process = running(pod)
        return 28 + process.threads + process.used.get("threads", 0.0)

    def used() -> float:
        return heap().used(running(pod).retained_mb) * MB

    def heap() -> Heap:
        process = running(pod)
        assert process.heap is not None
        return process.heap

    metrics = [
        metric("jvm_memory_used_bytes", used, area="heap"),
        metric("jvm_memory_max_bytes", lambda: heap().max_mb * MB, area="heap"),
        metric("executor_active_threads", lambda: running(pod).busy, name="http-exec"),
        metric("executor_pool_max_threads", lambda: running(pod).threads, name="http-exec"),
        metric("executor_queued_tasks", lambda: len(running(pod).backlog), name="http-exec"),
        metric("jvm_threads_live_threads", threads),
        metric("jvm_threads_states_threads", lambda: running(pod).blocked, state="blocked"),
        metric("jvm_threads_deadlocked", lambda: 2.0 * running(pod).deadlocked),
    ]
    metrics += _areas(pod)
    metrics += _collections(heap, "young", "end of minor GC")
    metrics += _collections(heap, "full", "end of major GC")
    for name in sorted(pod.service.spec.pools):
        metrics += _hikari(pod, name)
    return metrics


def _collections(heap: Callable[[], Heap], kind: str, action: str) -> list[Metric]:
    base = "jvm_gc_pause_seconds"
    return [
        metric(f"{base}_sum", lambda: heap().pause_seconds[kind], action=action),
        metric(f"{base}_count", lambda: heap().collections[kind], action=action),
    ]


def _hikari(pod: Pod, name: str) -> list[Metric]:
    def pool() -> Pool:
        return running(pod).pools[name]

    base = "hikaricp_connections"
    return [
        metric(base, lambda: pool().total, pool=name),
        metric(f"{base}_active", lambda: pool().active, pool=name),
        metric(f"{base}_idle", lambda: len(pool().idle), pool=name),
        metric(f"{base}_pending", lambda: pool().pending, pool=name),
        metric(f"{base}_max", lambda: pool().size, pool=name),
        metric(f"{base}_timeout_total", lambda: pool().timeouts, pool=name),
        metric(f"{base}_acquire_seconds_sum", lambda: pool().wait_seconds, pool=name),
        metric(f"{base}_acquire_seconds_count", lambda: pool().waits + pool().uses, pool=name),
        metric(f"{base}_usage_seconds_sum", lambda: pool().use_seconds, pool=name),
        metric(f"{base}_usage_seconds_count", lambda: pool().uses, pool=name),
    ]


def _go(pod: Pod) -> list[Metric]:
    def goroutines() -> float:
        process = running(pod)
        return 14 + 2 * len(process.inflight) + process.used.get("goroutines", 0.0)

    def collecting() -> float:
        process = running(pod)
        assisted = 1.0 - 1.0 / pod.service.drag if pod.service.assisted else 0.02
        process.cpu.settle(process.env.now)
        process.gc_seconds += assisted * max(0.0, process.cpu.used_seconds - process.gc_seen)
        process.gc_seen = process.cpu.used_seconds
        return process.gc_seconds

    metrics = [
        metric("go_goroutines", goroutines),
        metric("go_sync_mutex_wait_total_seconds_total", lambda: running(pod).blocked_seconds),
        metric("go_cpu_classes_gc_total_cpu_seconds_total", collecting),
        metric("go_gc_gomemlimit_bytes", lambda: 0.9 * pod.service.memory_limit_mb * MB),
        metric("go_memstats_heap_inuse_bytes", lambda: 0.6 * memory_mb(pod) * MB),
    ]
    for name in sorted(pod.service.spec.pools):
        metrics += _go_pool(pod, name)
    return metrics


def _go_pool(pod: Pod, name: str) -> list[Metric]:
    def pool() -> Pool:
        return running(pod).pools[name]

    return [
        metric("go_sql_open_connections", lambda: pool().total, db_name=name),
        metric("go_sql_in_use_connections", lambda: pool().active, db_name=name),
        metric("go_sql_max_open_connections", lambda: pool().size, db_name=name),
        metric("go_sql_wait_count_total", lambda: pool().waits, db_name=name),
        metric("go_sql_wait_duration_seconds_total", lambda: pool().wait_seconds, db_name=name),
        metric("go_sql_connect_errors_total", lambda: pool().refusals, db_name=name),
    ]


def _python(pod: Pod) -> list[Metric]:
    metrics = [
        metric("gunicorn_workers_busy", lambda: running(pod).busy),
        metric("gunicorn_workers", lambda: running(pod).threads),
        metric("gunicorn_backlog", lambda: len(running(pod).backlog)),
        metric("gunicorn_log_critical_total", lambda: running(pod).worker_kills),
    ]
    for name in sorted(pod.service.spec.pools):
        metrics += _python_pool(pod, name)
    return metrics


def _python_pool(pod: Pod, name: str) -> list[Metric]:
    def pool() -> Pool:
        return running(pod).pools[name]

    base = "db_client_connections"
    return [
        metric(f"{base}_usage", lambda: pool().active, pool_name=name, state="used"),
        metric(f"{base}_usage", lambda: len(pool().idle), pool_name=name, state="idle"),
        metric(f"{base}_max", lambda: pool().size, pool_name=name),
        metric(f"{base}_pending_requests", lambda: pool().pending, pool_name=name),
        metric(f"{base}_timeouts_total", lambda: pool().timeouts, pool_name=name),
    ]
