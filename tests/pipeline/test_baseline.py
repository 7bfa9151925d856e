"""Baselines: what they learn, what they refuse to learn, and that both forms agree."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.baseline import Z_LIMIT, Baseline, BaselineConfig
from pipeline.baseline_bank import BaselineBank

PANE_MS = 30_000
CONFIG = BaselineConfig(relearn_after_seconds=600)


def taught(values: list[float], config: BaselineConfig = CONFIG) -> Baseline:
    baseline = Baseline()
    for pane, value in enumerate(values):
        baseline.update(value, pane * PANE_MS, config)
    return baseline


def test_there_is_no_z_during_the_warm_up() -> None:
    baseline = taught([100.0] * (CONFIG.warm_up - 1))
    assert not baseline.ready
    assert baseline.z(1e9) == 0.0
    assert taught([100.0] * CONFIG.warm_up).ready


def test_a_constant_series_has_a_finite_z() -> None:
    baseline = taught([100.0] * 20)
    assert baseline.scale == 5.0
    assert baseline.z(105.0) == pytest.approx(1.0)
    assert baseline.z(1e12) == Z_LIMIT
    assert taught([0.0] * 20).scale == CONFIG.absolute_floor


def test_z_is_signed() -> None:
    baseline = taught([100.0, 102.0, 98.0] * 8)
    assert baseline.z(50.0) < -3 < 3 < baseline.z(150.0)


def test_an_anomaly_teaches_nothing() -> None:
    baseline = taught([100.0] * 20)
    before = (baseline.center, baseline.scale, list(baseline.values))
    for pane in range(20, 35):
        assert baseline.update(500.0, pane * PANE_MS, CONFIG) == pytest.approx(80.0)
    assert (baseline.center, baseline.scale, baseline.values) == before


def test_an_anomaly_that_lasts_is_the_new_normal() -> None:
    baseline = taught([100.0] * 20)
    frozen_panes = int(CONFIG.relearn_after_seconds * 1000 // PANE_MS)
    z = [baseline.update(500.0, (20 + pane) * PANE_MS, CONFIG) for pane in range(80)]
    assert min(z[: frozen_panes + 1]) > 3
    assert max(z[frozen_panes + 10 :]) < 3
    assert baseline.center == 500.0


def test_a_normal_value_ends_the_freeze() -> None:
    baseline = taught([100.0] * 20)
    for pane in range(20, 38):
        baseline.update(500.0 if pane % 5 else 100.0, pane * PANE_MS, CONFIG)
    for pane in range(38, 50):
        assert baseline.update(500.0, pane * PANE_MS, CONFIG) > 3
    assert baseline.center == 100.0


def test_unrest_is_remembered_after_it_left_the_ring() -> None:
    quiet = taught([100.0] * 100)
    restless = taught([70.0, 100.0, 130.0] * 20 + [100.0] * (CONFIG.ring + 1))
    assert set(restless.values) == {100.0}
    assert restless.scale > 1.5 * quiet.scale


def test_a_baseline_survives_msgspec() -> None:
    baseline = taught([1.0, 2.0, 3.0] * 5)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(baseline), type=Baseline) == baseline


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({"warm_up": 1}, "baseline.warm_up"),
        ({"warm_up": 40}, "baseline.warm_up"),
        ({"ewma_weight": 0.0}, "baseline.ewma_weight"),
        ({"absolute_floor": 0.0}, "absolute_floor"),
    ],
)
def test_a_config_that_cannot_work_is_refused(broken: dict[str, float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        BaselineConfig(**broken)


@settings(max_examples=40)
@given(
    st.lists(
        st.lists(st.integers(-20, 200).map(float), min_size=3, max_size=3),
        min_size=1,
        max_size=60,
    )
)
def test_the_bank_agrees_with_single_baselines(panes: list[list[float]]) -> None:
    bank = BaselineBank(CONFIG, 3)
    for slot in range(3):
        bank.reset(slot, CONFIG.absolute_floor)
    singles = [Baseline() for _ in range(3)]
    slots = np.arange(3)
    for pane, values in enumerate(panes):
        expected = [
            b.update(v, pane * PANE_MS, CONFIG) for b, v in zip(singles, values, strict=True)
        ]
        assert bank.z(slots, np.array(values)) == pytest.approx(expected, rel=1e-5, abs=1e-5)
        bank.update(slots, np.array(values), np.full(3, pane * PANE_MS))
    assert bank.center == pytest.approx([b.center for b in singles], rel=1e-6)
    assert bank.scale == pytest.approx([b.scale for b in singles], rel=1e-6)


def test_a_bank_keeps_what_it_knows_when_it_grows() -> None:
    bank = BaselineBank(CONFIG, 2)
    bank.reset(1, 0.5)
    for pane in range(8):
        bank.update(np.array([1]), np.array([7.0]), np.array([pane * PANE_MS]))
    bank.grow(10)
    assert bank.z(np.array([1, 9]), np.array([8.0, 8.0])).tolist() == [2.0, 0.0]


def test_a_pinned_slot_never_learns() -> None:
    bank = BaselineBank(CONFIG, 1)
    bank.reset(0, 1.0)
    bank.pin(0, 14.0, 2.0)
    for pane in range(30):
        bank.update(np.array([0]), np.array([14.0]), np.array([pane * PANE_MS]))
    assert bank.z(np.array([0]), np.array([8.0])).tolist() == [-3.0]
