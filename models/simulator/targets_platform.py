"""What the platform shows about pods and nodes: kubelet, state metrics, node exporter."""

from models.simulator.cluster import UNSCHEDULABLE
from models.simulator.node import Node
from models.simulator.series import Metric, Read
from models.simulator.service import Pod, Service
from models.simulator.targets_pod import cpu_seconds
from models.simulator.targets_runtime import MB, memory_mb, metric

GB = 1024.0 * MB
CFS_PERIOD_SECONDS = 0.1
PRESSURE_SHARE = 0.06
SYNC_SECONDS = 1.0
INIT_FAILING = "InitContainerFailing"
WAITING_REASONS = (
    "ImagePullBackOff",
    "CreateContainerConfigError",
    "ContainerCreating",
    "RunContainerError",
)


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

    probes = "prober_probe_total"
    return [
        metric("container_cpu_usage_seconds_total", used),
        metric("container_cpu_cfs_throttled_periods_total", throttled),
        metric("container_cpu_cfs_periods_total", periods),
        metric(
            "container_memory_working_set_bytes",
            lambda: memory_mb(pod) * MB if pod.process is not None else float("nan"),
        ),
        metric("container_spec_memory_limit_bytes", lambda: pod.service.memory_limit_mb * MB),
        metric("container_oom_events_total", lambda: pod.oom_kills),
        metric(probes, lambda: pod.liveness_failures, probe_type="Liveness", result="failed"),
        metric(probes, lambda: pod.startup_failures, probe_type="Startup", result="failed"),
        metric(probes, lambda: pod.readiness_failures, probe_type="Readiness", result="failed"),
        metric(
            "kubelet_container_log_filesystem_used_bytes",
            lambda: (4.0 + (pod.process.logged_mb if pod.process else 0.0)) * MB,
        ),
        metric(
            "container_net_tcp_retransmits_total",
            lambda: pod.service.link.retransmitted / max(1, len(pod.service.pods)),
        ),
    ]


def state_metrics(pod: Pod) -> list[Metric]:
    """Return the API server's view of the pod."""

    def waiting() -> float:
        return float(pod.process is None and pod.restarts > 1)

    def pending() -> float:
        return float(pod.process is None and bool(pod.waiting))

    rare = [
        *(
            metric("kube_pod_container_status_waiting_reason", _is(pod, "waiting", r), reason=r)
            for r in WAITING_REASONS
        ),
        *(
            metric(
                "kube_pod_container_status_last_terminated_reason",
                _is(pod, "ended", reason),
                reason=reason,
            )
            for reason in ("Error", "OOMKilled")
        ),
        metric(
            "kube_pod_init_container_status_waiting_reason",
            _is(pod, "waiting", INIT_FAILING),
            reason="CrashLoopBackOff",
        ),
        metric("kube_pod_status_unschedulable", _is(pod, "waiting", UNSCHEDULABLE)),
        metric("kube_pod_status_reason", _is(pod, "ended", "Evicted"), reason="Evicted"),
    ]
    return [
        *rare,
        metric("kube_pod_status_phase", pending, phase="Pending"),
        metric("kube_pod_container_status_restarts_total", lambda: pod.restarts),
        metric("kube_pod_status_ready", lambda: float(pod.ready), condition="true"),
        metric("kube_pod_container_status_waiting_reason", waiting, reason="CrashLoopBackOff"),
        metric(
            "kube_pod_info",
            lambda: 1.0,
            node=pod.node.name if pod.placed else "",
            created_by_kind="ReplicaSet",
        ),
    ]


def _is(pod: Pod, attribute: str, value: str) -> Read:
    """Read 1 while an attribute of a pod has a value; else there is no series."""
    return lambda: 1.0 if getattr(pod, attribute) == value else float("nan")


def deployment_metrics(service: Service) -> list[Metric]:
    """Return the API server's view of a deployment."""
    return [
        metric("kube_deployment_status_replicas_available", lambda: len(service.ready)),
        metric("kube_deployment_spec_replicas", lambda: service.wanted),
        metric(
            "kube_deployment_status_condition",
            lambda: float(service.hosting.unable),
            condition="ReplicaFailure",
            status="true",
        ),
    ]


def condition_metrics(node: Node) -> list[Metric]:
    """Return the API server's view of a machine."""

    def pressed(share: float) -> float:
        return float(node.kubelet_up and share < PRESSURE_SHARE)

    name = "kube_node_status_condition"
    return [
        metric(name, lambda: float(node.ready), condition="Ready", status="true"),
        metric(
            name, lambda: pressed(available_share(node)), condition="MemoryPressure", status="true"
        ),
        metric(
            name, lambda: pressed(1.0 - node.disk_used), condition="DiskPressure", status="true"
        ),
    ]


def available_share(node: Node) -> float:
    """Return the share of a machine's memory that is available."""
    pods = sum(memory_mb(p) for p in node.pods if p.process is not None and not p.deleted)
    total = node.spec.memory_gb * 1024.0
    return max(0.02, 0.8 - (pods + node.memory_hog_mb) / total)


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

    total_mb = node.spec.memory_gb * 1024.0
    disk_gb = 120.0
    disk = {"mountpoint": "/", "device": "/dev/nvme0n1p1", "fstype": "ext4"}
    return [
        metric("node_cpu_seconds_total", idle, mode="idle"),
        metric("node_cpu_seconds_total", lambda: 0.8 * node.cpu.busy_seconds, mode="user"),
        metric("node_cpu_seconds_total", lambda: 0.2 * node.cpu.busy_seconds, mode="system"),
        metric("node_cpu_seconds_total", lambda: node.iowait_seconds, mode="iowait"),
        metric("node_cpu_seconds_total", lambda: node.steal_seconds, mode="steal"),
        metric(
            "node_timex_sync_status", lambda: float(abs(node.clock_offset_seconds) < SYNC_SECONDS)
        ),
        metric("node_timex_offset_seconds", lambda: node.clock_offset_seconds),
        metric("node_vmstat_pgmajfault", lambda: node.major_faults),
        metric("node_boot_time_seconds", lambda: node.booted_at),
        metric("node_load1", load),
        metric("node_pressure_cpu_waiting_seconds_total", lambda: node.cpu.waiting),
        metric("node_memory_MemTotal_bytes", lambda: total_mb * MB),
        metric(
            "node_memory_MemAvailable_bytes",
            lambda: available_share(node) * total_mb * MB,
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
