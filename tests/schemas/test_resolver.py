"""Which component labels, resources and peers speak about."""

import pytest

from schemas.component import Component, ComponentKind
from schemas.resolve import Resolver, ResolverConfig
from schemas.telemetry import Labels, SpanKind, labels_of

RESOLVER = Resolver(ResolverConfig())
SERVICE, DATABASE, CACHE = ComponentKind.SERVICE, ComponentKind.DATABASE, ComponentKind.CACHE
QUEUE, NODE, EXTERNAL = ComponentKind.QUEUE, ComponentKind.NODE, ComponentKind.EXTERNAL


def labels(text: str) -> Labels:
    """`a=1 b=2` to labels."""
    return labels_of(dict(pair.split("=", 1) for pair in text.split()))


ALERTS: list[tuple[str, str, ComponentKind, str]] = [
    ("alertname=HighLatency service=checkout", "checkout", SERVICE, "service"),
    ("alertname=HighLatency service=Checkout namespace=shop", "checkout", SERVICE, "service"),
    ("alertname=X service_name=cart service=web", "cart", SERVICE, "service_name"),
    ("alertname=X app=cart pod=cart-7d9c5b8f4-x2x4q", "cart", SERVICE, "app"),
    ("alertname=X app_kubernetes_io_name=cart", "cart", SERVICE, "app_kubernetes_io_name"),
    ("alertname=X k8s-app=dns", "dns", SERVICE, "k8s_app"),
    ("alertname=X deployment=cart namespace=shop", "cart", SERVICE, "deployment"),
    ("alertname=X statefulset=mysql", "mysql", DATABASE, "statefulset"),
    ("alertname=X daemonset=agent", "agent", SERVICE, "daemonset"),
    ("alertname=X replicaset=cart-7d9c5b8f4", "cart", SERVICE, "replicaset"),
    ("alertname=X pod=cart-7d9c5b8f4-x2x4q container=server", "cart", SERVICE, "pod"),
    ("alertname=X pod=mysql-0 container=mysqld", "mysql", DATABASE, "pod"),
    ("alertname=X pod=agent-x2x4q", "agent", SERVICE, "pod"),
    ("alertname=X pod=elder-0 container=redis", "elder", CACHE, "pod"),
    ("alertname=X pod=cart-7d9c5b8f4-x2x4q container=redis", "cart", SERVICE, "pod"),
    ("alertname=X container=istio-proxy job=cart", "cart", SERVICE, "job"),
    ("alertname=X container=cart", "cart", SERVICE, "container"),
    ("alertname=X job_name=report-28394400", "report", SERVICE, "job_name"),
    ("alertname=X component=billing", "billing", SERVICE, "component"),
    ("alertname=InstanceDown job=cart instance=10.0.0.1:80", "cart", SERVICE, "job"),
    ("alertname=InstanceDown job=shop/cart instance=10.0.0.1:80", "cart", SERVICE, "job"),
    ("alertname=InstanceDown job=apps instance=cart:8080", "cart", SERVICE, "instance"),
    ("alertname=InstanceDown instance=cart.shop.svc:8080", "cart", SERVICE, "instance"),
    ("alertname=PrometheusDown job=prometheus", "prometheus", SERVICE, "job"),
    ("alertname=Watchdog severity=none", "unknown-watchdog", SERVICE, ""),
    ("severity=none", "unknown", SERVICE, ""),
    # Who scraped an object of Kubernetes is not whom the alert is about.
    (
        "alertname=KubePodCrashLooping job=kube-state-metrics service=kube-state-metrics "
        "instance=10.0.0.7:8080 pod=cart-7d9c5b8f4-x2x4q",
        "cart",
        SERVICE,
        "pod",
    ),
    (
        "alertname=KubeNodeNotReady job=kube-state-metrics node=n-2 instance=10.0.0.7:8080",
        "n-2",
        NODE,
        "node",
    ),
    ("alertname=KubeDeploymentReplicasMismatch deployment=cart", "cart", SERVICE, "deployment"),
    # Nodes.
    ("alertname=NodeFilesystemFull job=node-exporter instance=n-3:9100", "n-3", NODE, "instance"),
    ("alertname=HostOutOfMemory instance=n-3.corp.internal:9100", "n-3", NODE, "instance"),
    ("alertname=DiskFull job=node instance=10.0.0.3:9100 node=n-3", "n-3", NODE, "node"),
    ("alertname=DiskFull job=node instance=10.0.0.3:9100", "10.0.0.3", NODE, "instance"),
    ("alertname=NodeJsEventLoopLag service=web", "web", SERVICE, "service"),
    # Databases, caches and queues behind exporters.
    ("alertname=A job=mysql instance=mysql-primary:9104", "mysql-primary", DATABASE, "instance"),
    (
        "alertname=A job=mysqld-exporter service=mysql-primary-exporter instance=10.0.0.4:9104 "
        "pod=mysqld-exporter-7d9c5b8f4-x2x4q",
        "mysql-primary",
        DATABASE,
        "service",
    ),
    ("alertname=A job=mysqld instance=localhost:9104", "mysql", DATABASE, "job"),
    ("alertname=A job=mysql instance=10.0.0.4:9104", "10.0.0.4", DATABASE, "instance"),
    ("alertname=A job=postgres instance=exp:9187 server=pg-1:5432", "pg-1", DATABASE, "server"),
    ("alertname=MysqlTooManyConnections instance=db-1:9104", "db-1", DATABASE, "instance"),
    ("alertname=MySQLDown instance=db-1:9104", "db-1", DATABASE, "instance"),
    ("alertname=PostgreSQLDown instance=db-1:9104", "db-1", DATABASE, "instance"),
    ("alertname=RedisDown instance=redis://sessions:6379", "sessions", CACHE, "instance"),
    ("alertname=RedisTimeouts service=cart", "cart", SERVICE, "service"),
    ("alertname=A service=orders-db", "orders-db", DATABASE, "service"),
    ("alertname=A dbinstance_identifier=orders", "orders", DATABASE, "dbinstance_identifier"),
    (
        "alertname=KafkaConsumerLag topic=Orders consumergroup=billing job=kafka-exporter "
        "instance=kafka:9308",
        "orders",
        QUEUE,
        "topic",
    ),
    ("alertname=KafkaDown job=kafka-exporter instance=kafka-exporter:9308", "kafka", QUEUE, ""),
    ("alertname=Backlog queue=mails job=rabbitmq instance=rabbit:15692", "mails", QUEUE, "queue"),
    ("alertname=Backlog topic=orders service=billing", "billing", SERVICE, "service"),
    # Probes.
    (
        "alertname=A job=blackbox instance=https://api.stripe.com/v1",
        "api.stripe.com",
        EXTERNAL,
        "",
    ),
    ("alertname=A job=blackbox instance=http://cart.shop:80/health", "cart", SERVICE, "instance"),
    ("alertname=A job=blackbox-tls instance=cart:8443", "cart", SERVICE, "instance"),
    ("alertname=A job=blackbox service=blackbox-exporter target=cart", "cart", SERVICE, "target"),
    ("alertname=ProbeFailed instance=https://example.com", "example.com", EXTERNAL, "instance"),
]


