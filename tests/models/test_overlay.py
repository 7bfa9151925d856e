from dataclasses import replace

import numpy as np
import orjson
import pytest

from models.alert_firings import Firing, join_firings, read_firings
from models.overlay import overlay
from models.simulator.config import SimulationConfig
from models.simulator.simulate import simulate
from schemas.recording import Fault, Message, Recording
from schemas.telemetry import MetricBatch, MetricForm, Series

SHORT = SimulationConfig(warmup_seconds=180, storm_seconds=150, request_rate=4)
T0 = 1_772_445_600_000
FAULT_S = 60


@pytest.fixture(scope="module")
def pair() -> tuple[Recording, Recording, Recording]:
    """A slow database and an expired certificate of one world, and that world when well."""
    first = simulate("slow_query", seed=1, config=SHORT)
    return (
        first,
        simulate("cert_expiry", seed=1, config=SHORT),
        simulate("none", seed=1, config=SHORT),
    )


def alert(rule: str, *, start_s: int, end_s: int | None = None, told_s: int) -> Message:
    at = [f"2026-03-02T10:{s // 60:02d}:{s % 60:02d}Z" for s in (start_s, end_s or 0)]
    value = {
        "status": "firing" if end_s is None else "resolved",
        "labels": {"alertname": rule, "service": "cart"},
        "startsAt": at[0],
    }
    if end_s is not None:
        value["endsAt"] = at[1]
    return Message(arrived_ms=T0 + told_s * 1000, value=orjson.dumps(value))


def a_recording(
    *values: tuple[str, list[float]],
    form: MetricForm = MetricForm.GAUGE,
    alerts: tuple[Message, ...] = (),
    fault: bool = True,
) -> Recording:
    """Series of a sample every ten seconds for two minutes; the fault begins after one."""
    rows = [(i, k, v) for i, (_, line) in enumerate(values) for k, v in enumerate(line)]
    columns = np.array(rows or np.zeros((0, 3)))
    metrics = MetricBatch(
        series=columns[:, 0].astype(np.int32),
        time_ms=T0 + columns[:, 1].astype(np.int64) * 10_000,
        value=columns[:, 2].astype(np.float64),
        table=tuple(Series(name=name, labels=(), form=form) for name, _ in values),
    )
    truth = Fault(
        component="cart",
        pattern="p",
        start_ms=T0 + FAULT_S * 1000,
        end_ms=T0 + 120_000,
    )
    return Recording(
        environment="test",
        start_ms=T0,
        end_ms=T0 + 120_000,
        resolution_seconds=10.0,
        provenance={"kind": "injected"},
        alerts=alerts,
        metrics=metrics,
        truth=(truth,) if fault else (),
    )


def line(recording: Recording, name: str = "x") -> list[float]:
    metrics = recording.metrics
    assert metrics is not None
    place = [s.name for s in metrics.table].index(name)
    return metrics.value[metrics.series == place].tolist()


def test_faults_begin_as_far_apart_as_asked_and_all_telemetry_lies_within(pair):
    laid = overlay(pair[:2], offsets_s=[0, 60], healthy=pair[2:])
    apart_s = (laid.faults[1].start_ms - laid.faults[0].start_ms) / 1000
    assert abs(apart_s - 60) <= pair[0].resolution_seconds / 2
    recording = laid.recording
    assert recording.truth == laid.faults
    assert recording.spans is not None
    assert recording.metrics is not None
    assert recording.spans.end_ns.max() < recording.end_ms * 1_000_000
    assert recording.metrics.time_ms.max() < recording.end_ms
    assert all(m.arrived_ms < recording.end_ms for m in recording.alerts)


def test_the_same_arguments_give_the_same_overlay(pair):
    first, second = (overlay(pair[:2], offsets_s=[0, 30], healthy=pair[2:]) for _ in range(2))
    assert first.alerts == second.alerts
    assert first.recording.alerts == second.recording.alerts
    assert np.array_equal(first.recording.spans.span_id, second.recording.spans.span_id)
    values = [laid.recording.metrics.value for laid in (first, second)]
    assert np.array_equal(*values, equal_nan=True)


def test_one_recording_overlaid_with_nothing_keeps_its_spans_and_samples(pair):
    laid = overlay(pair[:1], offsets_s=[0]).recording
    assert len(laid.spans) == (pair[0].spans.end_ns < laid.end_ms * 1_000_000).sum()
    assert len(laid.metrics) == len(pair[0].metrics)


def test_traffic_is_not_doubled_and_no_id_is_used_twice(pair):
    laid = overlay(pair[:2], offsets_s=[0, 0]).recording
    assert len(laid.spans) < 1.1 * max(len(r.spans) for r in pair[:2])
    assert len(np.unique(laid.spans.span_id)) == len(laid.spans)
    roots = laid.spans.parent_id == 0
    assert roots.any()
    assert np.isin(laid.spans.parent_id[~roots], laid.spans.span_id).mean() > 0.99


