"""What the configuration says goes first, and whatever labels say, every name is tidy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.component import Component, ComponentKind
from schemas.resolve import Resolver, ResolverConfig
from schemas.resolve_routes import ROUTES
from schemas.resolve_rules import MappingRule
from schemas.telemetry import SpanKind, labels_of
from tests.schemas.test_resolver import labels

RESOLVER = Resolver(ResolverConfig())
QUEUE, NODE, EXTERNAL = ComponentKind.QUEUE, ComponentKind.NODE, ComponentKind.EXTERNAL
SERVICE, DATABASE, CACHE = ComponentKind.SERVICE, ComponentKind.DATABASE, ComponentKind.CACHE


def test_rules_come_first_everywhere() -> None:
    rules = (
        MappingRule(label="k8s.pod.name", regex=r"(\w+)-v\d+-.*", replacement=r"\1"),
        MappingRule(label="pod", regex=r"(\w+)-v\d+-.*", replacement=r"\1-svc"),
        MappingRule(
            label="server.address", regex=r"legacy\d", replacement="mainframe", kind=EXTERNAL
        ),
    )
    resolver = Resolver(ResolverConfig(rules=rules))
    resolved = resolver.component(labels("pod=pay-v2-abc service=other"))
    assert (resolved.component, resolved.route) == (Component(name="pay-svc"), "rule:pod")
    resource = labels("service.name=x k8s.pod.name=pay-v2-abc")
    assert resolver.resource(resource) == Component(name="pay")
    peer = resolver.peer(labels("db.system=mysql server.address=legacy7"), SpanKind.CLIENT)
    assert peer == Component(name="mainframe", kind=EXTERNAL)
    assert resolver.component(labels("pod=pay-0")).route == "pod"


@pytest.mark.parametrize(
    ("label", "regex", "replacement", "sentence"),
    [
        ("pod", "(", "x", r"the rule of label pod is no regular expression"),
        ("pod", "a", r"\1", r"correct regex 'a' or replacement '\\\\1'"),
        ("pod", "a" * 301, "x", r"has 301 characters, at most 300 are allowed"),
        ("", "a", "x", r"a rule has no label"),
    ],
)
def test_a_bad_rule_is_refused_with_a_sentence(
    label: str, regex: str, replacement: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        MappingRule(label=label, regex=regex, replacement=replacement)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"environment": " "}, r"resolver\.environment is empty"),
        ({"cache_entries": 0}, r"resolver\.cache_entries is 0"),
        ({"internal_suffixes": ("svc",)}, r"resolver\.internal_suffixes: each has to begin"),
        (
            {"rules": (MappingRule(label="a", regex="b", replacement="c"),) * 2, "rules_limit": 1},
            r"resolver\.rules has 2 rules, at most 1",
        ),
    ],
)
def test_a_bad_configuration_is_refused_with_a_sentence(
    config: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        ResolverConfig(**config)  # type: ignore[arg-type]  # the test is about wrong values


def test_the_environment_is_the_first_label_present() -> None:
    resolver = Resolver(
        ResolverConfig(environment="home", environment_labels=("k8s.cluster.name", "cluster"))
    )
    assert resolver.environment(labels("cluster=eu1 k8s.cluster.name=eu2")) == "eu2"
    assert resolver.environment(labels("cluster=eu1")) == "eu1"
    assert resolver.environment(labels("service=x")) == "home"
    assert RESOLVER.environment(labels("cluster=eu1")) == "default"


def test_names_can_keep_the_host_and_the_namespace() -> None:
    resolver = Resolver(ResolverConfig(full_host_names=True, qualify_by_namespace=True))
    database = labels("db.system=mysql server.address=orders.rds.amazonaws.com")
    peer = resolver.peer(database, SpanKind.CLIENT)
    assert peer == Component(name="orders.rds.amazonaws.com", kind=DATABASE)
    service = labels("service.name=cart service.namespace=shop")
    assert resolver.resource(service) == Component(name="shop.cart")
    assert resolver.component(service).component == Component(name="shop.cart")


def test_the_caches_stay_within_their_limit_and_change_nothing() -> None:
    resolver = Resolver(ResolverConfig(cache_entries=2))
    for round_ in range(3):
        for index in range(5):
            text = labels(f"service=s{index}")
            assert resolver.component(text).component.name == f"s{index}", round_
            peer = resolver.peer(labels(f"peer.service=p{index}"), SpanKind.CLIENT)
            assert peer == Component(name=f"p{index}")
    assert len(resolver._components) <= 2
    assert len(resolver._peer_cache) <= 2


LABEL_NAMES = st.sampled_from(
    [
        *(name for name, _ in ROUTES),
        *("alertname", "job", "instance", "node", "host", "host.name", "topic", "queue", "target"),
        *("client", "server", "connection_type", "server.address", "peer.service", "db.system"),
        *("messaging.system", "messaging.destination.name", "url.host", "queue_name"),
    ]
)
PIECES = st.sampled_from(
    [".", "/", ":", "@", "[", "]", "-", " ", "x", "B", "7", "://", ".svc", "é", "exporter", "1.2"]
)
VALUES = st.lists(PIECES, max_size=6).map("".join)


@given(
    by_name=st.dictionaries(LABEL_NAMES, VALUES, max_size=6),
    metric=st.sampled_from(["", "mysql_up", "node_load1", "probe_success", "kafka_x", "."]),
)
@settings(max_examples=500, deadline=None)
def test_whatever_the_labels_are_every_name_is_tidy(by_name: dict[str, str], metric: str) -> None:
    found = labels_of(by_name)
    components = [
        RESOLVER.component(found, metric=metric).component,
        RESOLVER.resource(found),
        RESOLVER.node(found),
        RESOLVER.peer(found, SpanKind.CLIENT),
        *(RESOLVER.edge(found) or ()),
    ]
    for component in components:
        if component is not None:
            assert component.name
            assert component.name == component.name.strip().lower()
            # A broker's topics may be paths; nothing else is.
            assert "/" not in component.name or component.kind is QUEUE
