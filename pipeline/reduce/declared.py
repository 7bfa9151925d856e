"""Edges that metrics declare: Tempo's and the OTel Collector's servicegraph, Istio's requests.

Read by the metric reducer. Invariant: an edge is told at first sight and then every few panes, as
long as its series keep coming.
"""

from dataclasses import dataclass, field

from schemas.component import Component
from schemas.resolve import Resolver
from schemas.signal import GraphEdge
from schemas.telemetry import Series

_SERVICE_GRAPH = "traces_service_graph_request"
_ISTIO = ("istio_requests", "istio_request_duration")
_NOBODY = ("", "unknown")


@dataclass(slots=True, kw_only=True)
class DeclaredEdge:
    """One edge, when it was last seen, and by when it was last told.

    `slot` is that of a series that also counts as a metric, -1 where it only declares.
    """

    environment: str
    caller: Component
    callee: Component
    source: str
    seen_ms: int = -1
    told_ms: int = -1
    slot: int = -1


@dataclass(slots=True)
class DeclaredEdges:
    """The declared edges of one reducer; an edge's number is its place in the list."""

    entries: list[DeclaredEdge] = field(default_factory=list)

    def declare(self, series: Series, resolver: Resolver) -> int | None:
        """Return the number of the edge that a series declares; None when it declares none."""
        found = _edge(series, resolver)
        if found is None:
            return None
        (caller, callee), source = found
        environment = resolver.environment(series.labels)
        for number, edge in enumerate(self.entries):
            if (edge.environment, edge.caller, edge.callee) == (environment, caller, callee):
                return number
        self.entries.append(
            DeclaredEdge(environment=environment, caller=caller, callee=callee, source=source)
        )
        return len(self.entries) - 1

    def see(self, number: int, at_ms: int) -> str:
        """Note that an edge's series had a sample; return its environment."""
        edge = self.entries[number]
        edge.seen_ms = max(edge.seen_ms, at_ms)
        return edge.environment

    def tell(self, environment: str, every_ms: int) -> tuple[GraphEdge, ...]:
        """Return the edges that are new or due again, sorted."""
        due = [
            edge
            for edge in self.entries
            if edge.environment == environment
            and (edge.told_ms < 0 or edge.seen_ms - edge.told_ms >= every_ms)
        ]
        for edge in due:
            edge.told_ms = edge.seen_ms
        due.sort(key=lambda edge: (edge.caller, edge.callee, edge.source))
        return tuple(
            GraphEdge(caller=edge.caller, callee=edge.callee, source=edge.source) for edge in due
        )


def _edge(series: Series, resolver: Resolver) -> tuple[tuple[Component, Component], str] | None:
    if series.name.startswith(_SERVICE_GRAPH) and not series.name.endswith("_bucket"):
        edge = resolver.edge(series.labels)
        return (edge, "servicegraph") if edge else None
    if series.name.startswith(_ISTIO) and not series.name.endswith("_bucket"):
        labels = dict(series.labels)
        caller = _workload(labels, "source")
        callee = _workload(labels, "destination")
        if caller in _NOBODY or callee in _NOBODY or caller == callee:
            return None
        edge = resolver.edge((("client", caller), ("server", callee)))
        return (edge, "istio") if edge else None
    return None


def _workload(labels: dict[str, str], side: str) -> str:
    return labels.get(f"{side}_canonical_service") or labels.get(f"{side}_workload") or ""
