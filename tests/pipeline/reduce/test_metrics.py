"""The metric reducer: what it says about series that leave their normal, and when."""

import pytest

from schemas.component import Component, ComponentKind
from schemas.telemetry import MetricForm
from tests.pipeline.reduce.metric_feeds import (
    ALLOWED,
    CONNECTED,
    MEMORY,
    PANE_MS,
    RUNNING,
    SCRAPE_MS,
    T0,
    Feed,
    a_batch,
    a_reducer,
    a_series,
    by_user,
)


def test_a_normal_series_is_only_sighted() -> None:
    feed = Feed()
    feed.scrape(60, (MEMORY, lambda turn: 1e8 + turn % 3 * 1e6))
    assert feed.panes() == []
    sightings = [sighting for signal in feed.said for sighting in signal.sightings]
    assert sightings[0].component == Component(name="cart")
    assert sightings[0].metric_classes == ("memory",)
    assert len(sightings) == 3  # at first, and every ten panes
    assert len(feed.said) == 60  # event time is told even when there is nothing else to tell


def test_an_anomaly_is_told_while_its_pane_is_open_with_the_panes_before() -> None:
    feed = Feed()
    feed.scrape(40, (MEMORY, 1e8))
    assert feed.panes() == []
    feed.scrape(1, (MEMORY, 3e8))
    panes = feed.panes()
    assert [pane.start_ms for pane in panes] == [
        T0 + 10 * PANE_MS + pane * PANE_MS for pane in range(11)
    ]
    assert [pane.value for pane in panes] == [1e8] * 10 + [3e8]
    assert panes[-1].samples == 1
    assert panes[-1].z == pytest.approx((3e8 - 1e8) / 5e6)
    assert (panes[-1].center, panes[-1].scale) == (1e8, 5e6)
    assert panes[-1].metric_class == "memory"
    assert panes[-1].series_id == (
        'process_resident_memory_bytes{instance="cart-0:80",job="cart"}'
    )


def test_a_series_is_told_for_ten_panes_after_its_anomaly() -> None:
    feed = Feed()
    feed.scrape(40, (MEMORY, 1e8))
    feed.scrape(2, (MEMORY, 3e8))
    feed.scrape(60, (MEMORY, 1e8))
    feed.flush()
    anomaly = T0 + 20 * PANE_MS
    assert max(pane.start_ms for pane in feed.panes()) == anomaly + 10 * PANE_MS


def test_an_anomalous_value_does_not_become_normal() -> None:
    feed = Feed()
    feed.scrape(40, (MEMORY, 1e8))
    feed.scrape(40, (MEMORY, 3e8))
    assert feed.last(MEMORY.name).center == 1e8
    assert feed.last(MEMORY.name).z > 30


def test_good_news_is_no_anomaly() -> None:
    feed = Feed()
    feed.scrape(40, (MEMORY, 1e8))
    feed.scrape(10, (MEMORY, 1e7))
    assert feed.panes() == []


def test_a_pane_is_told_again_only_with_more_samples() -> None:
    feed = Feed(flush_seconds=0)
    feed.scrape(40, (MEMORY, 1e8))
    feed.scrape(8, (MEMORY, 3e8))
    feed.flush()
    feed.flush()
    told = [(pane.start_ms, pane.samples) for pane in feed.panes()]
    assert len(told) == len(set(told))


def test_signals_are_spaced_by_event_time() -> None:
    reducer = a_reducer(flush_seconds=5)
    said = [
        reducer.handle(a_batch([(MEMORY, T0 + second * 1000, 1.0)]), T0 + second * 1000)
        for second in range(11)
    ]
    assert [bool(signals) for signals in said] == [s % 5 == 0 for s in range(11)]


def test_a_counter_is_read_as_a_rate_across_resets() -> None:
    counter = a_series("orders_failed_total")
    feed = Feed()
    feed.scrape(40, (counter, lambda turn: turn * 15.0))  # 1/s
    # Restarted: 150 since, within 15 s.
    feed.scrape(1, (counter, 150.0))
    assert feed.last(counter.name).value == pytest.approx(10.0)
    assert feed.last(counter.name).center == pytest.approx(1.0)


def test_a_counter_after_a_gap_starts_anew() -> None:
    counter = a_series("orders_failed_total")
    feed = Feed()
    feed.scrape(40, (counter, lambda turn: turn * 15.0))
    feed.now += 400_000
    feed.scrape(1, (counter, 1e9))
    feed.flush()
    assert all(not pane.samples or pane.stale for pane in feed.panes())


def test_deltas_are_read_as_rates() -> None:
    series = a_series("orders_failed", MetricForm.DELTA)
    feed = Feed()
    feed.scrape(40, (series, 15.0))
    feed.scrape(1, (series, 300.0))
    assert feed.last(series.name).center == pytest.approx(1.0)
    assert feed.last(series.name).value == pytest.approx(20.0)


