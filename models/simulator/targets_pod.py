"""What a pod exposes about itself, by the habits of its runtime's client libraries."""

from models.simulator.process import BOUNDS, STATUS_CODES, Process
from models.simulator.series import Metric, Read
from models.simulator.service import Pod
from models.simulator.targets_runtime import MB, memory_mb, metric, running, runtime_metrics

MAX_FILES = 1024.0
BODY_BYTES = 1800.0
_ERROR_LOG = {
    "jvm": "logback_events_total",
    "go": "log_messages_total",
    "python": "log_messages_total",
}


def target_labels(pod: Pod, namespace: str) -> dict[str, str]:
    """Return the labels that service discovery gives the pod's target."""
    labels = {"namespace": namespace, "pod": pod.name, "instance": f"{pod.ip}:8080"}
    if pod.service.spec.runtime == "python":
        return {**labels, "job": "kubernetes-pods", "app": pod.service.name}
    return {**labels, "job": pod.service.name, "service": pod.service.name}


def answers(pod: Pod) -> bool:
    """Whether the pod's program would answer a scrape."""
    process = pod.process
    if process is None or process.thaw is not None:
        return False
    heap = process.heap
    return heap is None or heap.paused_until - process.env.now < 10.0


def pod_metrics(pod: Pod) -> list[Metric]:
    """Return everything that the pod's own endpoint shows."""
    service = pod.service
    metrics = [*_http(pod), *_process(pod), *_clients(pod)]
    metrics += runtime_metrics(pod)
    if service.spec.consumers:
        metrics.append(
            metric("kafka_consumer_records_consumed_total", lambda: running(pod).consumed)
        )
        metrics.append(
            metric(
                "kafka_consumer_processing_failures_total", lambda: running(pod).consume_failures
            )
        )
    return metrics


def _http(pod: Pod) -> list[Metric]:
    base, body = "http_server_request_duration_seconds", "http_server_request_body_size_bytes"
    metrics = [
        metric(f"{base}_sum", lambda: running(pod).seconds),
        metric(f"{base}_count", lambda: sum(running(pod).buckets)),
        metric(f"{body}_count", lambda: sum(running(pod).buckets)),
        metric(f"{body}_sum", lambda: _received(running(pod))),
        metric("http_server_active_requests", lambda: len(running(pod).inflight)),
        metric("http_server_rejected_requests_total", lambda: running(pod).rejected),
    ]
    metrics += [metric("http_requests_total", _code(pod, c), code=str(c)) for c in STATUS_CODES]
    for index, bound in enumerate((*BOUNDS, float("inf"))):
        metrics.append(
            Metric(
                name=f"{base}_bucket",
                labels={"le": f"{bound:g}" if bound < 1e9 else "+Inf"},
                read=_bucket(pod, index),
                exported=False,
            )
        )
    return metrics


def _received(process: Process) -> float:
    """Return the bytes of all requests' bodies."""
    return BODY_BYTES * sum(process.buckets) + process.used.get("body", 0.0) * MB


def _process(pod: Pod) -> list[Metric]:
    return [
        metric("process_cpu_seconds_total", lambda: cpu_seconds(pod)),
        metric("process_resident_memory_bytes", lambda: memory_mb(pod) * MB),
        metric("process_start_time_seconds", lambda: running(pod).started_at),
        *_files(pod),
        metric(
            _ERROR_LOG[pod.service.spec.runtime], lambda: running(pod).logged_errors, level="error"
        ),
    ]


def _files(pod: Pod) -> list[Metric]:
    """Return the open files; what serves requests and what a pool holds are sockets."""

    def opened() -> float:
        process = running(pod)
        sockets = len(process.inflight) + sum(pool.total for pool in process.pools.values())
        return 24 + sockets + process.used.get("files", 0.0)

    names = ("process_open_fds", "process_max_fds")
    if pod.service.spec.runtime == "jvm":
        names = ("process_files_open_files", "process_files_max_files")
    return [metric(names[0], opened), metric(names[1], lambda: MAX_FILES)]


def cpu_seconds(pod: Pod) -> float:
    """Return processor seconds that the program used, its collector's included."""
    process = running(pod)
    process.cpu.settle(process.env.now)
    idle = 0.012 * (process.env.now - process.started_at)
    collector = sum(process.heap.pause_seconds.values()) if process.heap else 0.0
    burning = pod.service.burning_since
    if burning is not None:
        idle += 0.9 * (process.env.now - max(burning, process.started_at))
    return process.cpu.used_seconds + idle + collector


def _clients(pod: Pod) -> list[Metric]:
    metrics = []
    for peer, address in sorted(pod.service.peers.items()):
        labels = {"server_address": address}
        for name, column in (
            ("http_client_request_duration_seconds_count", 0),
            ("http_client_request_duration_seconds_sum", 1),
            ("http_client_request_errors_total", 2),
        ):
            metrics.append(metric(name, _call(pod, peer, column), **labels))
    return metrics


def _code(pod: Pod, code: int) -> Read:
    return lambda: running(pod).codes[code]


def _bucket(pod: Pod, index: int) -> Read:
    return lambda: sum(running(pod).buckets[: index + 1])


def _call(pod: Pod, peer: str, column: int) -> Read:
    return lambda: running(pod).calls[peer][column]
