from dataclasses import replace

import numpy as np
import orjson
import pytest

from models.alert_firings import read_firings
from models.perturbation import PERTURBATIONS, perturb
from models.simulator.config import SimulationConfig
from models.simulator.simulate import simulate
from schemas.recording import Recording
from schemas.resolve import Resolver, ResolverConfig

SHORT = SimulationConfig(warmup_seconds=180, storm_seconds=150, request_rate=4)
EDGES = [{"caller": "a", "callee": chr(98 + i)} for i in range(20)]


@pytest.fixture(scope="module")
def storm() -> Recording:
    recording = simulate("cert_expiry", seed=1, config=SHORT)
    return replace(recording, graph={"edges": EDGES})


def same(first: Recording, second: Recording) -> bool:
    """Whether two recordings hold the same messages, rows and edges."""

    def rows(r: Recording) -> tuple[object, ...]:
        spans = None if r.spans is None else (r.spans.span_id.tobytes(), r.spans.end_ns.tobytes())
        metrics = None if r.metrics is None else r.metrics.value.tobytes()
        return spans, metrics, r.alerts, r.changes, r.graph

    return rows(first) == rows(second)


@pytest.mark.parametrize("name", sorted(PERTURBATIONS))
def test_level_0_changes_nothing_and_the_highest_level_something(storm, name):
    levels = PERTURBATIONS[name].levels
    assert levels[0] == 0.0
    assert perturb(storm, name, level=0.0, seed=1) is storm
    worse = perturb(storm, name, level=levels[-1], seed=1)
    assert not same(worse, storm)
    assert worse.truth == storm.truth
    assert worse.provenance["perturbed"]["name"] == name


@pytest.mark.parametrize("name", sorted(PERTURBATIONS))
def test_the_same_seed_gives_the_same_recording(storm, name):
    level = PERTURBATIONS[name].levels[-1]
    first, second = (perturb(storm, name, level=level, seed=3) for _ in range(2))
    assert same(first, second)


@pytest.mark.parametrize(
    "name", ["spans_dropped", "edges_missing", "edges_reversed", "clock_skew", "alerts_lost"]
)
def test_another_seed_gives_another_recording(storm, name):
    level = PERTURBATIONS[name].levels[-2]
    assert not same(*(perturb(storm, name, level=level, seed=s) for s in (1, 2)))


def test_dropped_spans_are_whole_traces_and_as_many_as_asked(storm):
    half = perturb(storm, "spans_dropped", level=0.5, seed=1)
    before, after = np.unique(storm.spans.trace_lo), np.unique(half.spans.trace_lo)
    assert 0.45 < len(after) / len(before) < 0.55
    kept = np.isin(storm.spans.trace_lo, after)
    assert kept.sum() == len(half.spans)


def test_a_higher_level_drops_what_a_lower_one_did(storm):
    few, fewer = (perturb(storm, "spans_dropped", level=x, seed=1) for x in (0.5, 0.9))
    assert np.isin(fewer.spans.trace_lo, few.spans.trace_lo).all()


def test_missing_edges_are_gone_and_reversed_ones_turned_round(storm):
    missing = perturb(storm, "edges_missing", level=0.5, seed=1).graph["edges"]
    assert 3 < len(missing) < 17
    turned = perturb(storm, "edges_reversed", level=0.5, seed=1).graph["edges"]
    assert len(turned) == len(EDGES)
    assert {e["callee"] for e in turned if e["callee"] == "a"} == {"a"}
    assert storm.graph["edges"] == EDGES


def test_a_skewed_clock_moves_all_spans_of_a_host_alike_and_keeps_their_length(storm):
    skewed = perturb(storm, "clock_skew", level=10.0, seed=1).spans
    moved = skewed.start_ns - storm.spans.start_ns
    assert np.array_equal(
        skewed.end_ns - skewed.start_ns, storm.spans.end_ns - storm.spans.start_ns
    )
    for resource in np.unique(skewed.resource):
        assert len(np.unique(moved[skewed.resource == resource])) == 1
    assert 1e9 < np.abs(moved).max() < 60e9


def test_lost_alerts_are_lost_with_their_ends(storm):
    left = read_firings(perturb(storm, "alerts_lost", level=0.5, seed=1).alerts, 0)
    all_of = {(f.fingerprint, f.starts_ms): f.ends_ms for f in read_firings(storm.alerts, 0)}
    assert 0 < len(left) < len(all_of)
    assert all(all_of[f.fingerprint, f.starts_ms] == f.ends_ms for f in left)


def test_delayed_alerts_keep_their_dates_and_come_later(storm):
    late = perturb(storm, "alerts_delayed", level=20.0, seed=1)
    told = {(f.fingerprint, f.starts_ms): f for f in read_firings(storm.alerts, 0)}
    delays = []
    for firing in read_firings(late.alerts, 0):
        before = told[firing.fingerprint, firing.starts_ms]
        delays.append(firing.told_ms - before.told_ms)
    assert min(delays) >= 0
    assert max(delays) > 5_000
    assert all(m.arrived_ms < storm.end_ms for m in late.alerts)


def test_a_late_onset_dates_every_alert_later(storm):
    late = perturb(storm, "late_onset", level=30.0, seed=1)
    starts = {(f.fingerprint, f.starts_ms) for f in read_firings(storm.alerts, 0)}
    moved = read_firings(late.alerts, 0)
    assert moved
    assert {(f.fingerprint, f.starts_ms - 30_000) for f in moved} <= starts


def test_a_hidden_root_says_nothing_but_its_callers_still_call_it(storm):
    hidden = perturb(storm, "root_hidden", level=1.0, seed=1)
    (root,) = {f.component for f in storm.truth}
    resolver = Resolver(ResolverConfig(environment=storm.environment))
    senders = {
        resolver.resource(hidden.spans.resources[i]).name for i in np.unique(hidden.spans.resource)
    }
    assert root not in senders
    assert len(senders) > 5
    shown = {hidden.metrics.table[i] for i in np.unique(hidden.metrics.series)}
    assert all(resolver.component(s.labels, metric=s.name).component.name != root for s in shown)
    on = [
        resolver.component(tuple(sorted(orjson.loads(m.value)["labels"].items()))).component.name
        for m in hidden.alerts
    ]
    assert on
    assert root not in on


def test_what_there_is_not_is_refused(storm):
    with pytest.raises(ValueError, match="choose one of"):
        perturb(storm, "gremlins", level=1.0, seed=1)
    with pytest.raises(ValueError, match="not be negative"):
        perturb(storm, "spans_dropped", level=-0.1, seed=1)


def test_a_recording_without_a_modality_stays_without_it(storm):
    bare = replace(storm, spans=None, graph=None)
    for name in ("spans_dropped", "clock_skew", "edges_missing"):
        assert perturb(bare, name, level=0.5, seed=1).spans is None
