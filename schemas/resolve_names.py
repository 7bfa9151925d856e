"""How a name is written, so that alerts, metrics and spans of one thing meet in one component.

Pure text functions under `schemas.resolve`. Invariant: every name that leaves the resolver went
through `tidy`, so it is lower-case, without scheme, port, path and cluster suffix.
"""

import re
from ipaddress import ip_address

from schemas.component import ComponentKind


def words(text: str) -> list[str]:
    """Split a literal list of words, which reads better in a table than twenty quoted strings.

    >>> words("mysql redis")
    ['mysql', 'redis']
    """
    return text.split()


NAME_CHARS = 256
"""Component names are cut to this: hosts and whatever Kubernetes names have at most 253."""

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "host.docker.internal"})  # noqa: S104 -- recognised, not bound to
"""Hosts that name the speaker itself, so never a component."""

UNKNOWN_SERVICE = "unknown_service"
"""What OpenTelemetry SDKs write when nobody gave a service name."""

# Two-label names that end in none of these are read as `service.namespace`. A few real top-level
# domains (dev, app, test, prod, ...) are left out: as the last of two labels they are namespaces.
PUBLIC_SUFFIXES = frozenset(
    words(
        "com net org io co ai eu us uk de fr nl it es pl cn jp kr in br ru ca au ch at se no "
        "dk fi be ie cz pt sg hk tw za mx ar cl tr il ae id th vn nz me tv cc gov edu mil int "
        "info biz cloud tech online xyz"
    )
)