@pytest.mark.parametrize(("text", "name", "kind", "route"), ALERTS, ids=[a[0] for a in ALERTS])
def test_an_alert_finds_its_component(
    text: str, name: str, kind: ComponentKind, route: str
) -> None:
    resolved = RESOLVER.component(labels(text))
    assert resolved.component == Component(name=name, kind=kind)
    if route or "unknown" in name:
        assert resolved.route == route


METRICS: list[tuple[str, str, str, ComponentKind]] = [
    ("mysql_up", "job=db instance=mysql-primary:9104", "mysql-primary", DATABASE),
    ("pg_up", "job=db instance=pg-1:9187", "pg-1", DATABASE),
    ("redis_up", "job=x instance=redis-cart:9121", "redis-cart", CACHE),
    ("memcached_up", "instance=memcached-rate:9150", "memcached-rate", CACHE),
    ("mongodb_up", "instance=mongo-1:9216", "mongo-1", DATABASE),
    ("elasticsearch_cluster_health_status", "instance=search:9114", "search", DATABASE),
    ("kafka_consumergroup_lag", "topic=orders consumergroup=b instance=k:9308", "orders", QUEUE),
    ("kafka_brokers", "instance=kafka:9308", "kafka", QUEUE),
    ("kafka.consumer_group.lag", "topic=orders group=billing", "orders", QUEUE),
    ("rabbitmq_queue_messages", "queue=mails instance=rabbit:15692", "mails", QUEUE),
    ("node_load1", "job=x instance=n-1:9100", "n-1", NODE),
    ("system.cpu.utilization", "host.name=n-1", "n-1", NODE),
    ("kube_node_status_condition", "node=n-1 job=kube-state-metrics", "n-1", NODE),
    ("kube_pod_info", "pod=cart-7d9c5b8f4-x2x4q node=n-1 job=kube-state-metrics", "cart", SERVICE),
    ("kube_deployment_status_replicas", "deployment=cart job=ksm", "cart", SERVICE),
    (
        "container_cpu_usage_seconds_total",
        "job=kubelet service=kubelet pod=redis-cart-0 container=redis node=n-1 instance=n-1:10250",
        "redis-cart",
        CACHE,
    ),
    ("probe_success", "job=x instance=https://api.stripe.com", "api.stripe.com", EXTERNAL),
    # A program's own view of what it talks to is about the program.
    ("kafka_consumer_fetch_manager_records_lag", "topic=orders application=b", "b", SERVICE),
    ("mongodb_driver_pool_size", "application=cart", "cart", SERVICE),
    ("kafka.producer.record_send_rate", "service.name=cart topic=orders", "cart", SERVICE),
    ("redis.keyspace.hits", "service.name=cart server.address=redis", "cart", SERVICE),
    ("system.cpu.utilization", "service.name=cart host.name=n-1", "cart", SERVICE),
    ("jvm_gc_pause_seconds_sum", "job=spring instance=cart:8080", "cart", SERVICE),
    ("http_server_duration_sum", "service.name=cart k8s.pod.name=x-1", "cart", SERVICE),
    ("istio_requests_total", "destination_service_name=cart source_workload=web", "cart", SERVICE),
    ("mysql.threads", "mysql.instance.endpoint=mysql-primary:3306", "mysql-primary", DATABASE),
    ("up", "job=mysql instance=mysql-primary:9104", "mysql-primary", DATABASE),
    (
        "traces_service_graph_request_total",
        "client=cart server=mysql-primary connection_type=database",
        "mysql-primary",
        DATABASE,
    ),
]


