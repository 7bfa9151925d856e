"""Whole scenes and cases for the tests of what looks through them."""

from collections.abc import Iterable

from pipeline.case_view import CaseView
from pipeline.config import PipelineConfig
from pipeline.frame import frame_at
from pipeline.incident_state import Group, admit, new_group
from pipeline.pane_store import PaneStore
from pipeline.scene import Scene
from pipeline.service_graph import ServiceGraph
from schemas.signal import AlertSignal, ChangeSignal, TelemetrySignal
from tests.pipeline.builders import T0, component

CONFIG = PipelineConfig()
NOW_S = 240


def a_graph(
    edges: Iterable[tuple[str, str]] = (), *, on: Iterable[tuple[str, str]] = ()
) -> ServiceGraph:
    """Calls, and who runs on what."""
    graph = ServiceGraph(CONFIG.graph)
    for caller, callee in edges:
        graph.add_edge(component(caller), component(callee), source="spans", seen_ms=T0)
    for resident, node in on:
        graph.add_edge(
            component(resident), component(node), source="resource", seen_ms=T0, runs_on=True
        )
    return graph


def a_scene(
    signals: Iterable[TelemetrySignal] = (),
    *,
    graph: ServiceGraph | None = None,
    firing: Iterable[str] = (),
) -> Scene:
    """What these signals show at `NOW_S` to an incident whose first alert started at T0."""
    store = PaneStore(CONFIG.evidence)
    graph = graph or ServiceGraph(CONFIG.graph)
    for signal in signals:
        store.add(signal)
        for edge in signal.edges:
            graph.add_edge(edge.caller, edge.callee, source="spans", seen_ms=signal.observed_ms)
    return Scene(
        frame=frame_at(T0 + NOW_S * 1000, T0, config=CONFIG.evidence),
        store=store,
        graph=graph,
        alerting=frozenset(firing).__contains__,
        config=CONFIG.evidence,
    )


def a_group(*alerts: AlertSignal) -> Group:
    """A pending group of these alerts, made as they came."""
    first, *rest = alerts
    group = new_group(
        environment="test",
        alert=first.alert,
        component=first.component,
        now_ms=first.alert.starts_ms,
        reason="first alert",
    )
    for signal in rest:
        admit(group, alert=signal.alert, component=signal.component, reason="path")
    return group


def a_case(scene: Scene, *alerts: AlertSignal, changes: Iterable[ChangeSignal] = ()) -> CaseView:
    return CaseView(a_group(*alerts), scene, list(changes), max_hops=CONFIG.grouping.max_hops)
