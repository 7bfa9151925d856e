"""The engine as its user sees it: these signals, those incidents."""

import pytest

from models.rules import RuleRanker
from pipeline.config import GroupingConfig, PipelineConfig
from pipeline.engine import Engine
from pipeline.outputs import AlertSetAside, DropReason, IncidentPublished, Output, Transition
from pipeline.reorder import event_ms_of
from schemas.incident import Firing, IncidentStatus
from schemas.signal import Signal, TickSignal
from tests.pipeline.builders import T0, a_change, an_alert, healthy_then_slow, telemetry


def run(signals: list[Signal], *, until_s: float = 0.0, config: PipelineConfig | None = None):
    """Feed signals in order of event time, each arriving a second after it happened."""
    engine = Engine("test", config or PipelineConfig(), RuleRanker())
    outputs: list[Output] = []
    now_ms = 0
    for signal in sorted(signals, key=event_ms_of):
        now_ms = event_ms_of(signal) + 1000
        outputs += engine.handle(signal, now_ms)
    for tick_ms in range(now_ms, T0 + int(until_s * 1000), 5000):
        outputs += engine.handle(TickSignal(observed_ms=tick_ms), tick_ms)
    return outputs


def published(outputs: list[Output]) -> list[IncidentPublished]:
    return [o for o in outputs if isinstance(o, IncidentPublished)]


def set_aside(outputs: list[Output]) -> list[AlertSetAside]:
    return [o for o in outputs if isinstance(o, AlertSetAside)]


def opened(outputs: list[Output]) -> list[IncidentPublished]:
    return [o for o in published(outputs) if o.transition is Transition.OPENED]


def test_one_critical_alert_opens_one_incident_ten_seconds_after_its_start():
    outputs = run([an_alert("cart")], until_s=60)
    (first,) = opened(outputs)
    assert first.incident.started_at == "2026-02-02T02:40:00.000Z"
    assert first.incident.detected_at == "2026-02-02T02:40:10.000Z"
    assert first.incident.revision == 1
    assert first.incident.firing is Firing.EARLY


def test_alerts_that_meet_in_a_slow_database_become_one_incident_with_it_on_top():
    outputs = run(
        [
            *healthy_then_slow(),
            an_alert("cart", at_s=0),
            an_alert("orders", at_s=20),
            an_alert("web", at_s=40, rule="HighErrorRate"),
        ],
        until_s=400,
    )
    (first,) = opened(outputs)
    last = published(outputs)[-1].incident
    assert last.incident_id == first.incident.incident_id
    assert {a.component for a in last.alerts} == {"cart", "orders", "web"}
    assert last.candidates[0].component == "db"
    assert last.candidates[0].kind == "database"
    assert last.candidates[0].path[-1] == "db"
    assert any(e.kind in {"pool_saturated", "edge_latency"} for e in last.candidates[0].evidence)


def test_an_alert_without_a_path_to_the_storm_stays_apart():
    outputs = run(
        [*healthy_then_slow(), an_alert("cart"), an_alert("orders"), an_alert("mail", at_s=30)],
        until_s=400,
    )
    groups = {o.incident.incident_id: o.incident for o in published(outputs)}
    assert sorted(tuple(i.components) for i in groups.values()) == [("cart", "orders"), ("mail",)]


def test_a_healthy_hub_glues_no_strangers_together():
    calm = healthy_then_slow(onset_s=10_000)
    outputs = run([*calm, an_alert("cart"), an_alert("orders")], until_s=200)
    assert len({o.incident.incident_id for o in opened(outputs)}) == 2


def test_a_single_warning_ends_unassigned_with_its_reason():
    outputs = run([an_alert("cart", severity="warning")], until_s=400)
    assert not published(outputs)
    assert [o.reason for o in set_aside(outputs)] == [DropReason.ALONE]


def test_two_kinds_of_warning_on_one_component_open_an_incident():
    outputs = run(
        [
            an_alert("cart", severity="warning"),
            an_alert("cart", severity="warning", rule="CpuHigh", at_s=5),
        ],
        until_s=60,
    )
    assert len(opened(outputs)) == 1


def test_an_alert_that_never_stops_changing_opens_nothing_and_is_called_flapping():
    signals: list[Signal] = []
    for turn in range(8):
        start = turn * 40
        signals.append(an_alert("batch", severity="warning", at_s=start))
        signals.append(an_alert("batch", severity="warning", at_s=start, ends_s=start + 20))
    outputs = run(signals, until_s=1200)
    assert not published(outputs)
    assert {o.reason for o in set_aside(outputs)} == {DropReason.FLAPPING}


def test_an_incident_resolves_two_quiet_minutes_after_its_last_alert_did():
    outputs = run([an_alert("cart"), an_alert("cart", ends_s=60)], until_s=400)
    last = published(outputs)[-1]
    assert last.transition is Transition.RESOLVED
    assert last.incident.status is IncidentStatus.RESOLVED
    assert last.incident.resolved_at == "2026-02-02T02:41:00.000Z"
    assert last.incident.updated_at == "2026-02-02T02:43:00.000Z"


