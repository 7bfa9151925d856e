"""What shows of networks, volumes and name resolution: cadvisor, kubelet, CoreDNS, probes."""

from models.simulator.dns import Dns
from models.simulator.network import BYTES_A_PACKET, Link
from models.simulator.node import Node
from models.simulator.series import Metric
from models.simulator.service import Pod, Service
from models.simulator.targets_runtime import metric
from models.simulator.volume import Volume

GB = 1024.0**3
CONNTRACK_LIMIT = 131_072.0
CONNTRACK_USUAL = 0.21
EPHEMERAL_PORTS = 28_232.0


def link_metrics(link: Link, parts: int) -> list[Metric]:
    """Return cadvisor's view of the network of one of `parts` pods that share a link."""
    return [
        metric(
            "container_network_transmit_bytes_total",
            lambda: link.sent * BYTES_A_PACKET / max(1, parts),
        ),
        metric(
            "container_network_transmit_packets_dropped_total",
            lambda: link.dropped / max(1, parts),
        ),
        metric(
            "container_network_receive_errors_total",
            lambda: link.corrupted / max(1, parts),
        ),
    ]


def socket_metrics(pod: Pod) -> list[Metric]:
    """Return cadvisor's view of a pod's open sockets."""

    def opened() -> float:
        process = pod.process
        inflight = len(process.inflight) if process is not None else 0
        return 40.0 + 2.0 * inflight + (0.985 * EPHEMERAL_PORTS) * (pod.service.ports_taken > 0.0)

    return [metric("container_sockets", opened)]


def volume_metrics(volume: Volume) -> list[Metric]:
    """Return what kubelet, cadvisor and the storage driver show of a volume."""
    size = volume.size_gb * GB
    return [
        metric("kubelet_volume_stats_capacity_bytes", lambda: size),
        metric("kubelet_volume_stats_available_bytes", lambda: (1.0 - volume.used) * size),
        metric("container_fs_operations_total", lambda: volume.operations),
        metric("container_fs_io_time_seconds_total", lambda: volume.busy_seconds),
        metric("container_fs_readonly", lambda: float(not volume.writable)),
        metric("aws_ebs_csi_volume_iops_exceeded_total", lambda: volume.throttled),
    ]


def node_network_metrics(node: Node) -> list[Metric]:
    """Return the node exporter's view of connections."""

    def tracked() -> float:
        return CONNTRACK_LIMIT * max(CONNTRACK_USUAL, node.connections_tracked)

    return [
        metric("node_nf_conntrack_entries", tracked),
        metric("node_nf_conntrack_entries_limit", lambda: CONNTRACK_LIMIT),
        metric("node_nf_conntrack_stat_drop", lambda: node.connection_drops),
    ]


def endpoint_metrics(service: Service) -> list[Metric]:
    """Return the API server's view of a service's endpoints."""

    def addresses() -> float:
        return 0.0 if service.endpoints_gone else float(len(service.ready))

    return [metric("kube_endpoint_address_available", addresses)]


def trust_metrics(service: Service) -> list[Metric]:
    """Return whether a probe that checks the chain accepts a service's certificate."""
    return [metric("probe_success", lambda: float(not service.mistrusted))]


def dns_metrics(dns: Dns) -> list[Metric]:
    """Return CoreDNS's own metrics."""
    metrics = [
        metric("coredns_dns_requests_total", lambda: dns.queries, server="dns://:53"),
        metric("coredns_dns_request_duration_seconds_sum", lambda: dns.seconds),
        metric("coredns_dns_request_duration_seconds_count", lambda: dns.queries),
        metric("coredns_forward_failures_total", lambda: dns.forward_failures),
    ]
    metrics += [_responses(dns, code) for code in dns.answers]
    return metrics


def lookup_probe_metrics(dns: Dns) -> list[Metric]:
    """Return the view of a probe that looks a known name up and checks the answer."""

    def works() -> float:
        return float(dns.up and dns.failing < 0.5 and dns.wrong < 0.5)

    return [
        metric("probe_success", works),
        metric("probe_duration_seconds", lambda: 0.002 + min(5.0, dns.delay_seconds)),
    ]


def _responses(dns: Dns, code: str) -> Metric:
    return metric("coredns_dns_responses_total", lambda: dns.answers[code], rcode=code)
