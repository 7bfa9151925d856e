import msgspec
import pytest

from models.rules import RuleRanker
from pipeline.config import PipelineConfig
from pipeline.correlator import Correlator
from pipeline.outputs import AlertSetAside, DropReason, IncidentPublished, Output, Transition
from tests.pipeline.builders import T0, an_alert, healthy_then_slow, telemetry


def a_correlator(**changes: int) -> Correlator:
    return Correlator(PipelineConfig(**changes), RuleRanker())


def incidents(outputs: list[Output]) -> list[tuple[str, str]]:
    return [
        (o.incident.environment, o.transition.value)
        for o in outputs
        if isinstance(o, IncidentPublished)
    ]


def tick_through(correlator: Correlator, from_s: int, to_s: int) -> list[Output]:
    """What a worker does in silence: append the ticks that are justified, and handle them."""
    outputs: list[Output] = []
    for second in range(from_s, to_s):
        now_ms = T0 + second * 1000
        for environment, tick in correlator.ticks(now_ms):
            outputs += correlator.handle(environment, tick, now_ms)
    return outputs


def test_environments_do_not_meet():
    correlator = a_correlator()
    for environment in ("blue", "green"):
        correlator.handle(environment, an_alert(), T0)
    outputs = tick_through(correlator, 0, 60)
    assert incidents(outputs) == [("blue", "opened"), ("green", "opened")]
    ids = {o.incident.incident_id for o in outputs if isinstance(o, IncidentPublished)}
    assert len(ids) == 2


def test_nothing_known_justifies_no_tick():
    correlator = a_correlator()
    assert correlator.ticks(T0) == []
    correlator.handle("test", telemetry(at_s=0), T0)
    tick_through(correlator, 0, 60)
    assert correlator.ticks(T0 + 600_000) == []


def test_a_silent_log_still_opens_the_incident_seventeen_seconds_after_its_alert():
    correlator = a_correlator()
    correlator.handle("test", an_alert(), T0)
    assert incidents(tick_through(correlator, 0, 13)) == []
    assert incidents(tick_through(correlator, 13, 18)) == [("test", "opened")]


def test_a_tick_is_not_repeated_once_nothing_more_is_due():
    correlator = a_correlator()
    correlator.handle("test", an_alert(), T0)
    tick_through(correlator, 0, 20)
    assert correlator.ticks(T0 + 21_000) == []


def test_the_environment_idle_longest_makes_room():
    correlator = a_correlator(max_environments=2)
    for second, environment in enumerate(("a", "b", "a", "c")):
        correlator.handle(environment, telemetry(at_s=second), T0 + second * 1000)
    assert sorted(correlator.engines) == ["a", "c"]


def test_a_snapshot_restores_to_the_same_bytes_and_the_same_future():
    one, two = a_correlator(), a_correlator()
    for signal in healthy_then_slow(after_s=0):
        one.handle("test", signal, signal.observed_ms)
    one.handle("test", an_alert(), T0)
    one.handle("other", an_alert("mail"), T0)
    two.handle("forgotten", an_alert(), T0)
    two.restore(one.snapshot())
    assert two.snapshot() == one.snapshot()
    assert tick_through(two, 0, 200) == tick_through(one, 0, 200)
    assert two.snapshot() == one.snapshot()


@pytest.mark.parametrize("data", [b"", b"[]", b'{"version": 1, "engines": [{}]}', b"\xff"])
def test_what_is_no_snapshot_is_refused_and_changes_nothing(data):
    correlator = a_correlator()
    correlator.handle("test", an_alert(), T0)
    before = correlator.snapshot()
    with pytest.raises((ValueError, msgspec.MsgspecError)):
        correlator.restore(data)
    assert correlator.snapshot() == before


def test_a_snapshot_of_another_version_is_named():
    data = b'{"version": 0}'
    with pytest.raises(ValueError, match="version 0, expected 1"):
        a_correlator().restore(data)


def test_silence_after_everything_settled_asks_for_no_more_ticks():
    correlator = a_correlator()
    correlator.handle("test", an_alert(), T0)
    correlator.handle("test", an_alert(ends_s=30), T0 + 31_000)
    tick_through(correlator, 31, 1_200)
    assert correlator.ticks(T0 + 7_200_000) == []


def test_stats_add_sizes_and_name_the_slowest_watermark():
    correlator = a_correlator()
    correlator.handle("a", an_alert(), T0)
    correlator.handle("b", an_alert(at_s=60), T0 + 60_000)
    tick_through(correlator, 60, 62)
    stats = correlator.stats()
    assert stats["environments"] == 2
    assert stats["alerts_known"] + stats["buffered"] == 2
    assert stats["watermark_ms"] == min(e.watermark.value_ms for e in correlator.engines.values())


def test_an_environment_that_makes_room_ends_its_alerts_with_an_output():
    correlator = Correlator(PipelineConfig(max_environments=1), RuleRanker())
    outputs = correlator.handle("one", an_alert("cart"), T0)
    outputs += correlator.handle("one", an_alert("web", severity="warning", at_s=1), T0 + 1000)
    outputs += correlator.handle("one", telemetry(at_s=16), T0 + 16_000)
    outputs += correlator.handle("two", an_alert("mail"), T0 + 20_000)
    assert sorted(correlator.engines) == ["two"]
    resolved = [o for o in outputs if isinstance(o, IncidentPublished)][-1]
    assert resolved.transition is Transition.RESOLVED
    aside = [o for o in outputs if isinstance(o, AlertSetAside)]
    assert [(o.component.name, o.reason) for o in aside] == [("web", DropReason.OVERFLOW)]


@pytest.mark.parametrize("data", [b"", b"{}", b'{"version": 99}', b'{"version": 1, "engines": 3}'])
def test_what_is_no_snapshot_gets_a_sentence(data: bytes):
    with pytest.raises(ValueError, match="correlator snapshot"):
        Correlator(PipelineConfig(), RuleRanker()).restore(data)
