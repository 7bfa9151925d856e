"""Rules about pods that do not start or do not stay, and about the conditions of machines."""

from models.simulator.alert_rule import CRITICAL, WARNING, AlertRule
from models.simulator.promql import Query, Vector

STUCK = (
    "ImagePullBackOff",
    "CreateContainerConfigError",
    "ContainerCreating",
    "RunContainerError",
)


def _waiting(query: Query) -> Vector:
    name = "kube_pod_container_status_waiting_reason"
    rows = [query.get(name, reason=reason) for reason in STUCK]
    joined = rows[0]
    for row in rows[1:]:
        joined = joined.joined(row)
    return joined.above(0.5)


def _out_of_memory(query: Query) -> Vector:
    return query.increase("container_oom_events_total", 120).above(0.5)


def _condition(query: Query, condition: str) -> Vector:
    return query.get("kube_node_status_condition", condition=condition)


def _none_wanted(query: Query) -> Vector:
    return query.get("kube_deployment_spec_replicas").below(0.5)


def _stolen(query: Query) -> Vector:
    by = ("job", "instance", "node")
    stolen = query.rate("node_cpu_seconds_total", 60, mode="steal").sum_by(*by)
    return (stolen / query.rate("node_cpu_seconds_total", 60).sum_by(*by)).above(0.1)


def _skew(query: Query) -> Vector:
    offset = query.get("node_timex_offset_seconds")
    return Vector(offset.labels, abs(offset.values)).above(0.05)


def _booted(query: Query) -> Vector:
    booted = query.get("node_boot_time_seconds")
    return (booted / booted.shifted(query.ticks(120))).below(0.999)


def _probes(query: Query, kind: str) -> Vector:
    failed = query.rate("prober_probe_total", 60, probe_type=kind, result="failed")
    return failed.above(0.06)


WORKLOAD_RULES = (
    AlertRule(
        name="ContainerWaiting",
        severity=CRITICAL,
        hold_seconds=30,
        expression=_waiting,
        summary="{pod} waits: {reason}",
    ),
    AlertRule(
        name="InitContainerFailing",
        severity=CRITICAL,
        hold_seconds=30,
        expression=lambda q: q.get("kube_pod_init_container_status_waiting_reason").above(0.5),
        summary="an init container of {pod} fails again and again",
    ),
    AlertRule(
        name="PodUnschedulable",
        severity=CRITICAL,
        hold_seconds=30,
        expression=lambda q: q.get("kube_pod_status_unschedulable").above(0.5),
        summary="no machine takes {pod}",
    ),
    AlertRule(
        name="DeploymentReplicaFailure",
        severity=CRITICAL,
        hold_seconds=30,
        expression=lambda q: q.get(
            "kube_deployment_status_condition", condition="ReplicaFailure"
        ).above(0.5),
        summary="pods of {deployment} cannot be created",
    ),
    AlertRule(
        name="DeploymentScaledToNothing",
        severity=WARNING,
        hold_seconds=15,
        expression=_none_wanted,
        summary="{deployment} has no replicas",
    ),
    AlertRule(
        name="ContainerOutOfMemory",
        severity=CRITICAL,
        hold_seconds=0,
        expression=_out_of_memory,
        summary="{pod} was ended for its memory {value:.0f} times in two minutes",
    ),
    AlertRule(
        name="PodEvicted",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: q.get("kube_pod_status_reason", reason="Evicted").above(0.5),
        summary="{pod} was evicted",
    ),
    AlertRule(
        name="LivenessProbeFailing",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: _probes(q, "Liveness"),
        summary="{pod}: liveness probes fail",
    ),
    AlertRule(
        name="StartupProbeFailing",
        severity=WARNING,
        hold_seconds=0,
        expression=lambda q: _probes(q, "Startup"),
        summary="{pod}: startup probes fail",
    ),
    AlertRule(
        name="ReadinessProbeFailing",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: _probes(q, "Readiness"),
        summary="{pod}: readiness probes fail",
    ),
    AlertRule(
        name="NodeNotReady",
        severity=CRITICAL,
        hold_seconds=15,
        expression=lambda q: _condition(q, "Ready").below(0.5),
        summary="{node} is not ready",
    ),
    AlertRule(
        name="NodeRebooted",
        severity=WARNING,
        hold_seconds=0,
        expression=_booted,
        summary="{node} has started anew",
    ),
    AlertRule(
        name="NodeMemoryPressure",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: _condition(q, "MemoryPressure").above(0.5),
        summary="{node} is under memory pressure",
    ),
    AlertRule(
        name="NodeDiskPressure",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: _condition(q, "DiskPressure").above(0.5),
        summary="{node} is under disk pressure",
    ),
    AlertRule(
        name="NodePagingHeavily",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.rate("node_vmstat_pgmajfault", 60).above(500),
        summary="{node} reads {value:.0f} pages a second back into memory",
    ),
    AlertRule(
        name="NodeCpuStolen",
        severity=WARNING,
        hold_seconds=30,
        expression=_stolen,
        summary="{node}: its host withholds {value:.0f} % of the processor time",
        scale=100,
    ),
    AlertRule(
        name="NodeClockNotSynchronised",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.get("node_timex_sync_status").below(0.5),
        summary="{node}: the clock is not synchronised",
    ),
    AlertRule(
        name="NodeClockSkew",
        severity=WARNING,
        hold_seconds=30,
        expression=_skew,
        summary="{node}: the clock is off by {value:.2f} s",
    ),
)
