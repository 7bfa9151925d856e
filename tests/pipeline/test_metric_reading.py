import math
from dataclasses import replace

import pytest

from pipeline.metric_reading import MetricReading, read_metrics
from schemas.signal import SeriesPane
from tests.pipeline.builders import PANE, T0, a_series_pane

STARTS = range(T0, T0 + 4 * PANE, PANE)


def row(*z: float | None, metric: str, cls: str, **facts: object) -> list[SeriesPane | None]:
    return [
        None
        if value is None
        else replace(a_series_pane("db", start, z=value, metric=metric, cls=cls), **facts)
        for start, value in zip(STARTS, z, strict=True)
    ]


def read(**rows: list[SeriesPane | None]) -> MetricReading:
    return read_metrics(rows, starts=STARTS, pane_seconds=30.0)


def test_no_series_reads_as_nothing_bad():
    assert read() == MetricReading()
    assert read(a=[None] * 4) == MetricReading()
    assert read().worst_z == 0.0


def test_positive_is_bad_whichever_way_a_metric_points():
    up = read(a=row(9, 9, 9, 9, metric="cpu_usage", cls="cpu"))
    down = read(a=row(-9, -9, -9, -9, metric="up", cls="availability"))
    assert up.z == {"cpu": 9.0}
    assert down.z == {"availability": 9.0}
    assert down.worst_z == 9.0


@pytest.mark.parametrize(("z", "expected"), [(9.0, 9.0), (-9.0, -9.0)])
def test_traffic_keeps_its_sign_and_makes_nobody_anomalous(z, expected):
    reading = read(a=row(z, z, z, z, metric="http_requests_total", cls="traffic"))
    assert reading.z == {"traffic": expected}
    assert reading.worst_z == 0.0


def test_a_wild_value_is_capped():
    reading = read(a=row(1e9, 1e9, 0, 0, metric="cpu_usage", cls="cpu"))
    assert reading.z == {"cpu": 50.0}


def test_the_onset_needs_a_second_pane_unless_it_is_the_last():
    lone = read(a=row(0, 9, 0, 0, metric="cpu_usage", cls="cpu"))
    lasting = read(a=row(0, 9, None, 9, metric="cpu_usage", cls="cpu"))
    last = read(a=row(0, 0, 0, 9, metric="cpu_usage", cls="cpu"))
    assert (lone.onset_ms, lasting.onset_ms, last.onset_ms) == (None, STARTS[1], STARTS[3])


def test_persistence_is_the_share_of_panes_in_which_anything_is_bad():
    reading = read(
        a=row(9, 0, 0, 0, metric="cpu_usage", cls="cpu"),
        b=row(0, 9, 0, None, metric="heap_used", cls="memory"),
    )
    assert reading.persistence == 0.5


def test_a_pools_usage_is_the_highest_ratio_of_its_class():
    used = row(9, 9, 9, 9, metric="threads_connected / max_connections", cls="pool", value=0.97)
    idle = row(1, 1, 1, 1, metric="active / max", cls="pool", value=0.2)
    plain = row(9, 9, 9, 9, metric="threads_connected", cls="pool", value=150.0)
    reading = read(a=plain, b=used, c=idle)
    assert (reading.pool_usage, reading.pool_series) == (0.97, "b")
    assert read(a=plain).pool_usage is None


def test_the_holder_is_the_client_with_most_of_the_metric_that_grew():
    def client(name: str, value: float, usual: float) -> list[SeriesPane | None]:
        panes = row(9, 9, 9, 9, metric="connections", cls="pool", value=value, center=usual)
        return [p and replace(p, holder=name) for p in panes]

    reading = read(a=client("report-job", 90.0, 2.0), b=client("orders", 10.0, 9.0))
    assert reading.holder is not None
    assert (reading.holder.name, reading.holder.share) == ("report-job", 0.9)
    assert reading.holder.growth == pytest.approx(91 / 3)
    assert reading.holder.series_id == "a"


def test_nobody_holds_what_is_empty():
    panes = row(9, 9, 9, 9, metric="connections", cls="pool", value=0.0, holder="a")
    assert read(a=panes).holder is None


def test_stale_series_are_a_share_and_restarts_an_increase():
    reading = read(
        a=row(0, 0, 0, 0, metric="cpu_usage", cls="cpu", stale=True),
        b=row(9, 9, 0, 0, metric="restarts_total", cls="restarts", value=0.1),
    )
    assert reading.stale_share == 0.5
    assert reading.restarts == pytest.approx(0.1 * 30 * 4)


def test_a_value_that_is_no_number_counts_for_nothing():
    reading = read(a=row(9, 9, 9, 9, metric="restarts_total", cls="restarts", value=math.nan))
    assert reading.restarts == 0.0
    assert reading.series[0].value == 0.0


def test_the_worst_of_a_class_is_the_one_furthest_out():
    reading = read(
        a=row(4, 4, 4, 4, metric="cpu_usage", cls="cpu"),
        b=row(8, 8, 8, 8, metric="cpu_usage", cls="cpu"),
    )
    worst = reading.worst_of("cpu")
    assert worst is not None
    assert worst.peak_z == 8.0
    assert reading.worst_of("disk") is None


def test_a_series_that_fell_does_not_hide_one_that_rose():
    reading = read(
        a=row(8, 8, 8, 8, metric="cpu_usage", cls="cpu"),
        b=row(-40, -40, -40, -40, metric="cpu_usage", cls="cpu"),
    )
    assert reading.worst_z == 8.0