def test_before_the_first_fault_everything_is_the_first_layers(pair):
    laid = overlay(pair[:2], offsets_s=[0, 60])
    before = (laid.faults[0].start_ms - 30_000) * 1_000_000
    mine = laid.recording.spans.span_id[laid.recording.spans.end_ns < before]
    assert np.isin(mine, pair[0].spans.span_id).all()


def test_alerts_of_healthy_recordings_are_noise_and_the_others_have_owners(pair):
    laid = overlay(pair[:2], offsets_s=[0, 0], healthy=pair[2:])
    noise = {f.fingerprint for f in read_firings(pair[2].alerts, 0)}
    for owned in laid.alerts:
        if owned.fingerprint in noise:
            assert owned.owners == ()
    assert {owner for owned in laid.alerts for owner in owned.owners} == {0, 1}


def test_a_sample_is_the_layers_that_strays_most():
    well, high = [1.0, 1.1, 0.9] * 4, [1.0, 1.1, 0.9] * 2 + [9.0] * 6
    laid = overlay([a_recording(("x", well)), a_recording(("x", high))], offsets_s=[0, 0])
    assert line(laid.recording) == high


def test_healthy_samples_are_the_first_layers_and_not_the_wildest():
    first, second = [1.0, 1.2, 0.8] * 4, [1.0, 0.8, 1.2] * 4
    laid = overlay([a_recording(("x", first)), a_recording(("x", second))], offsets_s=[0, 0])
    assert line(laid.recording) == first


def test_counters_are_joined_by_what_they_grew():
    well = [float(100 + 10 * k) for k in range(12)]
    busy = [float(5000 + 10 * k + max(0, k - 6) * 90) for k in range(12)]
    both = [a_recording(("x_total", values), form=MetricForm.UNKNOWN) for values in (well, busy)]
    got = line(overlay(both, offsets_s=[0, 0]).recording, "x_total")
    assert np.diff(got).tolist() == [10.0] * 6 + [100.0] * 5


def test_a_series_that_goes_silent_is_silent_in_the_overlay():
    there, gone = [1.0, 1.1, 0.9] * 4, [1.0, 1.1, 0.9] * 2
    laid = overlay([a_recording(("x", there)), a_recording(("x", gone))], offsets_s=[0, 0])
    assert len(line(laid.recording)) == 6


def test_a_series_that_only_one_layer_has_is_kept():
    other = a_recording(("y", [2.0] * 12))
    laid = overlay([a_recording(("x", [1.0] * 12)), other], offsets_s=[0, 0])
    assert line(laid.recording, "y") == [2.0] * 12


def test_an_alert_raised_by_both_is_one_firing_owned_by_both():
    first = a_recording(
        alerts=(
            alert("R", start_s=70, told_s=75),
            alert("R", start_s=70, end_s=90, told_s=95),
        )
    )
    second = a_recording(alerts=(alert("R", start_s=80, told_s=85),))
    laid = overlay([first, second], offsets_s=[0, 0])
    (owned,) = laid.alerts
    assert owned.owners == (0, 1)
    (message,) = laid.recording.alerts
    assert orjson.loads(message.value)["status"] == "firing"


def test_an_alert_from_before_the_fault_is_noise():
    early = a_recording(alerts=(alert("R", start_s=20, told_s=25),))
    assert overlay([early], offsets_s=[0]).alerts[0].owners == ()


def test_an_alert_that_ends_and_fires_again_stays_two_firings():
    messages = [
        alert("R", start_s=10, told_s=15),
        alert("R", start_s=10, end_s=20, told_s=25),
        alert("R", start_s=40, told_s=45),
    ]
    firings = join_firings(read_firings(messages, 0))
    assert [(f.starts_ms - T0, f.ends_ms) for f in firings] == [
        (10_000, T0 + 20_000),
        (40_000, None),
    ]


def test_joined_firings_last_until_the_last_end():
    one = read_firings([alert("R", start_s=10, end_s=30, told_s=31)], 0)[0]
    other = replace(one, starts_ms=T0 + 20_000, ends_ms=T0 + 50_000, owners=(1,))
    (joined,) = join_firings([other, replace(one, owners=(0,))])
    assert isinstance(joined, Firing)
    assert (joined.starts_ms, joined.ends_ms) == (T0 + 10_000, T0 + 50_000)
    assert joined.owners == (0, 1)


@pytest.mark.parametrize(
    ("recordings", "offsets", "says"),
    [
        ([], [], "one to 3"),
        ([a_recording()] * 4, [0.0] * 4, "one to 3"),
        ([a_recording()], [0.0, 1.0], "an offset for each"),
        ([a_recording(fault=False)], [0.0], "exactly one fault"),
    ],
    ids=["none", "too many", "offsets", "healthy"],
)
def test_what_cannot_be_overlaid_is_refused_with_a_reason(recordings, offsets, says):
    with pytest.raises(ValueError, match=says):
        overlay(recordings, offsets_s=offsets)