# A technology in a name tells its kind, wherever it stands ...
_TECHNOLOGY: dict[str, ComponentKind] = {
    **dict.fromkeys(
        words(
            "mysql mysqld mariadb percona postgres postgresql pg mongo mongodb mongod "
            "cassandra cockroachdb tidb oracle mssql sqlserver clickhouse elasticsearch "
            "opensearch neo4j dynamodb influxdb couchbase couchdb scylla vitess aurora rds "
            "solr"
        ),
        ComponentKind.DATABASE,
    ),
    **dict.fromkeys(
        words("redis valkey memcached memcache keydb dragonfly elasticache"), ComponentKind.CACHE
    ),
    **dict.fromkeys(
        words("kafka rabbitmq activemq nats pulsar redpanda rocketmq sqs"), ComponentKind.QUEUE
    ),
}
# ... and a role does as the last word only: `queue-master` is a service.
_ROLE: dict[str, ComponentKind] = {
    "db": ComponentKind.DATABASE,
    "database": ComponentKind.DATABASE,
    "cache": ComponentKind.CACHE,
    "queue": ComponentKind.QUEUE,
    "topic": ComponentKind.QUEUE,
    "broker": ComponentKind.QUEUE,
}
# ... unless a word says that it is a program that merely deals with the technology.
_PROGRAM = frozenset(
    words(
        "service svc api app proxy consumer producer worker client operator gateway job "
        "migrator migration backup manager ui admin connect connector exporter adapter bridge "
        "router console web server agent sync loader writer reader streams processor "
        "controller report reporter"
    )
)

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PORT = re.compile(r":\d{1,5}$")
_HEX_ID = re.compile(r"[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{64}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Kubernetes names use an alphabet without vowels, 0, 1 and 3 for what it generates itself.
_GENERATED = r"[bcdfghjklmnpqrstvwxz2456789]"
_REPLICA_SET_POD = re.compile(rf"^(.+)-{_GENERATED}{{6,10}}-{_GENERATED}{{5}}$")
_DAEMON_SET_POD = re.compile(rf"^(.+)-{_GENERATED}{{5}}$")
_STATEFUL_SET_POD = re.compile(r"^(.+)-\d{1,4}$")
_REPLICA_SET = re.compile(rf"^(.+)-{_GENERATED}{{6,10}}$")
_JOB_RUN = re.compile(r"^(.+)-\d{8,10}$")
_EXPORTER = re.compile(r"[-_.]?(prometheus[-_])?exporter$")


def host_of(text: str) -> str:
    """Take the bare host out of a URL, an authority or a host with a port.

    >>> host_of("https://me@Checkout.shop:8443/pay?x=1"), host_of("[::1]:3306"), host_of("fe80::")
    ('checkout.shop', '::1', 'fe80::')
    """
    # A host has no blanks, but names that people give do.
    joined = "-".join(text.split())
    rest = _SCHEME.sub("", joined).split("/", 1)[0].split("?", 1)[0]
    rest = rest.rsplit("@", 1)[-1].strip(".")
    if rest.startswith("["):
        return rest[1:].split("]", 1)[0].strip(".").lower()
    # More than one colon without brackets is a bare IPv6 address, which has no port to strip.
    if rest.count(":") == 1:
        rest = _PORT.sub("", rest)
    return rest.strip(".").lower()


def is_address(host: str) -> bool:
    """Whether a host is an IP address rather than a name.

    >>> is_address("10.0.0.7"), is_address("mysql-0")
    (True, False)
    """
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_private_address(host: str) -> bool:
    """Whether a host is an IP address of an inner network."""
    return is_address(host) and not ip_address(host).is_global


def is_generated(text: str) -> bool:
    """Whether a name is a container id or a UUID, which names an instance and no component.

    >>> is_generated("4f1c2d3e4b5a"), is_generated("checkout")
    (True, False)
    """
    return bool(_HEX_ID.fullmatch(text) or _UUID.fullmatch(text))


def is_internal(host: str, suffixes: tuple[str, ...]) -> bool:
    """Whether a host name belongs to the inside: one label, a cluster suffix, `service.namespace`.

    >>> is_internal("orders.shop", ()), is_internal("api.stripe.com", ())
    (True, False)
    """
    labels = host.split(".")
    if len(labels) == 1 or host.endswith(suffixes):
        return True
    return len(labels) == 2 and labels[-1] not in PUBLIC_SUFFIXES


def first_label(host: str) -> str:
    """Return the part of a host name before its first dot; an address stays whole."""
    return host if is_address(host) else host.split(".", 1)[0]


def tidy(name: str, suffixes: tuple[str, ...] = ()) -> str:
    """Write a name as every component name is written.

    >>> tidy("shop/Checkout:8080"), tidy("mysql.prod.svc.cluster.local", (".svc.cluster.local",))
    ('checkout', 'mysql')
    """
    bare = _SCHEME.sub("", name.strip())
    # `namespace/name` is how Prometheus and Kubernetes qualify; a host's path comes after a dot
    # or a port, and `host_of` is for those.
    host = host_of(bare.rsplit("/", 1)[-1] or bare)
    found = first_label(host) if host.endswith(suffixes) else host
    return found[:NAME_CHARS].rstrip(".")


def workload_of(pod: str) -> str:
    """Strip what Kubernetes appended to a workload's name to make a pod's.

    >>> workload_of("checkout-7d9c5b8f4-x2x4q"), workload_of("mysql-0"), workload_of("agent-x2x4q")
    ('checkout', 'mysql', 'agent')
    >>> workload_of("report-28394400-x2x4q")
    'report'
    """
    for pattern in (_REPLICA_SET_POD, _DAEMON_SET_POD, _STATEFUL_SET_POD):
        match = pattern.match(pod)
        if match:
            return run_of(match[1])
    return pod


def replica_set_of(name: str) -> str:
    """Strip the template hash from a ReplicaSet's name.

    >>> replica_set_of("checkout-7d9c5b8f4")
    'checkout'
    """
    match = _REPLICA_SET.match(name)
    return match[1] if match else name


def run_of(job: str) -> str:
    """Strip the schedule time that a CronJob appends to the Jobs it starts.

    >>> run_of("report-28394400")
    'report'
    """
    match = _JOB_RUN.match(job)
    return match[1] if match else job


def without_exporter(name: str) -> str:
    """Name what an exporter exports.

    >>> without_exporter("mysql-primary-exporter"), without_exporter("mysqld_exporter")
    ('mysql-primary', 'mysql')
    """
    bare = _EXPORTER.sub("", name)
    return {"mysqld": "mysql", "pg": "postgres", "": name}.get(bare, bare)


def kind_of(name: str) -> ComponentKind:
    """Guess from a name what sort of thing it names; a service when nothing speaks against it.

    >>> kind_of("mysql-primary"), kind_of("orders-db"), kind_of("kafka-consumer")
    (<ComponentKind.DATABASE: 'database'>, <ComponentKind.DATABASE: 'database'>, \
<ComponentKind.SERVICE: 'service'>)
    """
    parts = [part for part in re.split(r"[-_.\d]+", name) if part]
    if not parts or not _PROGRAM.isdisjoint(parts):
        return ComponentKind.SERVICE
    for part in parts:
        if part in _TECHNOLOGY:
            return _TECHNOLOGY[part]
    return _ROLE.get(parts[-1], ComponentKind.SERVICE)
