"""Panes: totals so far, idempotent, summed over sources, bounded and forgotten in time."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import EvidenceConfig
from pipeline.pane_store import PaneStore
from schemas.signal import Sighting, TelemetrySignal
from tests.pipeline.builders import (
    PANE,
    T0,
    a_series_pane,
    a_service_pane,
    an_edge_pane,
    component,
    telemetry,
)


def a_store(**config: int) -> PaneStore:
    return PaneStore(EvidenceConfig(**config))  # type: ignore[arg-type]  # only ints are given


def test_totals_so_far_replace_smaller_ones_and_never_add_up():
    store = a_store()
    for count in (10, 30, 20):
        store.add(telemetry(at_s=0, services=(a_service_pane("a", T0, count=count),)))
    (pane,) = store.services.row("a", range(T0, T0 + PANE, PANE))
    assert pane is not None
    assert pane.count == 30


def test_sources_are_summed():
    store = a_store()
    for source in ("p/0", "p/1"):
        signal = telemetry(at_s=0, edges=(an_edge_pane("a", "b", T0, count=7),), source=source)
        store.add(signal)
    (pane,) = store.edges.row(("a", "b"), range(T0, T0 + PANE, PANE))
    assert pane is not None
    assert pane.count == 14
    assert sum(count for _, count in pane.sketch) == 14


signals = st.lists(
    st.builds(
        lambda at, count, source: telemetry(
            at_s=at,
            services=(a_service_pane("a", T0 + at // 30 * PANE, count=count),),
            source=source,
        ),
        st.integers(0, 120),
        st.integers(1, 9),
        st.sampled_from(["p/0", "p/1"]),
    ),
    max_size=12,
)


@given(signals, st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter(batch: list[TelemetrySignal], rng):
    first, second = a_store(), a_store()
    shuffled = batch + batch[:3]
    rng.shuffle(shuffled)
    for signal in batch:
        first.add(signal)
    for signal in shuffled:
        second.add(signal)
    assert first.snapshot() == second.snapshot()


def test_what_lies_before_the_horizon_is_forgotten_unless_a_window_still_reads_it():
    store = a_store()
    store.add(telemetry(at_s=0, services=(a_service_pane("a", T0),)))
    store.add(telemetry(at_s=0, series=(a_series_pane("a", T0, z=9),)))
    later = T0 + 2 * 3_600_000
    store.expire(later, hold_from_ms=T0)
    assert "a" in store.services
    store.expire(later, hold_from_ms=later)
    assert "a" not in store.services
    assert store.series_ids("a") == []


def test_keys_are_bounded_and_the_longest_silent_goes():
    store = a_store(max_keys=3)
    for i, name in enumerate("abcde"):
        store.add(telemetry(at_s=0, services=(a_service_pane(name, T0 + i * PANE),)))
    assert store.services.keys() == ["c", "d", "e"]


def test_sightings_unite():
    store = a_store()
    node = component("node-1")
    one = Sighting(component=component("a"), metric_classes=("cpu",), runs_on=(node,))
    two = Sighting(component=component("a"), metric_classes=("memory",), has_spans=True)
    store.add(telemetry(at_s=0, sightings=(one,)))
    store.add(telemetry(at_s=0, sightings=(two,)))
    seen = store.sightings["a"]
    assert seen.metric_classes == ("cpu", "memory")
    assert seen.has_spans
    assert seen.runs_on == (node,)


def test_a_snapshot_restores_the_same_store():
    store = a_store()
    store.add(
        telemetry(
            at_s=0,
            services=(a_service_pane("a", T0),),
            edges=(an_edge_pane("a", "b", T0),),
            series=(a_series_pane("b", T0, z=4),),
            sightings=(Sighting(component=component("a")),),
        )
    )
    other = a_store()
    other.restore(store.snapshot())
    assert other.snapshot() == store.snapshot()
    assert other.series_ids("b") == store.series_ids("b")
