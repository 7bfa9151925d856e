"""The order of trust in which metric and alert labels are read to find their component.

The label names are in `schemas.resolve_routes`. Invariant: pure, and always answers.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from schemas.component import Component, ComponentKind
from schemas.resolve_exporters import (
    GENERIC_JOBS,
    SCRAPERS,
    SIDECARS,
    About,
    Hint,
    hint_of,
    plain_metric,
)
from schemas.resolve_names import (
    LOCAL_HOSTS,
    UNKNOWN_SERVICE,
    host_of,
    is_address,
    is_generated,
    kind_of,
    tidy,
    without_exporter,
)
from schemas.resolve_peers import PeerNames, first_of, queue_name
from schemas.resolve_routes import (
    CLOUD,
    CONTAINERS,
    ENDPOINT,
    NODE_LABELS,
    PODS,
    PROBED,
    RESOURCE_ROUTES,
    ROUTES,
    TOPIC,
    Route,
)

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A component and how it was found: the label, or the rule's label; "" when nothing told."""

    component: Component
    route: str


class LabelNames:
    """Finds the component that a set of labels is about."""

    def __init__(self, suffixes: tuple[str, ...], names: PeerNames) -> None:
        self._suffixes = suffixes
        self._names = names

    def find(self, labels: Labels, metric: str) -> Resolved:
        """Answer by the most specific reading that finds something."""
        metric = plain_metric(metric or labels.get("__name__", ""))
        hint = hint_of(metric, labels.get("job", ""), labels.get("alertname", ""))
        readings: tuple[Callable[[], Resolved | None], ...] = (
            lambda: self._edge(labels),
            lambda: self._cloud(labels),
            lambda: self._special(labels, hint) if hint.firm else None,
            lambda: self._service(labels, firm_only=True),
            lambda: self._topic(labels),
            lambda: None if hint.firm else self._special(labels, hint),
            lambda: self._fallback(labels),
        )
        for reading in readings:
            resolved = reading()
            if resolved:
                return resolved
        return _nothing(labels)

    def resource(self, labels: Labels) -> Component | None:
        """Return the service that an OpenTelemetry resource describes."""
        for _, name in self._named(labels, RESOURCE_ROUTES):
            return Component(name=name, kind=kind_of(name))
        return None

    def node(self, labels: Labels) -> Component | None:
        """Return the node that the thing with these labels runs on, where they say so."""
        pod = first_of(labels, ("k8s_pod_name", "pod", "container_id"))
        for name in NODE_LABELS:
            value = labels.get(name, "")
            host = host_of(value)
            # Inside a container the host's name is the pod's name or the container's id.
            inside = name.startswith("host") and (bool(pod) or is_generated(host))
            named = self._names.host(host)
            if named and not inside and host not in LOCAL_HOSTS:
                return Component(name=named, kind=ComponentKind.NODE)
        return None

    def _edge(self, labels: Labels) -> Resolved | None:
        """A series of the service graph is about whom the client calls."""
        server = tidy(labels.get("server", ""), self._suffixes)
        if not server or "client" not in labels or "connection_type" not in labels:
            return None
        return Resolved(component=edge_server(server, labels["connection_type"]), route="server")

    def _cloud(self, labels: Labels) -> Resolved | None:
        for label, kind in CLOUD:
            name = tidy(labels.get(label, ""), self._suffixes)
            if name:
                return Resolved(component=Component(name=name, kind=kind), route=label)
        return None

    def _special(self, labels: Labels, hint: Hint) -> Resolved | None:
        match hint.about:
            case About.EXPORTED:
                return self._exported(labels, hint)
            case About.NODE:
                return self._on_node(labels)
            case About.PROBE:
                return self._service(labels, firm_only=True) or self._probed(labels)
            case About.CLUSTER | About.NOTHING_SPECIAL:
                return None

    def _exported(self, labels: Labels, hint: Hint) -> Resolved | None:
        """Find the thing behind an exporter: a topic, a fitting name, a host, or what there is."""
        topic = self._topic(labels) if hint.kind is ComponentKind.QUEUE else None
        if topic:
            return topic
        named = list(self._named(labels, ROUTES))
        own = labels.get("service_name", "")
        if own and named and kind_of(named[0][1]) is ComponentKind.SERVICE:
            # An SDK's resource: a program that reports its own view of a database or queue.
            return Resolved(component=Component(name=named[0][1]), route=named[0][0])
        hosts = [(label, self._names.host(labels.get(label, ""))) for label in ENDPOINT]
        hosts = [(label, without_exporter(host)) for label, host in hosts if host]
        candidates = (
            [pair for pair in named if kind_of(pair[1]) is hint.kind]
            + [pair for pair in hosts if not is_address(pair[1])]
            + named
            + hosts
            + [("job", without_exporter(tidy(labels.get("job", ""), self._suffixes)))]
        )
        for label, name in candidates:
            if name:
                return Resolved(component=Component(name=name, kind=hint.kind), route=label)
        return None

    def _on_node(self, labels: Labels) -> Resolved | None:
        own = self._service(labels, firm_only=True) if labels.get("service_name") else None
        if own:
            return own
        for label in (*NODE_LABELS, "exported_instance", "instance"):
            name = self._names.host(labels.get(label, ""))
            if name:
                component = Component(name=name, kind=ComponentKind.NODE)
                return Resolved(component=component, route=label)
        return None

    def _probed(self, labels: Labels) -> Resolved | None:
        for label in PROBED:
            component = self._names.endpoint(labels.get(label, ""))
            if component:
                return Resolved(component=component, route=label)
        return None

    def _topic(self, labels: Labels) -> Resolved | None:
        for label in TOPIC:
            name = queue_name(labels.get(label, ""))
            if name:
                component = Component(name=name, kind=ComponentKind.QUEUE)
                return Resolved(component=component, route=label)
        return None

    def _service(self, labels: Labels, *, firm_only: bool) -> Resolved | None:
        for label, name in self._named(labels, ROUTES, scrapers=not firm_only):
            component = Component(name=name, kind=_kind(label, name, labels))
            return Resolved(component=component, route=label)
        return None

    def _fallback(self, labels: Labels) -> Resolved | None:
        """Read what names an instance, a machine or a collector rather than a service."""
        job = without_exporter(tidy(labels.get("job", ""), self._suffixes))
        instance = self._names.host(labels.get("instance", ""))
        if is_address(instance) or is_generated(instance):
            instance = ""
        node = self.node(labels)
        if job and job not in SCRAPERS and not (instance and job in GENERIC_JOBS):
            return Resolved(component=Component(name=job, kind=kind_of(job)), route="job")
        if instance:
            component = Component(name=instance, kind=kind_of(instance))
            return Resolved(component=component, route="instance")
        if node:
            return Resolved(component=node, route="node")
        scraper = self._service(labels, firm_only=False)
        if scraper or not job:
            return scraper
        return Resolved(component=Component(name=job), route="job")

    def _named(
        self,
        labels: Labels,
        routes: tuple[Route, ...],
        *,
        scrapers: bool = False,
    ) -> Iterator[tuple[str, str]]:
        """Yield (label, name) of the labels that name a service, most trusted first."""
        for label, name_of in routes:
            value = labels.get(label, "")
            if not value or value.startswith(UNKNOWN_SERVICE):
                continue
            name = name_of(tidy(value, self._suffixes))
            useless = name in SIDECARS or is_generated(name) or name in LOCAL_HOSTS
            if name and not useless and (scrapers or name not in SCRAPERS):
                yield label, without_exporter(name)


def _kind(label: str, name: str, labels: Labels) -> ComponentKind:
    """Guess by the name, and for a StatefulSet's pod (`elder-0`) by what its container runs."""
    kind = kind_of(name)
    stateful = label in PODS and labels[label].rpartition("-")[2].isdecimal()
    if kind is not ComponentKind.SERVICE or not stateful:
        return kind
    return kind_of(tidy(first_of(labels, CONTAINERS)))


def edge_server(name: str, connection_type: str) -> Component:
    """Return the callee of a servicegraph edge."""
    if connection_type == "messaging_system":
        return Component(name=name, kind=ComponentKind.QUEUE)
    guessed = kind_of(name)
    if connection_type == "database" and guessed is not ComponentKind.CACHE:
        return Component(name=name, kind=ComponentKind.DATABASE)
    return Component(name=name, kind=guessed)


def _nothing(labels: Labels) -> Resolved:
    """Name what cannot be placed after its rule, so that strangers are not glued together."""
    rule = tidy(labels.get("alertname", ""))
    return Resolved(component=Component(name=f"unknown-{rule}" if rule else "unknown"), route="")
