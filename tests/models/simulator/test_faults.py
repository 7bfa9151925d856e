import networkx as nx
import pytest

from models.simulator.faults import FAULTS
from schemas.recording import Recording
from schemas.telemetry import SpanKind
from tests.models.simulator.runs import RESOLVER, alerts_of, component_of, short_run

TOPOLOGIES = ("shop", "bank", "random")
CASES = [
    pytest.param(fault, TOPOLOGIES[i % len(TOPOLOGIES)], marks=[pytest.mark.slow] if i % 4 else [])
    for i, fault in enumerate(FAULTS)
]
"""Each fault in one environment, a quarter of them in `make test`; `test_environments` asks
whether each finds a victim in all."""


@pytest.mark.parametrize(("fault", "topology"), CASES)
def test_every_fault_shows_at_its_root_or_where_its_effects_arrive(
    fault: str, topology: str
) -> None:
    recording = short_run(fault, topology)
    assert recording.truth is not None
    (truth,) = recording.truth
    graph = _graph(recording)
    after = [a for a in alerts_of(recording).values() if a["sent_ms"] > truth.start_ms]
    alerting = {component_of(alert).name for alert in after}
    reached = {truth.component}
    if truth.component in graph:
        reached |= nx.ancestors(graph, truth.component)
        # A saturated caller overruns what it calls, so a storm also shows among callees.
        reached |= nx.descendants(graph, truth.component)
    assert alerting & reached, f"{fault} at {truth.component}: alerts only at {sorted(alerting)}"
    assert (
        truth.pattern == FAULTS[fault].pattern or truth.pattern in FAULTS[fault].patterns.values()
    )


def _graph(recording: Recording) -> "nx.DiGraph[str]":
    """Edges caller -> callee, topic -> consumer, and pod -> node, from spans alone."""
    batch = recording.spans
    assert batch is not None
    graph: nx.DiGraph[str] = nx.DiGraph()
    owners = dict(zip(batch.span_id.tolist(), batch.resource.tolist(), strict=True))
    names = [
        component.name if (component := RESOLVER.resource(r)) else "" for r in batch.resources
    ]
    rows = zip(
        batch.parent_id.tolist(),
        batch.resource.tolist(),
        batch.kind.tolist(),
        batch.attributes.tolist(),
        strict=True,
    )
    for parent, resource, kind, attributes in set(rows):
        peer = RESOLVER.peer(batch.attribute_sets[attributes], SpanKind(kind))
        if peer is not None:
            graph.add_edge(names[resource], peer.name)
            if kind == SpanKind.CONSUMER:
                graph.add_edge(peer.name, names[resource])
        if parent in owners and owners[parent] != resource:
            graph.add_edge(names[owners[parent]], names[resource])
    for resource, labels in enumerate(batch.resources):
        node = RESOLVER.node(labels)
        if node is not None:
            graph.add_edge(names[resource], node.name)
    return graph


def test_the_onset_moves_with_the_seed() -> None:
    onsets = {
        recording.truth[0].start_ms
        for seed in (1, 2, 3)
        if (recording := short_run("crash_loop", "random", seed)).truth
    }
    assert len(onsets) == 3


@pytest.mark.parametrize("topology", ["shop", "random"])
def test_nothing_fires_while_nothing_is_wrong(topology: str) -> None:
    assert alerts_of(short_run("none", topology)) == {}
