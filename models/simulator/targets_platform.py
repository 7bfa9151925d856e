"""What the platform shows about pods and nodes: kubelet, state metrics, node exporter."""

from models.simulator.node import Node
from models.simulator.series import Metric
from models.simulator.service import Pod, Service
from models.simulator.targets_pod import cpu_seconds
from models.simulator.targets_runtime import MB, memory_mb, metric

GB = 1024.0 * MB
CFS_PERIOD_SECONDS = 0.1


def container_metrics(pod: Pod) -> list[Metric]:
    """Return the kubelet's view of the pod's container."""

    def used() -> float:
        return cpu_seconds(pod) if pod.process is not None else float("nan")

    def throttled() -> float:
        process = pod.process
        if process is None:
            return float("nan")
        process.cpu.settle(process.env.now)
        return process.cpu.throttled_seconds / CFS_PERIOD_SECONDS

    def periods() -> float:
        process = pod.process
        if process is None:
            return float("nan")
        return (process.env.now - process.started_at) / CFS_PERIOD_SECONDS

    limit = pod.service.spec.memory_mb * MB
    return [
        metric("container_cpu_usage_seconds_total", used),
        metric("container_cpu_cfs_throttled_periods_total", throttled),
        metric("container_cpu_cfs_periods_total", periods),
        metric(
            "container_memory_working_set_bytes",
            lambda: memory_mb(pod) * MB if pod.process is not None else float("nan"),
        ),
        metric("container_spec_memory_limit_bytes", lambda: limit),
        metric(
            "container_net_tcp_retransmits_total",
            lambda: pod.service.link.retransmitted / max(1, len(pod.service.pods)),
        ),
    ]


def state_metrics(pod: Pod) -> list[Metric]:
    """Return the API server's view of the pod."""

    def waiting() -> float:
        return float(pod.process is None and pod.restarts > 1)

    return [
        metric("kube_pod_container_status_restarts_total", lambda: pod.restarts),
        metric("kube_pod_status_ready", lambda: float(pod.ready), condition="true"),
        metric("kube_pod_container_status_waiting_reason", waiting, reason="CrashLoopBackOff"),
        metric("kube_pod_info", lambda: 1.0, node=pod.node.name, created_by_kind="ReplicaSet"),
    ]


def deployment_metrics(service: Service) -> list[Metric]:
    """Return the API server's view of a deployment."""
    return [
        metric("kube_deployment_status_replicas_available", lambda: len(service.ready)),
        metric("kube_deployment_spec_replicas", lambda: service.spec.replicas),
    ]


def certificate_metrics(service: Service) -> list[Metric]:
    """Return what a probe of a service's certificate shows."""
    return [metric("probe_ssl_earliest_cert_expiry", lambda: service.certificate_expires_at)]


def node_metrics(node: Node) -> list[Metric]:
    """Return the node exporter's view of a machine."""

    def idle() -> float:
        node.settle(node.env.now)
        return node.idle_seconds

    def load() -> float:
        return 0.2 + node.cpu.demand + node.cpu.hog + 6.0 * max(0.0, node.disk_busy - 0.5)

    def pods_mb() -> float:
        return sum(memory_mb(p) for p in node.pods if p.process is not None and not p.deleted)

    total_mb = node.spec.memory_gb * 1024.0
    disk_gb = 120.0
    disk = {"mountpoint": "/", "device": "/dev/nvme0n1p1", "fstype": "ext4"}
    return [
        metric("node_cpu_seconds_total", idle, mode="idle"),
        metric("node_cpu_seconds_total", lambda: 0.8 * node.cpu.busy_seconds, mode="user"),
        metric("node_cpu_seconds_total", lambda: 0.2 * node.cpu.busy_seconds, mode="system"),
        metric("node_cpu_seconds_total", lambda: node.iowait_seconds, mode="iowait"),
        metric("node_load1", load),
        metric("node_pressure_cpu_waiting_seconds_total", lambda: node.cpu.waiting),
        metric("node_memory_MemTotal_bytes", lambda: total_mb * MB),
        metric(
            "node_memory_MemAvailable_bytes",
            lambda: max(0.02 * total_mb, 0.8 * total_mb - pods_mb() - node.memory_hog_mb) * MB,
        ),
        metric("node_filesystem_size_bytes", lambda: disk_gb * GB, **disk),
        metric(
            "node_filesystem_avail_bytes", lambda: (1.0 - node.disk_used) * disk_gb * GB, **disk
        ),
        metric(
            "node_disk_io_time_seconds_total", lambda: node.disk_busy_seconds, device="nvme0n1"
        ),
        metric("node_netstat_Tcp_RetransSegs", node.retransmitted),
        metric("node_netstat_Tcp_OutSegs", node.sent),
    ]
