"""The label names by which components are found, most trusted first.

Tables of `schemas.resolve_labels`; `docs/FORMATS.md` lists `ROUTES`, kept equal by a test. Names
are plain (`k8s_pod_name`, not `k8s.pod.name`).
"""

from collections.abc import Callable

from schemas.component import ComponentKind
from schemas.resolve_names import replica_set_of, run_of, workload_of

Route = tuple[str, Callable[[str], str]]


def _same(value: str) -> str:
    return value


ROUTES: tuple[Route, ...] = (
    ("service_name", _same),
    ("exported_service", _same),
    ("service", _same),
    ("destination_canonical_service", _same),
    ("destination_service_name", _same),
    ("destination_workload", _same),
    ("app_kubernetes_io_name", _same),
    ("label_app_kubernetes_io_name", _same),
    ("app", _same),
    ("application", _same),
    ("k8s_app", _same),
    ("label_app", _same),
    ("microservice", _same),
    ("svc", _same),
    ("k8s_deployment_name", _same),
    ("k8s_statefulset_name", _same),
    ("k8s_daemonset_name", _same),
    ("k8s_cronjob_name", _same),
    ("deployment", _same),
    ("statefulset", _same),
    ("daemonset", _same),
    ("cronjob", _same),
    ("job_name", run_of),
    ("k8s_job_name", run_of),
    ("workload", _same),
    ("horizontalpodautoscaler", _same),
    ("replicaset", replica_set_of),
    ("exported_pod", workload_of),
    ("pod", workload_of),
    ("pod_name", workload_of),
    ("k8s_pod_name", workload_of),
    ("container_label_com_docker_compose_service", _same),
    ("exported_container", _same),
    ("container", _same),
    ("container_name", _same),
    ("k8s_container_name", _same),
    ("component", _same),
    ("faas_name", _same),
    ("exported_job", _same),
)
"""Labels that name a service, most trusted first, each with what makes a name of its value."""

RESOURCE_ROUTES = tuple(
    route for route in ROUTES if route[0].startswith(("service_name", "k8s_", "faas_"))
)
CLOUD: tuple[tuple[str, ComponentKind], ...] = (
    ("dbinstance_identifier", ComponentKind.DATABASE),
    ("dimension_DBInstanceIdentifier", ComponentKind.DATABASE),
    ("cache_cluster_id", ComponentKind.CACHE),
    ("dimension_CacheClusterId", ComponentKind.CACHE),
    ("queue_name", ComponentKind.QUEUE),
    ("dimension_QueueName", ComponentKind.QUEUE),
)
NODE_LABELS = (
    "node",
    "k8s_node_name",
    "kubernetes_node",
    "nodename",
    "host_name",
    "hostname",
    "host",
)
ENDPOINT = (
    "mysql_instance_endpoint",
    "server_address",
    "net_peer_name",
    "target",
    "server",
    "addr",
    "exported_instance",
    "instance",
)
PROBED = ("target", "exported_instance", "instance", "url")
TOPIC = ("topic", "messaging_destination_name", "queue", "destination")
PODS = ("exported_pod", "pod", "pod_name", "k8s_pod_name")
CONTAINERS = ("exported_container", "container", "container_name", "k8s_container_name")