def test_sum_and_count_become_a_mean() -> None:
    total, count = (a_series(f"http_server_requests_seconds_{part}") for part in ("sum", "count"))
    feed = Feed()
    feed.scrape(40, (total, lambda t: t * 15 * 0.1), (count, lambda t: t * 15.0))
    start = 39 * 15 * 0.1, 39 * 15.0
    feed.scrape(1, (total, start[0] + 15 * 2.5), (count, start[1] + 15.0))
    mean = feed.last("http_server_requests_seconds_mean")
    assert mean.value == pytest.approx(2.5)
    assert mean.center == pytest.approx(0.1)
    assert mean.metric_class == "latency"
    assert feed.panes(total.name) == feed.panes(count.name) == []


def test_parts_of_a_mean_may_come_in_messages_of_their_own() -> None:
    total, count = (a_series(f"http_server_requests_seconds_{part}") for part in ("sum", "count"))
    feed = Feed(flush_seconds=0)
    for turn in range(41):
        slow = 15 * 2.4 if turn == 40 else 0
        for series, value in ((total, turn * 15 * 0.1 + slow), (count, turn * 15.0)):
            feed.said += [
                s for _, s in feed.reducer.handle(a_batch([(series, feed.now, value)]), feed.now)
            ]
        feed.now += SCRAPE_MS
    mean = feed.last("http_server_requests_seconds_mean")
    assert mean.value == pytest.approx(2.5)
    assert mean.center == pytest.approx(0.1)


def test_used_and_limit_become_a_ratio_and_holders_come_along() -> None:
    feed = Feed()
    shop, report = by_user("shop"), by_user("report")
    normal = [(CONNECTED, 40.0), (ALLOWED, 200.0), (shop, 35.0), (report, 5.0)]
    feed.scrape(40, *normal)
    assert feed.panes() == []
    feed.scrape(2, (CONNECTED, 199.0), (ALLOWED, 200.0), (shop, 35.0), (report, 164.0))
    ratio = feed.last(f"{CONNECTED.name}/{ALLOWED.name}")
    assert (ratio.value, ratio.center) == (pytest.approx(0.995), pytest.approx(0.2))
    assert ratio.metric_class == "pool"
    assert ratio.component == Component(name="mysql-primary", kind=ComponentKind.DATABASE)
    held = {pane.holder: pane for pane in feed.panes(shop.name)}
    assert held["report"].value == 164.0
    assert held["report"].z > 3
    assert held["shop"].value == 35.0  # its own normal, and yet told
    assert held["shop"].z == 0.0


def test_connections_in_several_states_add_up_to_what_is_used() -> None:
    used = [a_series("pg_stat_activity_count", state=state) for state in ("active", "idle")]
    limit = a_series("pg_settings_max_connections")
    feed = Feed()
    feed.scrape(40, (used[0], 5.0), (used[1], 5.0), (limit, 100.0))
    feed.scrape(2, (used[0], 85.0), (used[1], 10.0), (limit, 100.0))
    ratio = feed.last(f"{used[0].name}/{limit.name}")
    assert (ratio.value, ratio.center) == (pytest.approx(0.95), pytest.approx(0.1))


def test_a_usage_that_is_high_for_ever_comes_along_when_its_component_ails() -> None:
    feed = Feed()
    feed.scrape(40, (CONNECTED, 199.0), (ALLOWED, 200.0), (RUNNING, 5.0))
    feed.scrape(2, (CONNECTED, 199.0), (ALLOWED, 200.0), (RUNNING, 90.0))
    assert feed.last(f"{CONNECTED.name}/{ALLOWED.name}").value == pytest.approx(0.995)


def test_up_is_told_whenever_it_changes() -> None:
    up = a_series("up")
    feed = Feed()
    feed.scrape(4, (up, 1.0))  # too short for a baseline
    feed.scrape(2, (up, 0.0))
    assert feed.last("up").value == 0.0
    assert feed.last("up").metric_class == "availability"


def test_a_new_start_time_is_a_restart() -> None:
    started = a_series("process_start_time_seconds")
    feed = Feed()
    feed.scrape(40, (started, 1.7e9))
    assert feed.panes() == []
    feed.scrape(1, (started, 1.7e9 + 700))
    pane = feed.last(started.name)
    assert pane.metric_class == "restarts"
    assert pane.value == pytest.approx(1 / 15)
    assert pane.z > 3


def test_a_certificate_is_anomalous_when_it_has_expired() -> None:
    expiry = a_series("probe_ssl_earliest_cert_expiry")
    feed = Feed()
    feed.scrape(40, (expiry, T0 / 1000 + 11 * 60))
    assert feed.panes() == []
    feed.scrape(10, (expiry, T0 / 1000 + 11 * 60))
    assert feed.last(expiry.name).z <= -3
    assert feed.last(expiry.name).value < 0


def test_errors_that_appear_late_were_zero_before() -> None:
    failed = a_series("http_server_requests_seconds_count", status="500")
    feed = Feed()
    feed.scrape(40, (MEMORY, 1e8))
    feed.scrape(2, (MEMORY, 1e8), (failed, 30.0))
    pane = feed.last(failed.name)
    assert (pane.metric_class, pane.center) == ("errors", 0.0)
    assert pane.value > 0.3
    assert pane.z > 3
