"""Properties of the engine: order within the lateness, repeats and restarts change nothing."""

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.rules import RuleRanker
from pipeline.config import GroupingConfig, PipelineConfig
from pipeline.correlator import Correlator
from pipeline.outputs import AlertSetAside, IncidentPublished, Output
from pipeline.reorder import event_ms_of
from schemas.incident import IncidentStatus
from schemas.signal import Signal, TickSignal
from tests.pipeline.builders import EDGES, T0, a_change, an_alert, healthy_then_slow

LATENESS_MS = 5000
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = sorted({name for edge in EDGES for name in edge} - {"db", "smtp"})
TELEMETRY = {broken: healthy_then_slow(broken=broken, after_s=240) for broken in ("db", "mail")}

alerts = st.builds(
    an_alert,
    st.sampled_from(NAMES),
    rule=st.sampled_from(["HighLatency", "PodDown", "CpuHigh"]),
    at_s=st.integers(0, 400).map(lambda s: s / 2),
    severity=st.sampled_from(["warning", "critical", ""]),
)


@st.composite
def storms(draw: st.DrawFn) -> list[Signal]:
    """A world's telemetry with alerts that fire, some of which resolve and fire again."""
    signals: list[Signal] = list(TELEMETRY[draw(st.sampled_from(sorted(TELEMETRY)))])
    fired = draw(st.lists(alerts, min_size=1, max_size=12))
    signals += fired
    for alert in draw(st.lists(st.sampled_from(fired), max_size=5)):
        labels = dict(alert.alert.labels)
        start_s = (alert.alert.starts_ms - T0) / 1000
        ends_s = start_s + draw(st.integers(1, 200))
        signals.append(
            an_alert(
                labels["service"],
                rule=labels["alertname"],
                severity=labels.get("severity", ""),
                at_s=start_s,
                ends_s=ends_s,
            )
        )
    if draw(st.booleans()):
        signals.append(a_change(draw(st.sampled_from(NAMES))))
    return signals


def arrivals(signals: list[Signal], jitter: list[int] | None = None) -> list[tuple[int, Signal]]:
    """Order signals by event time plus jitter; that sum is when they arrive."""
    jitter = jitter or [0] * len(signals)
    timed = [(event_ms_of(s) + jitter[i % len(jitter)], i, s) for i, s in enumerate(signals)]
    return [(at, s) for at, _, s in sorted(timed, key=lambda t: t[:2])]


def run(
    timed: list[tuple[int, Signal]],
    *,
    restart_after: int | None = None,
    config: PipelineConfig | None = None,
) -> list[Output]:
    correlator = Correlator(config or PipelineConfig(), RuleRanker())
    outputs: list[Output] = []
    last_ms = timed[-1][0]
    ticks: list[tuple[int, Signal]] = [
        (at, TickSignal(observed_ms=at)) for at in range(last_ms, last_ms + 1_500_000, 20_000)
    ]
    for index, (arrived_ms, signal) in enumerate([*timed, *ticks]):
        if index == restart_after:
            state = correlator.snapshot()
            correlator = Correlator(config or PipelineConfig(), RuleRanker())
            correlator.restore(state)
            assert correlator.snapshot() == state
        outputs += correlator.handle("test", signal, arrived_ms)
    return outputs


@QUICK
@given(storms(), st.lists(st.integers(0, LATENESS_MS - 1), min_size=1, max_size=40))
def test_events_shuffled_within_the_lateness_give_the_same_outputs(
    signals: list[Signal], jitter: list[int]
):
    assert run(arrivals(signals, jitter)) == run(arrivals(signals))


@QUICK
@given(storms(), st.lists(st.integers(0, 30), min_size=1, max_size=10))
def test_repeated_events_change_nothing(signals: list[Signal], which: list[int]):
    repeated = signals + [signals[-1 - (w % len(signals))] for w in which]
    assert run(arrivals(repeated)) == run(arrivals(signals))


@QUICK
@given(storms(), st.integers(0, 60))
def test_a_restart_from_a_snapshot_changes_nothing(signals: list[Signal], after: int):
    timed = arrivals(signals)
    at = max(0, len(timed) - after)
    assert run(timed, restart_after=at) == run(timed)


@QUICK
@given(st.lists(alerts, min_size=1, max_size=15), st.integers(1, 4))
def test_every_alert_ends_in_exactly_one_place(fired: list[Signal], max_groups: int):
    config = PipelineConfig(grouping=GroupingConfig(max_groups=max_groups))
    distinct = list({s.alert.fingerprint: s for s in fired}.values())
    outputs = run(arrivals([*TELEMETRY["db"], *distinct]), config=config)
    final: dict[str, IncidentPublished] = {}
    for output in outputs:
        if isinstance(output, IncidentPublished):
            final[output.incident.incident_id] = output
    places = Counter(
        alert.fingerprint
        for output in final.values()
        if output.incident.status is not IncidentStatus.MERGED
        for alert in output.incident.alerts
    )
    places.update(o.alert.fingerprint for o in outputs if isinstance(o, AlertSetAside))
    assert places == Counter(s.alert.fingerprint for s in distinct)


@QUICK
@given(storms())
def test_revisions_only_grow_and_every_answer_sums_to_one(signals: list[Signal]):
    seen: dict[str, int] = {}
    for output in run(arrivals(signals)):
        if isinstance(output, IncidentPublished):
            incident = output.incident
            assert incident.revision == seen.get(incident.incident_id, 0) + 1
            seen[incident.incident_id] = incident.revision
            if len(incident.candidates) < 10:
                total = sum(c.confidence for c in incident.candidates) + incident.p_none
                assert abs(total - 1.0) < 1e-4
