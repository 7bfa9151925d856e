"""Which metrics, jobs and rule names speak about a database, cache, queue, node or probe target.

An exporter reports on something else than itself: its `job` and `service` labels name the
exporter, its `instance` often names the thing. Pure tables and look-ups under `schemas.resolve`.
"""

import re
from dataclasses import dataclass
from enum import Enum

from schemas.component import ComponentKind
from schemas.resolve_names import words

SCRAPERS = frozenset(
    words(
        "kube-state-metrics kubelet cadvisor node-exporter node_exporter prometheus "
        "prometheus-k8s alertmanager blackbox blackbox-exporter blackbox_exporter pushgateway "
        "metrics-server kubernetes-pods kubernetes-nodes kubernetes-service-endpoints "
        "kubernetes-nodes-cadvisor kubernetes-cadvisor otel-collector otelcol "
        "opentelemetry-collector federate node"
    )
)
"""Names that tell who collected a series, not whom it is about. Used only when nothing else is."""

GENERIC_JOBS = frozenset(
    words(
        "app apps application applications service services microservice microservices backend "
        "backends spring springboot spring-boot spring-actuator actuator java jvm static "
        "targets default docker containers pods endpoints http web api"
    )
)
"""Job names that stand for many services at once; the instance tells more."""

SIDECARS = frozenset(
    words(
        "istio-proxy istio-init linkerd-proxy linkerd-init envoy pod vault-agent "
        "config-reloader cloudsql-proxy"
    )
)
"""Container names that name a helper beside the workload."""


class About(Enum):
    """What a metric or alert is about, where its labels alone would mislead."""

    EXPORTED = "exported"  # a database, cache or queue behind an exporter
    NODE = "node"
    PROBE = "probe"
    CLUSTER = "cluster"  # an object of Kubernetes; never who scraped it
    NOTHING_SPECIAL = "nothing special"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What is known before the labels are read; `firm` unless only a rule's name says so."""

    about: About
    kind: ComponentKind = ComponentKind.SERVICE
    firm: bool = True


_NONE = Hint(about=About.NOTHING_SPECIAL)
_DATABASE = Hint(about=About.EXPORTED, kind=ComponentKind.DATABASE)
_CACHE = Hint(about=About.EXPORTED, kind=ComponentKind.CACHE)
_QUEUE = Hint(about=About.EXPORTED, kind=ComponentKind.QUEUE)
_NODE = Hint(about=About.NODE, kind=ComponentKind.NODE)
_PROBE = Hint(about=About.PROBE)
_CLUSTER = Hint(about=About.CLUSTER)

_FAMILIES: dict[str, Hint] = {
    **dict.fromkeys(
        words(
            "mysql mysqld mariadb pg postgres postgresql pgbouncer mongodb mongod mssql "
            "sqlserver oracledb cassandra clickhouse elasticsearch opensearch tidb cockroachdb "
            "couchdb influxdb"
        ),
        _DATABASE,
    ),
    **dict.fromkeys(words("redis valkey memcached keydb"), _CACHE),
    **dict.fromkeys(words("kafka rabbitmq activemq nats pulsar redpanda rocketmq"), _QUEUE),
    **dict.fromkeys(words("node host machine system windows"), _NODE),
    **dict.fromkeys(words("probe blackbox"), _PROBE),
    **dict.fromkeys(words("kube container cadvisor kubelet k8s"), _CLUSTER),
}
_METRIC_ONLY = frozenset({"system", "windows", "machine", "container", "k8s"})
_JOB_TAIL = frozenset(
    words("exporter metrics prod primary server cluster nodes tls http tcp icmp dns")
)

# The same words begin the metrics of client libraries, which are about the program they run in.
_CLIENT_SIDE = re.compile(
    r"kafka_(consumer_(?!group)|producer_|streams?_|connect_)|mongodb_driver_|redis_client_"
    r"|elasticsearch_client_|rabbitmq_(client|published|consumed|acknowledged|rejected)_"
    r"|nats_client_|kube_(client|api)_"
)
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
# `MySQL` and `PostgreSQL` come apart at their inner capitals; put them together first.
_BRANDS = re.compile(r"(My|Postgre|Mongo|Rabbit|Postgres|Elastic)(SQL|DB|MQ|Search|QL)")


def hint_of(metric: str, job: str, rule: str) -> Hint:
    """Tell what a series or alert is about, from its metric, its job, or a rule's name.

    >>> hint_of("mysql_up", "", "").kind.value, hint_of("", "kafka-exporter", "").kind.value
    ('database', 'queue')
    >>> hint_of("", "", "RedisMissingMaster").firm, hint_of("jvm_gc_seconds", "", "").about.value
    (False, 'nothing special')
    """
    return _by_metric(plain_metric(metric)) or _by_job(job) or _by_rule(rule) or _NONE


def plain_metric(metric: str) -> str:
    """Write an OpenTelemetry metric name the way Prometheus does."""
    return metric.replace(".", "_").lower()


def _by_metric(metric: str) -> Hint | None:
    if not metric or _CLIENT_SIDE.match(metric):
        return None
    if metric.startswith(("kube_node_", "k8s_node_")):
        return _NODE
    return _FAMILIES.get(metric.split("_", 1)[0])


def _by_job(job: str) -> Hint | None:
    """`mysql`, `mysqld-exporter`, `prod/redis`; not `mysql-backup`, which is a program."""
    parts = [part for part in re.split(r"[-_. ]", job.lower().rsplit("/", 1)[-1]) if part]
    if not parts or parts[0] in _METRIC_ONLY:
        return None
    if parts[:3] == ["kube", "state", "metrics"]:
        return _CLUSTER
    return _FAMILIES.get(parts[0]) if _JOB_TAIL.issuperset(parts[1:]) else None


def _by_rule(rule: str) -> Hint | None:
    """`MysqlTooManyConnections`, `NodeFilesystemFull`, `KubePodCrashLooping`."""
    joined = _BRANDS.sub(lambda match: match[1] + match[2].lower(), rule)
    first = (_WORD.findall(joined) or [""])[0].lower()
    hint = _FAMILIES.get(first)
    if hint is None or first in _METRIC_ONLY:
        return None
    return Hint(about=hint.about, kind=hint.kind, firm=False)
