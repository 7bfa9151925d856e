"""The storm is played in order of event time, in step with the pipeline, never future-dated."""

import asyncio
import tomllib

import orjson
import pytest

from agents.demo import pacing
from agents.demo.configuration import configure
from agents.demo.expectation import BYSTANDERS, read_expectation
from agents.demo.pacing import Pace, StalledError
from agents.demo.storm import SLICE_MS, Tally, simulate_storm, slices, storm_start_ms
from agents.errors import RootlineError
from agents.recordings import write_recording
from agents.settings import load_settings
from models.simulator.config import SimulationConfig
from models.simulator.simulate import simulate
from models.simulator.wire import wire_messages

NOW_MS = 1_772_450_012_345


@pytest.fixture(scope="module")
def short():
    """A short recording with everything in it."""
    config = SimulationConfig(warmup_seconds=60, storm_seconds=240, request_rate=2)
    return simulate("pool_exhaustion", seed=1, config=config)


def test_the_storm_ends_just_before_now_and_is_cut_into_the_same_panes_each_time():
    recording = simulate_storm("cert_expiry", 3, NOW_MS)
    assert NOW_MS - 30_000 < recording.end_ms <= NOW_MS
    assert recording.start_ms % 30_000 == 0
    assert recording.spans is not None
    assert recording.metrics is not None
    assert int(recording.spans.end_ns.max()) <= NOW_MS * 1_000_000
    assert int(recording.metrics.time_ms.max()) <= NOW_MS
    assert storm_start_ms(recording) - recording.start_ms == 600_000


def test_slices_hold_every_message_once_in_order_of_event_time(short):
    pieces = list(slices(short))
    ends = [piece.until_ms for piece in pieces]
    assert ends == sorted(set(ends))
    assert all((end - short.start_ms) % SLICE_MS == 0 for end in ends)
    sent = sum(len(p.alerts) + len(p.changes) + len(p.spans) + len(p.samples) for p in pieces)
    assert sent == sum(1 for _ in wire_messages(short))
    assert [body for piece in pieces for body in piece.alerts] == [
        message.value for message in short.alerts
    ]


def test_the_tally_counts_what_had_happened(short):
    tally = Tally(short)
    assert tally.until(short.start_ms) == {"spans": 0, "samples": 0}
    whole = tally.until(short.end_ms + 600_000)
    assert whole == {"spans": len(short.spans), "samples": len(short.metrics)}


def test_the_expectation_comes_from_truth_and_alerts_of_the_recording(short, tmp_path):
    write_recording(short, tmp_path)
    expected = read_expectation(tmp_path)
    (fault,) = short.truth
    assert (expected.component, expected.pattern) == (fault.component, fault.pattern)
    assert expected.holder == fault.details["holder"]
    assert expected.storm
    assert not expected.storm & expected.bystanders
    assert not any(name in fault.component for name in BYSTANDERS)


def test_a_recording_without_a_fault_has_no_expectation(tmp_path):
    (tmp_path / "truth.json").write_bytes(orjson.dumps({"faults": []}))
    with pytest.raises(RootlineError, match="holds no fault"):
        read_expectation(tmp_path)


class Clock:
    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


def test_the_warm_up_waits_for_nothing_and_the_storm_keeps_its_speed():
    clock = Clock()
    pace = Pace(storm_ms=10_000, speed=10.0, now=clock)
    assert pace.delay(10_000) == 0.0
    assert pace.delay(12_000) == pytest.approx(0.2)
    clock.seconds += 0.15
    assert pace.delay(14_000) == pytest.approx(0.25)
    clock.seconds += 60.0
    assert pace.delay(16_000) == 0.0


def test_a_slice_waits_until_the_pipeline_has_come_near():
    async def scene():
        pace = Pace(storm_ms=0, speed=200.0, now=Clock())
        pace.delay(1)  # the storm begins
        waiting = asyncio.create_task(pace.wait(200_000, first_ms=100_000))
        await asyncio.sleep(0)
        pace.reached(150_000)
        await asyncio.sleep(0)
        assert not waiting.done()
        pace.reached(199_000)
        await waiting

    asyncio.run(scene())


def test_a_pipeline_that_stands_still_is_named(monkeypatch):
    monkeypatch.setattr(pacing, "_STALL_SECONDS", 0.01)
    pace = Pace(storm_ms=1 << 60, speed=1.0, now=Clock())
    with pytest.raises(StalledError, match="took nothing in"):
        asyncio.run(pace.wait(100_000, first_ms=0))


def test_the_configuration_is_taken_by_all_commands_and_kept_from_others(tmp_path):
    path = configure(
        tmp_path,
        bootstrap="127.0.0.1:9",
        webhook="http://127.0.0.1:8/services/x",
        speed=15.0,
        ports={"gateway": 7},
    )
    assert path.stat().st_mode & 0o077 == 0
    assert tomllib.loads(path.read_text())["notifier"]["top_changed_interval_ms"] == 2000
    settings = load_settings(path, {})
    assert settings.kafka.bootstrap == "127.0.0.1:9"
    assert settings.notifier.webhook_url == "http://127.0.0.1:8/services/x"
    assert settings.gateway.port == 7
    assert settings.telemetry.port == 0
    assert settings.pipeline.firing.refresh_seconds == 60
    assert settings.resolver.environment == "prod-eu1"
