import pytest

from pipeline.grouping import link, reach
from pipeline.scene import Scene
from schemas.signal import Sighting
from tests.pipeline.builders import (
    PANE,
    T0,
    a_series_pane,
    a_service_pane,
    an_edge_pane,
    component,
    healthy_then_slow,
    telemetry,
)
from tests.pipeline.scenes import NOW_S, a_graph, a_scene


def a_path(scene: Scene, start: str, end: str, *, max_hops: int = 6):
    return reach(scene, start, max_hops=max_hops).get(end)


def calm(*names: str):
    """Panes of components that are seen and healthy, before and within the window."""
    return [
        telemetry(
            at_s=s + 30,
            services=tuple(a_service_pane(n, T0 + s * 1000) for n in names),
            sightings=tuple(Sighting(component=component(n), has_spans=True) for n in names),
        )
        for s in range(-600, NOW_S, 30)
    ]


def test_a_path_leads_along_calls_and_never_back():
    scene = a_scene(healthy_then_slow())
    assert a_path(scene, "web", "db") == ("web", "cart", "db")
    assert set(reach(scene, "db", max_hops=6)) == {"db"}


def test_a_path_stops_at_what_is_healthy():
    scene = a_scene(healthy_then_slow(onset_s=10_000))
    assert set(reach(scene, "web", max_hops=6)) == {"web"}


def test_a_path_leads_into_what_cannot_be_seen_and_through_it():
    scene = a_scene(calm("web"), graph=a_graph([("web", "legacy"), ("legacy", "old-db")]))
    assert a_path(scene, "web", "old-db") == ("web", "legacy", "old-db")


def test_a_path_leads_into_a_healthy_component_that_alerts():
    edges = [("web", "cart")]
    assert a_path(a_scene(calm("web", "cart"), graph=a_graph(edges)), "web", "cart") is None
    firing = a_scene(calm("web", "cart"), graph=a_graph(edges), firing=["cart"])
    assert a_path(firing, "web", "cart") == ("web", "cart")


def test_a_failing_call_leads_on_though_the_callee_looks_well():
    def world(errors: int):
        return [
            *calm("web", "cart"),
            *(
                telemetry(
                    at_s=s + 30,
                    source="otlp_spans/1",
                    edges=(an_edge_pane("web", "cart", T0 + s * 1000, errors=errors * (s >= 0)),),
                )
                for s in range(-600, NOW_S, 30)
            ),
        ]

    assert a_path(a_scene(world(0)), "web", "cart") is None
    assert a_path(a_scene(world(30)), "web", "cart") == ("web", "cart")


def test_the_longest_path_is_as_long_as_configured():
    chain = [(f"s{i}", f"s{i + 1}") for i in range(8)]
    scene = a_scene(graph=a_graph(chain))
    assert sorted(reach(scene, "s0", max_hops=3)) == ["s0", "s1", "s2", "s3"]
    assert len(reach(scene, "s0", max_hops=20)) == 9


def test_circles_end():
    scene = a_scene(graph=a_graph([("a", "b"), ("b", "c"), ("c", "a")]))
    assert sorted(reach(scene, "a", max_hops=6)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("firing", "hot", "expected"),
    [
        (["a", "b"], True, True),
        (["a", "b"], False, False),
        (["a"], True, False),
        ([], True, False),
    ],
    ids=["most suffer", "a calm node", "one of three", "nobody"],
)
def test_a_node_explains_only_when_it_is_anomalous_and_most_on_it_suffer(firing, hot, expected):
    signals = calm("a", "b", "c", "node-1")
    if hot:
        starts = range(T0, T0 + NOW_S * 1000, PANE)
        series = tuple(
            a_series_pane("node-1", s, z=30.0, metric="node_cpu_usage", cls="cpu") for s in starts
        )
        signals.append(telemetry(at_s=NOW_S, series=series, source="metrics/0"))
    graph = a_graph(on=[("a", "node-1"), ("b", "node-1"), ("c", "node-1")])
    scene = a_scene(signals, graph=graph, firing=firing)
    assert (a_path(scene, "a", "node-1") is not None) is expected


def test_two_meet_in_the_nearest_component_that_both_reach():
    a = {"a": ("a",), "x": ("a", "x"), "db": ("a", "x", "db")}
    b = {"b": ("b",), "x": ("b", "x"), "db": ("b", "x", "db")}
    assert link(a, b) == "x"
    assert link(a, {"x": ("x",)}) == "x"
    assert link(a, {"c": ("c",)}) is None


def test_ties_between_meeting_places_are_broken_by_name():
    a = {"a": ("a",), "z": ("a", "z"), "m": ("a", "m")}
    b = {"b": ("b",), "m": ("b", "m"), "z": ("b", "z")}
    assert link(a, b) == link(b, a) == "m"
