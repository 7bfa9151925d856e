import pytest

from pipeline.causes import StormAlert, find_causes
from pipeline.explanations import Explanations


def fired(
    component: str,
    *,
    at_s: float = 0.0,
    rule: str = "HighLatency",
    of_cause: bool = False,
    of_less_traffic: bool = False,
    names: str | None = None,
) -> StormAlert:
    return StormAlert(
        fingerprint=f"{component}/{rule}/{at_s:g}",
        component=component,
        starts_ms=int(at_s * 1000),
        of_cause=of_cause,
        of_less_traffic=of_less_traffic,
        names=names,
    )


def explained(*paths: str, severity: float = 5.0, starved: dict | None = None) -> Explanations:
    """Paths like `web > cart > db`: each component is explained by all that follow it."""
    known = Explanations()
    for path in paths:
        names = path.split(" > ")
        for place, name in enumerate(names):
            called = known.called.setdefault(name, {})
            for steps, other in enumerate(names[place:]):
                called[other] = min(steps, called.get(other, steps))
            known.severity[name] = severity
    known.starved = starved or {}
    return known


def judged(alerts: list[StormAlert], known: Explanations, nodes: tuple[str, ...] = ()):
    return find_causes(alerts, known, frozenset(nodes).__contains__)


def put_down(alerts: list[StormAlert], known: Explanations) -> dict[str, list[str]]:
    """Components of the alerts of each cause."""
    verdict = judged(alerts, known)
    found: dict[str, list[str]] = {cause: [] for cause in verdict.causes}
    for alert in alerts:
        found[verdict.cause_of[alert.fingerprint]].append(alert.component)
    return found


TWO_PATHS = explained("web > cart > db", "web > login > auth", "orders > db")


def test_one_cause_that_explains_everything_is_the_only_one():
    alerts = [fired("web"), fired("cart"), fired("orders"), fired("db", of_cause=True)]
    assert judged(alerts, TWO_PATHS).causes == ("db",)


def test_two_storms_that_meet_at_the_front_have_two_causes():
    alerts = [
        *(fired(n) for n in ("cart", "orders", "db")),
        *(fired(n, at_s=60) for n in ("login", "auth", "web")),
    ]
    assert put_down(alerts, TWO_PATHS) == {
        "db": ["cart", "orders", "db"],
        "auth": ["login", "auth", "web"],
    }


def test_a_shared_alert_goes_to_the_cause_that_began_last_before_it():
    alerts = [
        *(fired(n, at_s=0) for n in ("cart", "orders", "db")),
        fired("web", at_s=30),
        *(fired(n, at_s=120) for n in ("login", "auth")),
        fired("web", at_s=150, rule="Errors"),
    ]
    found = put_down(alerts, TWO_PATHS)
    assert found["db"] == ["cart", "orders", "db", "web"]
    assert found["auth"] == ["login", "auth", "web"]


def test_an_alert_that_names_a_callee_goes_where_that_callee_leads():
    alerts = [
        *(fired(n) for n in ("cart", "orders", "db", "login", "auth")),
        fired("web", rule="ToLogin", names="login"),
        fired("web", rule="ToCart", names="cart"),
    ]
    verdict = judged(alerts, TWO_PATHS)
    assert verdict.cause_of["web/ToLogin/0"] == "auth"
    assert verdict.cause_of["web/ToCart/0"] == "db"


def test_a_stray_alert_makes_no_cause_of_its_own():
    alerts = [*(fired(n) for n in ("cart", "orders", "db")), fired("mail")]
    assert judged(alerts, TWO_PATHS).causes == ("db",)


def test_several_alerts_that_nothing_else_explains_do():
    alerts = [
        *(fired(n) for n in ("cart", "orders", "db")),
        *(fired("mail", rule=rule) for rule in ("A", "B")),
    ]
    assert judged(alerts, TWO_PATHS).causes == ("db", "mail")


def test_what_alerts_long_after_an_effect_did_not_cause_it():
    known = explained("cart > db")
    early = [fired("cart", rule=rule, of_cause=True) for rule in ("Heap", "Restarting")]
    assert judged([*early, fired("db", at_s=60)], known).causes == ("db",)
    late = [*early, *(fired("db", at_s=200, rule=r) for r in ("Slow", "Full"))]
    assert judged(late, known).causes == ("cart", "db")


@pytest.mark.parametrize(
    ("of_cause", "causes"), [(False, ("auth",)), (True, ("auth", "stock"))], ids=["calls", "state"]
)
def test_being_called_less_explains_few_calls_but_no_broken_state(of_cause, causes):
    known = explained("web > auth", "stock", starved={"stock": {"web": 2, "auth": 3}})
    alerts = [
        *(fired("web", rule=r) for r in ("A", "B")),
        fired("auth"),
        *(
            fired("stock", at_s=60, rule=r, of_cause=of_cause, of_less_traffic=not of_cause)
            for r in ("C", "D")
        ),
    ]
    assert judged(alerts, known).causes == causes


def test_a_machine_that_does_not_alert_is_no_cause_and_one_that_does_is():
    known = explained("cart > node", "mail > node")
    alerts = [fired(n, rule=rule) for n in ("cart", "mail") for rule in ("A", "B")]
    assert judged(alerts, known, nodes=("node",)).causes == ("cart", "mail")
    on = [*alerts, fired("node", of_cause=True)]
    assert judged(on, known, nodes=("node",)).causes == ("node",)


def test_what_is_hardly_off_its_past_and_does_not_alert_is_no_cause():
    alerts = [fired(n, rule=rule) for n in ("cart", "orders") for rule in ("A", "B")]
    paths = "cart > db", "orders > db"
    assert judged(alerts, explained(*paths, severity=1.1)).causes == ("cart", "orders")
    assert judged(alerts, explained(*paths, severity=3.0)).causes == ("db",)


def test_the_order_of_the_alerts_changes_nothing():
    alerts = [
        *(fired(n) for n in ("cart", "orders", "db")),
        *(fired(n, at_s=60) for n in ("login", "auth", "web")),
    ]
    assert judged(alerts, TWO_PATHS) == judged(alerts[::-1], TWO_PATHS)


def test_an_alert_about_which_nothing_is_known_is_its_own_cause():
    assert judged([fired("mail")], Explanations()).cause_of == {"mail/HighLatency/0": "mail"}
