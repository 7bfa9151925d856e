"""The service graph: who calls (or runs on) whom, learnt from telemetry and loaded from files.

Edges point caller -> callee, and component -> the node it runs on, so that an effect always
reaches its possible causes along edges. Learnt edges age out; `version` counts what changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import networkx as nx

from pipeline.config import GraphConfig
from schemas.component import Component, ComponentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeRecord:
    """One edge as it is kept in a snapshot."""

    caller: str
    callee: str
    first_seen_ms: int
    last_seen_ms: int
    runs_on: bool
    declared: bool
    sources: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class GraphState:
    """The graph as plain data."""

    version: int = 0
    kinds: dict[str, ComponentKind] = field(default_factory=dict)
    edges: list[EdgeRecord] = field(default_factory=list)


class ServiceGraph:
    """A networkx DiGraph with ageing edges; node and edge order is by name wherever it matters.

    `version` counts every change; `shape` only those of edges, which alone change who is reached.
    """

    def __init__(self, config: GraphConfig) -> None:
        self._config = config
        self.graph: nx.DiGraph[str] = nx.DiGraph()
        self.version = 0
        self.shape = 0

    def add_component(self, component: Component) -> None:
        """Learn a component; a specific kind replaces the default one, never the reverse."""
        known = self.graph.nodes.get(component.name)
        if known is None:
            self.graph.add_node(component.name, kind=component.kind)
            self.version += 1
        elif known["kind"] is ComponentKind.SERVICE and component.kind is not known["kind"]:
            known["kind"] = component.kind
            self.version += 1

    def add_edge(
        self,
        caller: Component,
        callee: Component,
        *,
        source: str,
        seen_ms: int,
        runs_on: bool = False,
    ) -> None:
        """Learn or refresh an edge. `source` says where from; `file:...` never ages."""
        if caller.name == callee.name:
            return
        self.add_component(caller)
        self.add_component(callee)
        edge = self.graph.get_edge_data(caller.name, callee.name)
        if edge is None:
            if self.graph.number_of_edges() >= self._config.max_edges:
                self._drop_longest_unseen()
            self.graph.add_edge(
                caller.name,
                callee.name,
                first_seen_ms=seen_ms,
                last_seen_ms=seen_ms,
                runs_on=runs_on,
                declared=source.startswith("file:"),
                sources={source},
            )
            self.version += 1
            self.shape += 1
            return
        edge["last_seen_ms"] = max(edge["last_seen_ms"], seen_ms)
        edge["first_seen_ms"] = min(edge["first_seen_ms"], seen_ms)
        edge["declared"] = edge["declared"] or source.startswith("file:")
        edge["sources"].add(source)

    def expire(self, now_ms: int) -> None:
        """Drop learnt edges that were not seen for the configured time."""
        oldest = now_ms - int(self._config.edge_ttl_seconds * 1000)
        gone = [
            (caller, callee)
            for caller, callee, edge in self.graph.edges(data=True)
            if not edge["declared"] and edge["last_seen_ms"] < oldest
        ]
        if gone:
            self.graph.remove_edges_from(gone)
            self.graph.remove_nodes_from([n for n, d in list(self.graph.degree()) if d == 0])
            self.version += 1
            self.shape += 1

    def kind(self, name: str) -> ComponentKind:
        """Return a component's kind (SERVICE when nobody said otherwise)."""
        node = self.graph.nodes.get(name)
        return node["kind"] if node else ComponentKind.SERVICE

    def component(self, name: str) -> Component:
        """Return a component by name, with its kind."""
        return Component(name=name, kind=self.kind(name))

    def callees(self, name: str) -> list[str]:
        """Whom it calls and what it runs on, by name."""
        return sorted(self.graph.successors(name)) if name in self.graph else []

    def callers(self, name: str) -> list[str]:
        """Who calls it or runs on it, by name."""
        return sorted(self.graph.predecessors(name)) if name in self.graph else []

    def runs_on(self, caller: str, callee: str) -> bool:
        """Whether the edge says "runs on" rather than "calls"."""
        edge = self.graph.get_edge_data(caller, callee)
        return bool(edge and edge["runs_on"])

    def edges(self) -> Iterator[tuple[str, str]]:
        """All edges by name."""
        yield from sorted(self.graph.edges())

    def snapshot(self) -> GraphState:
        """Return the graph as plain data, sorted."""
        return GraphState(
            version=self.version,
            kinds={name: self.graph.nodes[name]["kind"] for name in sorted(self.graph)},
            edges=[
                EdgeRecord(
                    caller=caller,
                    callee=callee,
                    first_seen_ms=edge["first_seen_ms"],
                    last_seen_ms=edge["last_seen_ms"],
                    runs_on=edge["runs_on"],
                    declared=edge["declared"],
                    sources=tuple(sorted(edge["sources"])),
                )
                for caller, callee, edge in sorted(
                    self.graph.edges(data=True), key=lambda e: (e[0], e[1])
                )
            ],
        )

    def restore(self, state: GraphState) -> None:
        """Replace the graph by a snapshot."""
        self.graph = nx.DiGraph()
        for name, kind in state.kinds.items():
            self.graph.add_node(name, kind=kind)
        for edge in state.edges:
            self.graph.add_edge(
                edge.caller,
                edge.callee,
                first_seen_ms=edge.first_seen_ms,
                last_seen_ms=edge.last_seen_ms,
                runs_on=edge.runs_on,
                declared=edge.declared,
                sources=set(edge.sources),
            )
        self.version = state.version
        self.shape += 1

    def _drop_longest_unseen(self) -> None:
        learnt = [
            (edge["last_seen_ms"], caller, callee)
            for caller, callee, edge in self.graph.edges(data=True)
            if not edge["declared"]
        ]
        if learnt:
            _, caller, callee = min(learnt)
            self.graph.remove_edge(caller, callee)
