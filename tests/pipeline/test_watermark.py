"""The watermark: dense sources hold it, silence and wrong clocks do not."""

from pipeline.config import WatermarkConfig
from pipeline.watermark import Watermark

CONFIG = WatermarkConfig(lateness_seconds=5, idle_seconds=10, max_sources=3)
LATE = 5001


def test_the_slowest_live_source_counts():
    mark = Watermark()
    mark.dense("a", 100_000, 100_000, config=CONFIG)
    assert mark.dense("b", 90_000, 100_000, config=CONFIG) == 100_000 - LATE
    assert mark.dense("a", 103_000, 104_000, config=CONFIG) == 100_000 - LATE
    assert mark.dense("b", 104_000, 104_000, config=CONFIG) == 103_000 - LATE


def test_it_never_goes_back():
    mark = Watermark()
    mark.dense("a", 100_000, 100_000, config=CONFIG)
    assert mark.dense("c", 1_000, 100_000, config=CONFIG) == 100_000 - LATE


def test_a_source_idle_for_too_long_holds_nothing_back():
    mark = Watermark()
    mark.dense("a", 100_000, 100_000, config=CONFIG)
    mark.dense("b", 100_000, 100_000, config=CONFIG)
    assert mark.dense("b", 120_000, 120_000, config=CONFIG) == 120_000 - LATE


def test_an_event_from_the_future_is_clipped_to_its_arrival():
    mark = Watermark()
    assert mark.dense("a", 10**12, 100_000, config=CONFIG) == 105_000 - LATE


def test_alerts_do_not_push_time_while_telemetry_is_live():
    mark = Watermark()
    mark.dense("a", 100_000, 100_000, config=CONFIG)
    assert mark.sparse(109_000, 104_000, config=CONFIG) == 100_000 - LATE


def test_alerts_alone_move_time():
    assert Watermark().sparse(100_000, 100_000, config=CONFIG) == 100_000 - LATE


def test_silence_passes_at_the_pace_of_the_clock_once_no_source_is_live():
    mark = Watermark()
    mark.sparse(100_000, 200_000, config=CONFIG)
    assert mark.elapsed_estimate(212_000, config=CONFIG) == 112_000


def test_while_a_source_is_live_silence_does_not_pass():
    mark = Watermark()
    mark.dense("a", 100_000, 100_000, config=CONFIG)
    assert mark.elapsed_estimate(108_000, config=CONFIG) == mark.value_ms
    assert mark.elapsed_estimate(111_000, config=CONFIG) == 111_000


def test_sources_are_bounded_and_the_idlest_goes():
    mark = Watermark()
    for i in range(10):
        mark.dense(f"s{i}", 1000 * i, 1000 * i, config=CONFIG)
    assert sorted(mark.sources) == ["s7", "s8", "s9"]