@pytest.mark.parametrize(
    ("metric", "text", "name", "kind"), METRICS, ids=[f"{m[0]} {m[2]}" for m in METRICS]
)
def test_a_series_finds_its_component(
    metric: str, text: str, name: str, kind: ComponentKind
) -> None:
    resolved = RESOLVER.component(labels(text), metric=metric)
    assert resolved.component == Component(name=name, kind=kind)


PEERS: list[tuple[str, Component | None]] = [
    (
        "db.system=mysql server.address=mysql-primary.shop.svc.cluster.local server.port=3306",
        Component(name="mysql-primary", kind=DATABASE),
    ),
    (
        "db.system.name=postgresql net.peer.name=orders.x1.eu-west-1.rds.amazonaws.com",
        Component(name="orders", kind=DATABASE),
    ),
    ("db.system=redis net.peer.name=redis-cart", Component(name="redis-cart", kind=CACHE)),
    ("db.system=memcached", Component(name="memcached", kind=CACHE)),
    ("db.system=mysql server.address=10.0.0.4", Component(name="10.0.0.4", kind=DATABASE)),
    ("db.system=mysql server.address=localhost", Component(name="mysql", kind=DATABASE)),
    ("db.system=mysql peer.service=Orders-DB", Component(name="orders-db", kind=DATABASE)),
    ("db.system=h2 server.address=x", None),
    (
        "messaging.system=kafka messaging.destination.name=Orders server.address=kafka",
        Component(name="orders", kind=QUEUE),
    ),
    ("messaging.system=kafka messaging.destination=orders", Component(name="orders", kind=QUEUE)),
    ("messaging.system=rabbitmq server.address=rabbit", Component(name="rabbit", kind=QUEUE)),
    (
        "messaging.system=rabbitmq messaging.destination.name=amq.gen-1",
        Component(name="rabbitmq", kind=QUEUE),
    ),
    ("peer.service=payments", Component(name="payments")),
    ("server.address=payments", Component(name="payments")),
    ("server.address=payments.shop.svc:8080", Component(name="payments")),
    ("server.address=payments.shop", Component(name="payments")),
    ("server.address=api.stripe.com", Component(name="api.stripe.com", kind=EXTERNAL)),
    ("server.address=stripe.com", Component(name="stripe.com", kind=EXTERNAL)),
    ("server.address=8.8.8.8", Component(name="8.8.8.8", kind=EXTERNAL)),
    ("server.address=10.42.0.7", None),
    ("server.address=localhost", None),
    ("url.host=api.stripe.com", Component(name="api.stripe.com", kind=EXTERNAL)),
    ("rpc.system=grpc rpc.service=shop.Cart", None),
    ("server.address=elasticsearch", Component(name="elasticsearch", kind=DATABASE)),
]


