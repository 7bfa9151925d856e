"""What the runtimes' own instrumentation shows: heaps, thread pools, connection pools."""

from collections.abc import Callable

from models.simulator.heap import Heap
from models.simulator.pool import Pool
from models.simulator.process import Process
from models.simulator.series import Metric, Read
from models.simulator.service import Pod

MB = 1024.0 * 1024.0


def running(pod: Pod) -> Process:
    """Return the pod's program; targets are read only while there is one."""
    assert pod.process is not None
    return pod.process


def metric(name: str, read: Read, /, **labels: str) -> Metric:
    """Describe one series."""
    return Metric(name=name, labels=labels, read=read)


def memory_mb(pod: Pod) -> float:
    """Return the program's resident memory."""
    process = running(pod)
    spec = process.service.spec
    if process.heap is not None:
        return min(float(spec.memory_mb), 0.26 * spec.memory_mb + process.heap.peak)
    return min(float(spec.memory_mb), 0.35 * spec.memory_mb + process.retained_mb)


def runtime_metrics(pod: Pod) -> list[Metric]:
    """Return what this pod's runtime shows."""
    by_runtime = {"jvm": _jvm, "go": _go, "python": _python}
    return by_runtime[pod.service.spec.runtime](pod)


def _jvm(pod: Pod) -> list[Metric]:
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
        metric("jvm_threads_live_threads", lambda: 28 + running(pod).threads),
    ]
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
    metrics = [
        metric("go_goroutines", lambda: 14 + 2 * len(running(pod).inflight)),
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
