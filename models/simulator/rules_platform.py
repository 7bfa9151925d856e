"""Rules about pods, nodes, targets, certificates and batch jobs."""

from models.simulator.alert_rule import CRITICAL, WARNING, AlertRule, share
from models.simulator.promql import Query, Vector

BY_NODE = ("job", "instance", "node")
BY_POD = ("namespace", "pod", "node")
SOON_DAYS = 14.0


def _throttled(query: Query) -> Vector:
    throttled = query.rate("container_cpu_cfs_throttled_periods_total", 60)
    periods = query.rate("container_cpu_cfs_periods_total", 60)
    return share(throttled, periods, *BY_POD).above(0.25)


def _memory(query: Query) -> Vector:
    used = query.get("container_memory_working_set_bytes")
    return share(used, query.get("container_spec_memory_limit_bytes"), *BY_POD).above(0.92)


def _node_cpu(query: Query) -> Vector:
    idle = query.rate("node_cpu_seconds_total", 60, mode="idle").sum_by(*BY_NODE)
    total = query.rate("node_cpu_seconds_total", 60).sum_by(*BY_NODE)
    return (idle / total).below(0.15)


def _node_disk(query: Query) -> Vector:
    by = (*BY_NODE, "mountpoint")
    free = query.get("node_filesystem_avail_bytes")
    return share(free, query.get("node_filesystem_size_bytes"), *by).below(0.1)


def _node_memory(query: Query) -> Vector:
    free = query.get("node_memory_MemAvailable_bytes")
    return share(free, query.get("node_memory_MemTotal_bytes"), *BY_NODE).below(0.1)


def _retransmits(query: Query) -> Vector:
    again = query.rate("node_netstat_Tcp_RetransSegs", 60)
    return share(again, query.rate("node_netstat_Tcp_OutSegs", 60), *BY_NODE).above(0.01)


def _replicas(query: Query) -> Vector:
    by = ("namespace", "deployment")
    there = query.get("kube_deployment_status_replicas_available").sum_by(*by)
    wanted = query.get("kube_deployment_spec_replicas").sum_by(*by)
    return (there / wanted).below(0.99)


def _remaining_days(query: Query) -> Vector:
    return query.until("probe_ssl_earliest_cert_expiry").scaled(1.0 / 86_400.0)


PLATFORM_RULES = (
    AlertRule(
        name="PodNotReady",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.get("kube_pod_status_ready", condition="true").below(0.5),
        summary="{pod} is not ready",
    ),
    AlertRule(
        name="PodRestarting",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: q.increase("kube_pod_container_status_restarts_total", 180).above(
            1.5
        ),
        summary="{pod} restarted {value:.0f} times in three minutes",
    ),
    AlertRule(
        name="PodCrashLooping",
        severity=CRITICAL,
        hold_seconds=15,
        expression=lambda q: q.get(
            "kube_pod_container_status_waiting_reason", reason="CrashLoopBackOff"
        ).above(0.5),
        summary="{pod} is in CrashLoopBackOff",
    ),
    AlertRule(
        name="DeploymentReplicasMismatch",
        severity=WARNING,
        hold_seconds=45,
        expression=_replicas,
        summary="{deployment} has {value:.0f} % of its replicas",
        scale=100,
    ),
    AlertRule(
        name="TargetDown",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.get("up").below(0.5),
        summary="{instance} of job {job} does not answer scrapes",
    ),
    AlertRule(
        name="CpuThrottling",
        severity=WARNING,
        hold_seconds=45,
        expression=_throttled,
        summary="{pod} is throttled {value:.0f} % of the time",
        scale=100,
    ),
    AlertRule(
        name="ContainerMemoryNearLimit",
        severity=WARNING,
        hold_seconds=45,
        expression=_memory,
        summary="{pod} uses {value:.0f} % of its memory limit",
        scale=100,
    ),
    AlertRule(
        name="TcpRetransmitsPod",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.rate("container_net_tcp_retransmits_total", 60).above(0.5),
        summary="{pod} retransmits {value:.1f} segments a second",
    ),
    AlertRule(
        name="NodeCpuSaturated",
        severity=WARNING,
        hold_seconds=45,
        expression=_node_cpu,
        summary="{node}: only {value:.0f} % of the processor time is idle",
        scale=100,
    ),
    AlertRule(
        name="NodeLoadHigh",
        severity=WARNING,
        hold_seconds=45,
        expression=lambda q: q.get("node_load1").above(10.0),
        summary="{node}: load is {value:.1f}",
    ),
    AlertRule(
        name="NodeDiskAlmostFull",
        severity=WARNING,
        hold_seconds=30,
        expression=_node_disk,
        summary="{node}: {value:.0f} % of {mountpoint} is free",
        scale=100,
    ),
    AlertRule(
        name="NodeDiskIoSaturated",
        severity=WARNING,
        hold_seconds=45,
        expression=lambda q: q.rate("node_disk_io_time_seconds_total", 60).above(0.85),
        summary="{node}: {device} is {value:.0f} % busy",
        scale=100,
    ),
    AlertRule(
        name="NodeMemoryLow",
        severity=WARNING,
        hold_seconds=45,
        expression=_node_memory,
        summary="{node}: {value:.0f} % of the memory is available",
        scale=100,
    ),
    AlertRule(
        name="NodeTcpRetransmits",
        severity=WARNING,
        hold_seconds=30,
        expression=_retransmits,
        summary="{node} retransmits {value:.1f} % of its TCP segments",
        scale=100,
    ),
    AlertRule(
        name="CertificateExpiresSoon",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: _remaining_days(q).below(SOON_DAYS),
        summary="the certificate of {instance} expires in {value:.1f} days",
    ),
    AlertRule(
        name="CertificateExpired",
        severity=CRITICAL,
        hold_seconds=0,
        expression=lambda q: _remaining_days(q).below(0.0),
        summary="the certificate of {instance} has expired",
    ),
    AlertRule(
        name="BatchJobFailed",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: q.get("kube_job_status_failed").above(0.5),
        summary="job {job_name} failed",
    ),
)