@pytest.mark.parametrize(("text", "expected"), PEERS, ids=[peer[0] for peer in PEERS])
def test_a_calling_span_finds_its_peer(text: str, expected: Component | None) -> None:
    for kind in (SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER):
        assert RESOLVER.peer(labels(text), kind) == expected
    for kind in (SpanKind.SERVER, SpanKind.INTERNAL, SpanKind.UNSPECIFIED):
        assert RESOLVER.peer(labels(text), kind) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("service.name=Checkout service.namespace=shop", Component(name="checkout")),
        (
            "service.name=unknown_service:java k8s.deployment.name=ads",
            Component(name="ads"),
        ),
        (
            "service.name=unknown_service k8s.pod.name=ads-7d9c5b8f4-x2x4q",
            Component(name="ads"),
        ),
        ("service.name=mysql", Component(name="mysql", kind=DATABASE)),
        ("host.name=n-1", None),
        ("service.name=unknown_service:node", None),
    ],
)
def test_a_resource_finds_its_service(text: str, expected: Component | None) -> None:
    assert RESOLVER.resource(labels(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("service.name=cart k8s.node.name=n-1 k8s.pod.name=cart-0", "n-1"),
        ("service.name=cart host.name=cart-0 k8s.pod.name=cart-0", None),
        ("service.name=cart host.name=4f1c2d3e4b5a", None),
        ("service.name=cart host.name=n-1.eu.internal", "n-1"),
        ("pod=cart-0 node=n-1", "n-1"),
        ("service=cart instance=10.0.0.1:80", None),
    ],
)
def test_a_node_is_found_where_labels_say_so(text: str, expected: str | None) -> None:
    node = RESOLVER.node(labels(text))
    assert node == (Component(name=expected, kind=NODE) if expected else None)


ONE_THING: dict[str, list[Component | None]] = {
    "database": [
        RESOLVER.peer(
            labels("db.system=mysql server.address=mysql-primary.shop"), SpanKind.CLIENT
        ),
        RESOLVER.component(labels("job=mysql instance=mysql-primary:9104")).component,
        RESOLVER.component(labels("alertname=MysqlDown service=mysql-primary")).component,
        RESOLVER.component(labels("pod=mysql-primary-0 container=mysqld")).component,
        RESOLVER.component(labels("instance=mysql-primary:9104"), metric="mysql_up").component,
    ],
    "cache": [
        RESOLVER.peer(labels("db.system=redis net.peer.name=redis-cart"), SpanKind.CLIENT),
        RESOLVER.component(labels("instance=redis-cart:9121"), metric="redis_up").component,
        RESOLVER.component(labels("alertname=Down deployment=redis-cart")).component,
    ],
    "topic": [
        RESOLVER.peer(labels("messaging.destination.name=order-events"), SpanKind.PRODUCER),
        RESOLVER.peer(labels("messaging.destination.name=order-events"), SpanKind.CONSUMER),
        RESOLVER.component(
            labels("topic=order-events consumergroup=x"), metric="kafka_consumergroup_lag"
        ).component,
        RESOLVER.component(labels("alertname=Lag topic=order-events")).component,
    ],
    "service": [
        RESOLVER.resource(labels("service.name=checkout")),
        RESOLVER.peer(labels("server.address=checkout.shop.svc.cluster.local"), SpanKind.CLIENT),
        RESOLVER.component(labels("pod=checkout-7d9c5b8f4-x2x4q")).component,
        RESOLVER.component(labels("job=blackbox instance=http://checkout:80")).component,
        RESOLVER.component(labels("alertname=X service=Checkout")).component,
    ],
    "node": [
        RESOLVER.node(labels("k8s.node.name=n-1")),
        RESOLVER.component(labels("instance=n-1:9100"), metric="node_load1").component,
        RESOLVER.component(labels("alertname=KubeNodeNotReady node=n-1")).component,
    ],
    "external": [
        RESOLVER.peer(labels("server.address=api.stripe.com"), SpanKind.CLIENT),
        RESOLVER.component(labels("job=blackbox instance=https://api.stripe.com/v1")).component,
    ],
}


@pytest.mark.parametrize("found", ONE_THING.values(), ids=ONE_THING)
def test_alerts_metrics_and_spans_of_one_thing_meet(found: list[Component | None]) -> None:
    assert found == [found[0]] * len(found)
    assert found[0] is not None


def test_edges_of_the_service_graph_have_both_sides() -> None:
    text = "client=checkout server=redis-cart connection_type=database"
    assert RESOLVER.edge(labels(text)) == (
        Component(name="checkout"),
        Component(name="redis-cart", kind=CACHE),
    )
    virtual = "client=checkout server=api.stripe.com connection_type=virtual_node"
    assert RESOLVER.edge(labels(virtual)) == (
        Component(name="checkout"),
        Component(name="api.stripe.com", kind=EXTERNAL),
    )
    queue = "client=checkout server=orders connection_type=messaging_system"
    assert RESOLVER.edge(labels(queue)) == (
        Component(name="checkout"),
        Component(name="orders", kind=QUEUE),
    )
    assert RESOLVER.edge(labels("client=user server=checkout connection_type=x")) is None
    assert RESOLVER.edge(labels("client=checkout server=unknown")) is None