def test_a_member_that_fires_again_reopens_its_incident_under_the_same_id():
    outputs = run(
        [an_alert("cart"), an_alert("cart", ends_s=60), an_alert("cart", at_s=300)], until_s=400
    )
    assert [o.transition for o in published(outputs)][-1] is Transition.REOPENED
    assert len({o.incident.incident_id for o in published(outputs)}) == 1


def test_another_alert_after_the_end_opens_a_new_incident_that_names_its_predecessor():
    outputs = run(
        [
            an_alert("cart"),
            an_alert("cart", ends_s=60),
            an_alert("cart", rule="Down", at_s=300),
        ],
        until_s=400,
    )
    first, second = opened(outputs)
    assert second.incident.previous_incident_id == first.incident.incident_id


def test_a_resolve_of_something_never_seen_is_set_aside_once():
    end = an_alert("cart", ends_s=60)
    outputs = run([end, end, end], until_s=100)
    assert [o.reason for o in set_aside(outputs)] == [DropReason.RESOLVED_UNSEEN]


def test_an_alert_older_than_the_allowed_lateness_is_set_aside_as_late():
    outputs = run([telemetry(at_s=2000)], until_s=0)
    engine = Engine("test", PipelineConfig(), RuleRanker())
    engine.handle(telemetry(at_s=2000), T0 + 2_000_000)
    outputs = engine.handle(an_alert("cart", at_s=0), T0 + 2_000_000)
    assert [o.reason for o in set_aside(outputs)] == [DropReason.LATE]


def test_an_alert_that_comes_late_but_in_time_still_opens_at_once():
    engine = Engine("test", PipelineConfig(), RuleRanker())
    engine.handle(telemetry(at_s=100), T0 + 100_000)
    outputs = engine.handle(an_alert("cart", at_s=60), T0 + 100_000)
    assert [o.transition for o in published(outputs)] == [Transition.OPENED]


def test_repeats_of_a_firing_alert_change_nothing():
    once = run([an_alert("cart")], until_s=200)
    often = run([an_alert("cart")] * 5, until_s=200)
    assert once == often


def test_two_incidents_become_one_when_their_common_cause_shows():
    signals = healthy_then_slow(onset_s=90)
    outputs = run([*signals, an_alert("cart"), an_alert("orders", at_s=5)], until_s=400)
    merged = [o for o in published(outputs) if o.transition is Transition.MERGED]
    (tombstone,) = merged
    survivor = published(outputs)[-1].incident
    assert tombstone.incident.merged_into == survivor.incident_id
    assert {a.component for a in survivor.alerts} == {"cart", "orders"}


def test_an_incident_takes_no_more_alerts_than_its_cap_and_the_next_names_it():
    config = PipelineConfig(grouping=GroupingConfig(max_alerts=3))
    alerts = [an_alert("cart", rule=f"Rule{i}", at_s=i) for i in range(5)]
    outputs = run(alerts, until_s=60, config=config)
    first, second = opened(outputs)
    assert first.incident.alert_count == 3
    assert second.incident.previous_incident_id == first.incident.incident_id


def test_a_deploy_before_the_onset_is_evidence():
    outputs = run(
        [*healthy_then_slow(broken="cart"), a_change("cart", at_s=-120), an_alert("cart")],
        until_s=60,
    )
    top = published(outputs)[-1].incident.candidates[0]
    assert top.component == "cart"
    assert "change_recent" in {e.kind for e in top.evidence}


def test_revisions_of_an_incident_count_up_by_one():
    outputs = run(
        [*healthy_then_slow(), *(an_alert("cart", rule=f"R{i}", at_s=i * 15) for i in range(8))],
        until_s=800,
    )
    revisions = [o.incident.revision for o in published(outputs)]
    assert revisions == list(range(1, len(revisions) + 1))
    assert published(outputs)[-1].incident.firing is Firing.ON_TIME


@pytest.mark.parametrize("limit", [1, 5])
def test_the_number_of_groups_stays_within_its_limit(limit: int):
    config = PipelineConfig(grouping=GroupingConfig(max_groups=limit))
    alerts = [an_alert(f"s{i}", severity="warning", at_s=i) for i in range(20)]
    outputs = run(alerts, until_s=600, config=config)
    reasons = [o.reason for o in set_aside(outputs)]
    assert len(reasons) == 20
    assert reasons.count(DropReason.OVERFLOW) == 20 - limit


def test_an_alert_that_comes_after_the_windows_end_gives_a_late_revision():
    engine = Engine("test", PipelineConfig(), RuleRanker())
    outputs = engine.handle(an_alert("cart"), T0 + 1000)
    for at_s in range(10, 400, 10):
        outputs += engine.handle(telemetry(at_s=at_s), T0 + at_s * 1000)
    assert published(outputs)[-1].incident.firing is Firing.ON_TIME
    late = [an_alert("cart", rule=f"Late{i}", at_s=200 + i) for i in range(2)]
    after: list[Output] = []
    for signal in late:
        after += engine.handle(signal, T0 + 400_000)
    for at_s in range(400, 440, 10):
        after += engine.handle(telemetry(at_s=at_s), T0 + at_s * 1000)
    assert {o.incident.firing for o in published(after)} == {Firing.LATE}
    last = published(after)[-1].incident
    assert last.alert_count == 3
    assert last.incident_id == published(outputs)[0].incident.incident_id
