import math

import pytest

from pipeline.config import EvidenceConfig
from pipeline.frame import frame_at, log_ratio, peak, robust
from tests.pipeline.builders import PANE, T0

CONFIG = EvidenceConfig()


def test_the_past_ends_a_gap_before_the_first_alert_and_the_window_begins_no_earlier():
    frame = frame_at(T0 + 10_000, T0, config=CONFIG)
    assert frame.baseline.stop == T0 - 60_000
    assert len(frame.baseline) == 720 // 30
    assert frame.window.start == frame.baseline.stop
    assert frame.window[-1] == T0


def test_the_window_is_no_longer_than_configured_however_old_the_incident():
    frame = frame_at(T0 + 3_600_000, T0, config=CONFIG)
    assert len(frame.window) == 10
    assert frame.window.stop == T0 + 3_600_000
    assert frame.baseline.stop == T0 - 60_000


@pytest.mark.parametrize("offset_ms", [1, 7_001, 29_999])
def test_every_pane_lies_on_the_grid_of_panes(offset_ms):
    frame = frame_at(T0 + 100_000 + offset_ms, T0 + offset_ms, config=CONFIG)
    assert {start % PANE for start in (*frame.window, *frame.baseline)} == {0}
    assert frame.window[0] <= frame.now_ms - 1
    assert set(frame.window).isdisjoint(frame.baseline)


def test_an_alert_from_the_future_still_has_a_window():
    frame = frame_at(T0, T0 + 600_000, config=CONFIG)
    assert len(frame.window) > 0
    assert frame.baseline.stop == T0 - 60_000


def test_robust_numbers_ignore_one_wild_value():
    assert robust([1.0, 2.0, 3.0, 4.0, 1e9])[0] == 3.0
    assert robust([5.0]) == (5.0, 0.0)


def test_the_floor_keeps_tiny_numbers_from_exploding():
    assert log_ratio(0.0, 0.0, floor=1.0) == 0.0
    assert log_ratio(-5.0, 0.0, floor=1.0) == 0.0
    assert log_ratio(0.002, 0.0, floor=1.0) < 0.01
    assert log_ratio(200.0, 100.0, floor=0.0) == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("values", "expected"),
    [((), 0.0), ((4.0,), 4.0), ((0.0, 9.0, 0.0), 4.5), ((1.0, 3.0, 5.0), 4.0), ((-4.0, -2.0), -3)],
)
def test_a_peak_needs_two_panes(values, expected):
    assert peak(values) == expected
