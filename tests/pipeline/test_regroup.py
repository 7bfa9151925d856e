"""Storms with two causes, through the whole engine."""

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.rules import RuleRanker
from pipeline.config import PipelineConfig
from pipeline.engine import Engine
from pipeline.outputs import AlertSetAside, IncidentPublished, Output, Transition
from pipeline.reorder import event_ms_of
from schemas.incident import Incident, IncidentStatus
from schemas.signal import AlertSignal, TelemetrySignal, TickSignal
from tests.pipeline.builders import T0, an_alert, telemetry
from tests.pipeline.storms import calls, serves

WELL, ILL = {}, {"errors": 30}
CALLS = (
    ("web", "cart"),
    ("web", "login"),
    ("cart", "db"),
    ("orders", "db"),
    ("login", "auth"),
)
SERVING = ("web", "cart", "orders", "login", "auth")


def both_ill() -> tuple[TelemetrySignal, ...]:
    """A world in which db and auth fail from the onset on, a signal a pane."""
    rows = [
        *(calls(caller, callee, before=WELL, since=ILL) for caller, callee in CALLS),
        *(serves(name, before=WELL, since=ILL) for name in SERVING),
    ]
    return tuple(
        telemetry(
            at_s=(pane[0].observed_ms - T0) / 1000,
            services=tuple(s for signal in pane for s in signal.services),
            edges=tuple(e for signal in pane for e in signal.edges),
        )
        for pane in zip(*rows, strict=True)
    )


TELEMETRY = both_ill()
PLACES = ("web", "cart", "orders", "db", "login", "auth")
QUICK = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
storms = st.lists(
    st.builds(
        an_alert,
        st.sampled_from(PLACES),
        rule=st.sampled_from(["HighErrors", "PodDown", "HighLatency"]),
        at_s=st.integers(0, 180).map(float),
        severity=st.sampled_from(["warning", "critical"]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda signal: signal.alert.fingerprint,
)


def run(alerts: list[AlertSignal], *, jitter: int = 0, restart_at: int | None = None):
    """Feed the two-fault world and these alerts, then silence until all has settled."""
    engine = Engine("test", PipelineConfig(), RuleRanker())
    outputs: list[Output] = []
    timed = [
        (event_ms_of(s) + (jitter * i) % 4000, i, s) for i, s in enumerate([*TELEMETRY, *alerts])
    ]
    now_ms = T0
    for index, (at_ms, _, signal) in enumerate(sorted(timed, key=lambda row: row[:2])):
        if index == restart_at:
            state = engine.snapshot()
            engine = Engine("test", PipelineConfig(), RuleRanker())
            engine.restore(state)
        now_ms = at_ms
        outputs += engine.handle(signal, at_ms)
    for at_ms in range(now_ms, now_ms + 900_000, 30_000):
        outputs += engine.handle(TickSignal(observed_ms=at_ms), at_ms)
    return outputs


def last_of(outputs: list[Output]) -> list[Incident]:
    """The last revision of each incident that was not merged away, in order of opening."""
    last = {
        o.incident.incident_id: o.incident for o in outputs if isinstance(o, IncidentPublished)
    }
    return [i for i in last.values() if i.status is not IncidentStatus.MERGED]


def both_storms() -> list[AlertSignal]:
    return [
        *(an_alert(n, at_s=at) for n, at in (("cart", 0), ("orders", 2), ("db", 4))),
        *(an_alert(n, at_s=at) for n, at in (("login", 20), ("auth", 22))),
        an_alert("web", at_s=30),
    ]


def test_two_faults_that_meet_at_the_front_become_two_incidents():
    incidents = last_of(run(both_storms()))
    assert [set(i.components) - {"web"} for i in incidents] == [
        {"cart", "orders", "db"},
        {"login", "auth"},
    ]
    assert sum("web" in i.components for i in incidents) == 1


def test_one_fault_seen_from_the_front_stays_one_incident():
    alerts = [an_alert(n, at_s=at) for n, at in (("web", 0), ("cart", 5), ("db", 9))]
    (incident,) = last_of(run([*alerts, an_alert("orders", at_s=40)]))
    assert set(incident.components) == {"web", "cart", "db", "orders"}


def test_what_splits_off_names_where_it_was_and_the_parent_says_so():
    first = [
        *(an_alert(n, at_s=at) for n, at in (("web", 0), ("cart", 1), ("orders", 2))),
        *(an_alert("db", rule=rule, at_s=3) for rule in ("Full", "Slow")),
    ]
    second = [an_alert(n, at_s=60, rule=r) for n in ("login", "auth") for r in ("A", "B")]
    outputs = run([*first, *second])
    parent, child = last_of(outputs)
    assert child.previous_incident_id == parent.incident_id
    assert set(child.components) >= {"login", "auth"}
    told = [
        line for o in outputs if isinstance(o, IncidentPublished) for line in o.incident.changed
    ]
    assert any(line.endswith(f"moved to {child.incident_id}") for line in told)
    opened = [o for o in outputs if isinstance(o, IncidentPublished)]
    assert [o.transition for o in opened].count(Transition.OPENED) == 2


def test_each_alert_says_why_it_is_with_its_cause():
    reasons = {
        a.component: a.grouping_reason for i in last_of(run(both_storms())) for a in i.alerts
    }
    assert all(reasons.values())
    assert reasons["login"] in {"opened it", "path login > auth"}


@QUICK
@given(storms)
def test_every_alert_ends_in_exactly_one_place(alerts: list[AlertSignal]):
    outputs = run(alerts)
    places = Counter(a.fingerprint for i in last_of(outputs) for a in i.alerts)
    places.update(o.alert.fingerprint for o in outputs if isinstance(o, AlertSetAside))
    assert places == Counter(s.alert.fingerprint for s in alerts)


@QUICK
@given(storms, st.integers(1, 3999))
def test_order_within_the_lateness_changes_nothing(alerts: list[AlertSignal], jitter: int):
    assert run(alerts, jitter=jitter) == run(alerts)


@QUICK
@given(storms, st.integers(1, 12))
def test_a_restart_changes_nothing(alerts: list[AlertSignal], before_end: int):
    restart_at = len(TELEMETRY) + len(alerts) - before_end
    assert run(alerts, restart_at=restart_at) == run(alerts)
