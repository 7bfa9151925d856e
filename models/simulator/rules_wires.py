"""Rules about volumes, networks, endpoints and name resolution."""

from models.simulator.alert_rule import CRITICAL, WARNING, AlertRule
from models.simulator.promql import Query, Vector

PORTS = 28_232.0


def _volume_free(query: Query) -> Vector:
    free = query.get("kubelet_volume_stats_available_bytes")
    return (free / query.get("kubelet_volume_stats_capacity_bytes")).below(0.08)


def _volume_latency(query: Query) -> Vector:
    busy = query.rate("container_fs_io_time_seconds_total", 60)
    return (busy / query.rate("container_fs_operations_total", 60).above(0.2)).above(0.02)


def _tracked(query: Query) -> Vector:
    entries = query.get("node_nf_conntrack_entries")
    return (entries / query.get("node_nf_conntrack_entries_limit")).above(0.9)


def _lookup_seconds(query: Query) -> Vector:
    seconds = query.rate("coredns_dns_request_duration_seconds_sum", 60)
    return (seconds / query.rate("coredns_dns_request_duration_seconds_count", 60)).above(0.1)


def _answered(query: Query, code: str) -> Vector:
    by = ("job", "instance", "namespace", "service")
    told = query.rate("coredns_dns_responses_total", 60, rcode=code).sum_by(*by)
    return told / query.rate("coredns_dns_requests_total", 60).sum_by(*by)


def _more_lookups(query: Query) -> Vector:
    now = query.rate("coredns_dns_requests_total", 60)
    before = now.shifted(query.ticks(120))
    return (now / before).above(4.0).given(now.above(30.0))


WIRE_RULES = (
    AlertRule(
        name="VolumeAlmostFull",
        severity=CRITICAL,
        hold_seconds=15,
        expression=_volume_free,
        summary="{persistentvolumeclaim}: {value:.0f} % of the space is free",
        scale=100,
    ),
    AlertRule(
        name="VolumeLatencyHigh",
        severity=WARNING,
        hold_seconds=30,
        expression=_volume_latency,
        summary="{persistentvolumeclaim}: an operation takes {value:.3f} s",
    ),
    AlertRule(
        name="VolumeReadOnly",
        severity=CRITICAL,
        hold_seconds=15,
        expression=lambda q: q.get("container_fs_readonly").above(0.5),
        summary="{persistentvolumeclaim} is mounted read-only",
    ),
    AlertRule(
        name="VolumeIopsExceeded",
        severity=WARNING,
        hold_seconds=30,
        expression=lambda q: q.rate("aws_ebs_csi_volume_iops_exceeded_total", 60).above(0.2),
        summary="{persistentvolumeclaim} wants more operations a second than it may have",
    ),
    AlertRule(
        name="TransmitQueueDrops",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.rate("container_network_transmit_packets_dropped_total", 60).above(
            0.1
        ),
        summary="{pod} drops {value:.1f} outgoing packets a second",
    ),
    AlertRule(
        name="ReceiveErrors",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.rate("container_network_receive_errors_total", 60).above(0.1),
        summary="{pod} receives {value:.1f} damaged packets a second",
    ),
    AlertRule(
        name="NodeConntrackNearLimit",
        severity=CRITICAL,
        hold_seconds=15,
        expression=_tracked,
        summary="{node}: {value:.0f} % of the connection table is in use",
        scale=100,
    ),
    AlertRule(
        name="PodSocketsNearLimit",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.get("container_sockets").above(0.9 * PORTS),
        summary="{pod}: {value:.0f} sockets are open",
    ),
    AlertRule(
        name="ServiceWithoutEndpoints",
        severity=CRITICAL,
        hold_seconds=30,
        expression=lambda q: q.get("kube_endpoint_address_available").below(0.5),
        summary="{service} has no endpoint",
    ),
    AlertRule(
        name="CoreDNSLatencyHigh",
        severity=WARNING,
        hold_seconds=15,
        expression=_lookup_seconds,
        summary="lookups take {value:.2f} s on average",
    ),
    AlertRule(
        name="CoreDNSErrorsHigh",
        severity=CRITICAL,
        hold_seconds=15,
        expression=lambda q: _answered(q, "SERVFAIL").above(0.05),
        summary="{value:.0f} % of the lookups end with SERVFAIL",
        scale=100,
    ),
    AlertRule(
        name="CoreDNSNameErrorsHigh",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: _answered(q, "NXDOMAIN").above(0.1),
        summary="{value:.0f} % of the lookups end with NXDOMAIN",
        scale=100,
    ),
    AlertRule(
        name="CoreDNSForwardFailures",
        severity=WARNING,
        hold_seconds=15,
        expression=lambda q: q.rate("coredns_forward_failures_total", 60).above(0.05),
        summary="{value:.1f} lookups a second fail beyond the cluster",
    ),
    AlertRule(
        name="CoreDNSRequestsGrowing",
        severity=WARNING,
        hold_seconds=15,
        expression=_more_lookups,
        summary="{value:.0f} times as many lookups as two minutes ago",
    ),
)
