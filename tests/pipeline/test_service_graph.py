"""The service graph: learns, ages, keeps what was declared, and survives a snapshot."""

from pipeline.config import GraphConfig
from pipeline.service_graph import ServiceGraph
from schemas.component import Component, ComponentKind

DAY_MS = 86_400_000


def service(name: str) -> Component:
    return Component(name=name)


def a_graph(**config: float) -> ServiceGraph:
    return ServiceGraph(GraphConfig(**config))  # type: ignore[arg-type]  # ints and floats mix here


def test_a_learnt_edge_ages_out_and_a_declared_one_stays():
    graph = a_graph()
    graph.add_edge(service("a"), service("b"), source="spans", seen_ms=0)
    graph.add_edge(service("a"), service("c"), source="file:x.csv", seen_ms=0)
    graph.expire(2 * DAY_MS)
    assert list(graph.edges()) == [("a", "c")]


def test_seeing_an_edge_again_keeps_it():
    graph = a_graph()
    graph.add_edge(service("a"), service("b"), source="spans", seen_ms=0)
    graph.add_edge(service("a"), service("b"), source="spans", seen_ms=DAY_MS)
    graph.expire(2 * DAY_MS)
    assert list(graph.edges()) == [("a", "b")]


def test_the_version_counts_changes_of_shape_only():
    graph = a_graph()
    graph.add_edge(service("a"), service("b"), source="spans", seen_ms=0)
    version = graph.version
    graph.add_edge(service("a"), service("b"), source="spans", seen_ms=5)
    assert graph.version == version
    graph.add_edge(service("b"), service("c"), source="spans", seen_ms=5)
    assert graph.version > version


def test_a_specific_kind_replaces_the_default_and_never_the_reverse():
    graph = a_graph()
    graph.add_component(service("db"))
    graph.add_component(Component(name="db", kind=ComponentKind.DATABASE))
    graph.add_component(service("db"))
    assert graph.kind("db") is ComponentKind.DATABASE


def test_a_component_does_not_call_itself():
    graph = a_graph()
    graph.add_edge(service("a"), service("a"), source="spans", seen_ms=0)
    assert list(graph.edges()) == []


def test_the_number_of_edges_is_bounded_and_the_longest_unseen_goes():
    graph = a_graph(max_edges=2)
    for i, name in enumerate("bcd"):
        graph.add_edge(service("a"), service(name), source="spans", seen_ms=i)
    assert list(graph.edges()) == [("a", "c"), ("a", "d")]


def test_a_snapshot_restores_the_same_graph():
    graph = a_graph()
    graph.add_edge(service("a"), service("b"), source="spans", seen_ms=3)
    node = Component(name="n1", kind=ComponentKind.NODE)
    graph.add_edge(service("a"), node, source="resource", seen_ms=4, runs_on=True)
    other = a_graph()
    other.restore(graph.snapshot())
    assert other.snapshot() == graph.snapshot()
    assert other.runs_on("a", "n1")
    assert not other.runs_on("a", "b")
