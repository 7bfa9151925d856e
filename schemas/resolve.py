"""Which component labels, a resource or a span's peer attributes speak about, and where it runs.

The entry to the `resolve_*` modules: rules from the configuration first, then the order of trust
of `resolve_labels`, then `resolve_peers`. Invariant: a pure function of its arguments and its
configuration; the caches only save time and are bounded.
"""

from dataclasses import dataclass, field

from schemas.component import Component
from schemas.resolve_labels import LabelNames, Resolved, edge_server
from schemas.resolve_names import tidy
from schemas.resolve_peers import PeerNames
from schemas.resolve_rules import MappingRule, apply_rules, plain
from schemas.telemetry import Labels, SpanKind

CLUSTER_SUFFIXES = (
    ".svc.cluster.local",
    ".pod.cluster.local",
    ".cluster.local",
    ".svc",
    ".internal",
    ".local",
    ".localdomain",
    ".lan",
    ".consul",
)
_TALKING = frozenset({SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER})
CACHED_CHARS = 2_048
"""Longer label sets are looked up anew each time: a cache full of them would fill the memory."""
_NOBODY = frozenset({"", "user", "unknown"})
"""What the service graph connector writes for a side that it did not see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolverConfig:
    """How components and environments are found in labels and attributes."""

    environment: str = field(
        default="default",
        metadata={"doc": "Environment of everything that names none itself."},
    )
    environment_labels: tuple[str, ...] = field(
        default=(),
        metadata={"doc": "Labels or resource attributes that name the environment, first wins."},
    )
    rules: tuple[MappingRule, ...] = field(
        default=(),
        metadata={"doc": "Mapping rules, evaluated in order before anything is guessed."},
    )
    internal_suffixes: tuple[str, ...] = field(
        default=CLUSTER_SUFFIXES,
        metadata={"doc": "Host name endings of the inside, stripped from names."},
    )
    full_host_names: bool = field(
        default=False,
        metadata={"doc": "Name databases and nodes by the whole host name, not its first label."},
    )
    qualify_by_namespace: bool = field(
        default=False,
        metadata={"doc": "Name services `namespace.name` where service.namespace is given."},
    )
    rules_limit: int = field(default=500, metadata={"doc": "Most mapping rules accepted."})
    cache_entries: int = field(
        default=65_536,
        metadata={"doc": "Distinct label sets remembered per kind of look-up."},
    )

    def __post_init__(self) -> None:
        if not self.environment.strip():
            msg = "resolver.environment is empty; give the environment a name"
            raise ValueError(msg)
        if len(self.rules) > self.rules_limit:
            msg = (
                f"resolver.rules has {len(self.rules)} rules, at most {self.rules_limit}"
                " (resolver.rules_limit) are allowed; join some of them"
            )
            raise ValueError(msg)
        if self.cache_entries < 1:
            msg = f"resolver.cache_entries is {self.cache_entries}; it has to be at least 1"
            raise ValueError(msg)
        if any(not suffix.startswith(".") for suffix in self.internal_suffixes):
            msg = "resolver.internal_suffixes: each has to begin with a dot, like .svc"
            raise ValueError(msg)


class Resolver:
    """Answers who and where; build one per process and share it."""

    def __init__(self, config: ResolverConfig) -> None:
        self._config = config
        self._peers = PeerNames(config.internal_suffixes, full_host_names=config.full_host_names)
        self._labels = LabelNames(config.internal_suffixes, self._peers)
        self._environment_labels = tuple(plain(label) for label in config.environment_labels)
        self._components: dict[tuple[Labels, str], Resolved] = {}
        self._peer_cache: dict[tuple[Labels, SpanKind], Component | None] = {}

    def environment(self, labels: Labels) -> str:
        """Return the environment that labels or a resource belong to."""
        if not self._environment_labels:
            return self._config.environment
        by_name = _plain_labels(labels)
        for label in self._environment_labels:
            value = by_name.get(label, "").strip()
            if value:
                return value
        return self._config.environment

    def component(self, labels: Labels, *, metric: str = "") -> Resolved:
        """Return what an alert or a series is about; always answers.

        >>> alert = (("alertname", "MysqlDown"), ("instance", "mysql-1:9104"), ("job", "mysql"))
        >>> Resolver(ResolverConfig()).component(alert)
        Resolved(component=Component(name='mysql-1', kind=<ComponentKind.DATABASE: 'database'>), \
route='instance')
        """
        key = (labels, metric)
        resolved = self._components.get(key)
        if resolved is None:
            resolved = self._find(_plain_labels(labels), metric)
            if len(self._components) >= self._config.cache_entries:
                self._components.clear()
            if _is_short(labels):
                self._components[key] = resolved
        return resolved

    def resource(self, resource: Labels) -> Component | None:
        """Return the service that an OpenTelemetry resource describes."""
        by_name = _plain_labels(resource)
        ruled = apply_rules(self._config.rules, by_name)
        if ruled:
            return ruled[0]
        component = self._labels.resource(by_name)
        return component and self._qualified(component, by_name)

    def node(self, labels: Labels) -> Component | None:
        """Return the node that the thing with these labels runs on, None where they don't say."""
        return self._labels.node(_plain_labels(labels))

    def peer(self, attributes: Labels, kind: SpanKind) -> Component | None:
        """Return whom a client, producer or consumer span talks to; None for other kinds."""
        if kind not in _TALKING:
            return None
        key = (attributes, kind)
        if key in self._peer_cache:
            return self._peer_cache[key]
        found = self._peer(_plain_labels(attributes))
        if len(self._peer_cache) >= self._config.cache_entries:
            self._peer_cache.clear()
        if _is_short(attributes):
            self._peer_cache[key] = found
        return found

    def edge(self, labels: Labels) -> tuple[Component, Component] | None:
        """Return (caller, callee) of a servicegraph series; None where a side is not known."""
        by_name = _plain_labels(labels)
        sides = (by_name.get("client", ""), by_name.get("server", ""))
        caller, callee = (tidy(side, self._config.internal_suffixes) for side in sides)
        if caller in _NOBODY or callee in _NOBODY:
            return None
        connection = by_name.get("connection_type", "")
        if connection == "virtual_node":
            virtual = self._peers.endpoint(sides[1])
            return (edge_server(caller, ""), virtual) if virtual else None
        return edge_server(caller, ""), edge_server(callee, connection)

    def _find(self, by_name: dict[str, str], metric: str) -> Resolved:
        ruled = apply_rules(self._config.rules, by_name)
        if ruled:
            return Resolved(component=ruled[0], route=f"rule:{ruled[1]}")
        resolved = self._labels.find(by_name, metric)
        if resolved.route != "service_name":
            return resolved
        component = self._qualified(resolved.component, by_name)
        return Resolved(component=component, route=resolved.route)

    def _qualified(self, component: Component, by_name: dict[str, str]) -> Component:
        namespace = tidy(by_name.get("service_namespace", ""))
        if not self._config.qualify_by_namespace or not namespace:
            return component
        return Component(name=f"{namespace}.{component.name}", kind=component.kind)

    def _peer(self, by_name: dict[str, str]) -> Component | None:
        ruled = apply_rules(self._config.rules, by_name)
        return ruled[0] if ruled else self._peers.peer(by_name)


def _is_short(labels: Labels) -> bool:
    return sum(len(name) + len(value) for name, value in labels) <= CACHED_CHARS


def _plain_labels(labels: Labels) -> dict[str, str]:
    return {plain(name): value for name, value in labels}
