import pytest

from pipeline.accused import accused_by
from pipeline.explanations import Explanations, carried, is_starved, starvers
from pipeline.grouping import reach
from pipeline.scene import Scene
from schemas.alert import Alert, AlertStatus
from schemas.component import Component, ComponentKind
from tests.pipeline.builders import T0, component
from tests.pipeline.scenes import a_graph, a_scene
from tests.pipeline.storms import calls, serves

WELL, ILL = {}, {"errors": 30}
FEW = {"count": 6}


def learnt(scene: Scene, *names: str) -> Explanations:
    known = Explanations()
    known.learn(scene, names, lambda name: reach(scene, name, max_hops=6))
    return known


def a_call(caller: str, callee: str, since: dict):
    return calls(caller, callee, before=WELL, since=since)


def a_service(name: str, since: dict):
    return serves(name, before=WELL, since=since)


def test_failing_calls_carry_trouble_and_calls_that_work_do_not():
    scene = a_scene(
        [
            *a_call("web", "cart", ILL),
            *a_call("web", "mail", WELL),
            *a_service("cart", ILL),
            *a_service("mail", ILL),
        ]
    )
    paths = reach(scene, "web", max_hops=6)
    assert set(paths) == {"web", "cart", "mail"}
    assert carried(scene, "web", paths) == {"web": 0, "cart": 1}


def test_slow_calls_carry_trouble():
    scene = a_scene([*a_call("web", "cart", {"ms": 80.0}), *a_service("cart", {"ms": 80.0})])
    assert learnt(scene, "web").called["web"] == {"web": 0, "cart": 1}


def test_calls_that_nobody_sees_get_the_benefit_of_the_doubt():
    scene = a_scene(graph=a_graph([("web", "legacy")]))
    assert learnt(scene, "web").called["web"] == {"web": 0, "legacy": 1}


def test_what_is_called_less_is_explained_by_what_ails_its_caller():
    scene = a_scene(
        [
            *a_call("web", "auth", ILL),
            *a_call("web", "stock", FEW),
            *a_service("web", ILL),
            *a_service("auth", ILL),
            *a_service("stock", FEW),
        ]
    )
    assert is_starved(scene, "stock")
    assert starvers(scene, "stock") == ["web"]
    assert learnt(scene, "stock").starved["stock"] == {"web": 2, "auth": 3}


def test_what_fails_at_what_it_serves_is_not_starved():
    scene = a_scene([*a_service("stock", {"count": 6, "errors": 6})])
    assert not is_starved(scene, "stock")


def test_what_was_seen_once_stays_known():
    ill = a_scene([*a_call("web", "cart", ILL), *a_service("cart", ILL)])
    known = learnt(ill, "web")
    well = a_scene([*a_call("web", "cart", WELL), *a_service("cart", WELL)])
    known.learn(well, ["web"], lambda name: reach(well, name, max_hops=6))
    assert known.called["web"] == {"web": 0, "cart": 1}
    assert known.severity["cart"] > 2


def test_a_queue_piles_up_because_its_consumers_are_ill():
    graph = a_graph([("mail", "smtp")])
    queue = Component(name="orders", kind=ComponentKind.QUEUE)
    graph.add_edge(component("mail"), queue, source="spans", seen_ms=T0)
    scene = a_scene([*a_service("mail", ILL)], graph=graph)
    assert learnt(scene, "orders").called["orders"]["mail"] == 2
    graph.add_edge(component("shop"), queue, source="spans", seen_ms=T0)
    calm = a_scene([*a_service("shop", WELL)], graph=graph)
    assert "shop" not in learnt(calm, "orders").called["orders"]


def test_taking_keeps_the_shortest_way_and_the_worst_severity():
    first = Explanations(called={"a": {"x": 3}}, severity={"x": 1.0})
    first.take(Explanations(called={"a": {"x": 1, "y": 2}}, severity={"x": 4.0}))
    assert first.called == {"a": {"x": 1, "y": 2}}
    assert first.severity == {"x": 4.0}


@pytest.mark.parametrize(
    ("labels", "accused"),
    [
        ({"server_address": "cart"}, "cart"),
        ({"server_address": "cart.shop.svc:8080"}, "cart"),
        ({"source_workload": "web", "destination_workload": "pay"}, "pay"),
        ({"source_workload": "mail", "destination_workload": "pay"}, None),
        ({"server_address": "elsewhere"}, None),
        ({"node": "node-1"}, None),
    ],
    ids=["name", "address", "mesh", "another's calls", "stranger", "machine"],
)
def test_an_alert_accuses_the_callee_that_its_labels_name(labels, accused):
    graph = a_graph([("web", "cart")], on=[("web", "node-1")])
    alert = Alert(
        fingerprint="0",
        status=AlertStatus.FIRING,
        labels=tuple(sorted({"alertname": "DependencyErrors", **labels}.items())),
        starts_ms=T0,
    )
    assert accused_by(alert, "web", graph) == accused
