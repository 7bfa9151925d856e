"""The metric reducer: what it says about series that leave their normal, and when."""

import math
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.metrics import MetricReducer
from schemas.codecs.signals import decode_signal, encode_signal
from schemas.component import Component, ComponentKind
from schemas.resolve import Resolver, ResolverConfig
from schemas.signal import SeriesPane, TelemetrySignal
from schemas.telemetry import MetricBatch, MetricForm, Series, labels_of

T0 = 1_700_000_010_000
PANE_MS = 30_000
SCRAPE_MS = 15_000
Sample = tuple[Series, int, float]


def a_series(name: str, form: MetricForm = MetricForm.UNKNOWN, **labels: str) -> Series:
    return Series(
        name=name, labels=labels_of({"job": "cart", "instance": "cart-0:80"} | labels), form=form
    )


def a_batch(samples: Iterable[Sample]) -> MetricBatch:
    rows = list(samples)
    table = list(dict.fromkeys(series for series, _, _ in rows))
    return MetricBatch(
        series=np.array([table.index(series) for series, _, _ in rows], np.int32),
        time_ms=np.array([time for _, time, _ in rows], np.int64),
        value=np.array([value for _, _, value in rows], np.float64),
        table=tuple(table),
    )


def a_reducer(**config: float) -> MetricReducer:
    return MetricReducer("m-0", Resolver(ResolverConfig()), ReduceConfig(**config))


class Feed:
    """Scrapes some series every 15 s and gathers what the reducer says."""

    def __init__(self, **config: float) -> None:
        self.reducer = a_reducer(**config)
        self.now = T0
        self.said: list[TelemetrySignal] = []

    def scrape(self, times: int, *values: tuple[Series, float | Callable[[int], float]]) -> None:
        for turn in range(times):
            rows = [(s, self.now, v(turn) if callable(v) else v) for s, v in values]
            self.said += [s for _, s in self.reducer.handle(a_batch(rows), self.now)]
            self.now += SCRAPE_MS

    def flush(self) -> None:
        self.said += [signal for _, signal in self.reducer.flush()]

    def panes(self, metric: str | None = None) -> list[SeriesPane]:
        panes = [pane for signal in self.said for pane in signal.series]
        return [pane for pane in panes if metric in (None, pane.metric)]

    def last(self, metric: str) -> SeriesPane:
        return self.panes(metric)[-1]


MEMORY = a_series("process_resident_memory_bytes")


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


MYSQL = {"job": "mysql", "instance": "mysql-primary:9104"}
CONNECTED = a_series("mysql_global_status_threads_connected", **MYSQL)
ALLOWED = a_series("mysql_global_variables_max_connections", **MYSQL)
RUNNING = a_series("mysql_global_status_threads_running", **MYSQL)


def by_user(user: str) -> Series:
    return a_series("mysql_info_schema_processlist_threads", user=user, **MYSQL)


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


@pytest.mark.parametrize("late", [0, 1, 7_000])
def test_repeats_and_stragglers_change_nothing(late: int) -> None:
    feed = Feed()
    feed.scrape(40, (MEMORY, 1e8))
    feed.reducer.handle(a_batch([(MEMORY, feed.now - SCRAPE_MS - late, 9e9)]), feed.now)
    assert feed.panes() == []
    assert feed.reducer.stats()["ignored"] == 1


def test_a_stale_marker_is_told_once() -> None:
    feed = Feed()
    feed.scrape(40, (MEMORY, 1e8))
    feed.scrape(3, (MEMORY, math.nan))
    feed.flush()
    assert [(pane.stale, pane.value) for pane in feed.panes()] == [(True, 1e8)]


def test_the_nan_of_a_summary_without_observations_is_no_stale_marker() -> None:
    quantile = a_series("rpc_duration_seconds", quantile="0.99")
    feed = Feed()
    feed.scrape(40, (quantile, 0.1))
    feed.scrape(2, (quantile, math.nan))
    assert feed.panes() == []


def test_a_series_that_stops_while_its_siblings_go_on_is_stale() -> None:
    threads = a_series("go_goroutines")
    feed = Feed()
    feed.scrape(40, (MEMORY, 1e8), (threads, 50.0))
    feed.scrape(6, (MEMORY, 1e8))
    assert feed.panes() == []
    feed.scrape(2, (MEMORY, 1e8))
    assert [(pane.metric, pane.stale) for pane in feed.panes()] == [("go_goroutines", True)]
    feed.scrape(2, (MEMORY, 1e8), (threads, 500.0))
    assert not feed.last("go_goroutines").stale


def test_a_holder_that_leaves_is_not_stale() -> None:
    feed = Feed()
    feed.scrape(40, (RUNNING, 5.0), (by_user("report"), 5.0))
    feed.scrape(20, (RUNNING, 5.0))
    assert feed.panes() == []


def test_a_component_that_falls_silent_while_others_speak_is_stale() -> None:
    other = a_series("process_resident_memory_bytes", job="stock", instance="stock-0:80")
    feed = Feed()
    feed.scrape(40, (MEMORY, 1e8), (other, 1e8))
    feed.scrape(12, (other, 1e8))
    assert [(p.component.name, p.stale) for p in feed.panes()] == [("cart", True)]


def test_when_everything_is_silent_nothing_is_stale() -> None:
    feed = Feed()
    feed.scrape(40, (MEMORY, 1e8))
    feed.now += 3_600_000
    feed.scrape(1, (MEMORY, 1e8))
    assert feed.panes() == []


def an_id(shard: int) -> str:
    return f'go_goroutines{{instance="cart-0:80",job="cart",shard="{shard}"}}'


def test_the_longest_silent_series_make_room() -> None:
    feed = Feed(series_limit=16)
    old = [a_series("go_goroutines", shard=str(n)) for n in range(16)]
    feed.scrape(40, *((series, 50.0) for series in old[1:]), (old[0], 50.0))
    feed.scrape(1, *((series, 50.0) for series in old[1:]))
    feed.scrape(1, (a_series("go_goroutines", shard="new"), 50.0))
    assert feed.reducer.stats()["series"] == 16
    assert feed.reducer.stats()["series_evicted"] == 1
    # Shard 0 comes back and takes the place of shard 1, which has to wait.
    feed.scrape(1, *((series, 900.0) for series in old))
    told = {pane.series_id for pane in feed.panes()}
    assert told == {an_id(n) for n in range(2, 16)}


def test_more_series_in_a_batch_than_there_is_room_for() -> None:
    feed = Feed(series_limit=16)
    for turn in range(30):
        shards = [(turn * 7 + n) % 90 for n in range(40)]
        feed.scrape(
            1, *((a_series("jvm_gc_pause_seconds_sum", shard=str(n)), 1.0) for n in shards)
        )
        feed.scrape(
            1, *((a_series("jvm_gc_pause_seconds_count", shard=str(n)), 1.0) for n in shards)
        )
    assert feed.reducer.stats()["series"] <= 16
    assert feed.reducer.stats()["series_evicted"] > 16


def test_series_beyond_the_component_limit_are_ignored() -> None:
    feed = Feed(component_limit=1)
    feed.scrape(2, (MEMORY, 1.0), (a_series("up", job="b", instance="b-0:1"), 1.0))
    assert {s.component.name for signal in feed.said for s in signal.sightings} == {"cart"}


def test_servicegraph_metrics_declare_edges() -> None:
    labels = {"client": "cart", "server": "stock", "connection_type": ""}
    edge = a_series("traces_service_graph_request_total", **labels)
    database = a_series(
        "traces_service_graph_request_total",
        client="stock",
        server="mysql",
        connection_type="database",
    )
    feed = Feed()
    feed.scrape(60, (edge, float), (database, float))
    declared = [d for signal in feed.said for d in signal.declared]
    assert {(d.caller.name, d.callee.name, d.callee.kind.value, d.source) for d in declared} == {
        ("cart", "stock", "service", "servicegraph"),
        ("stock", "mysql", "database", "servicegraph"),
    }
    assert len(declared) == 6  # at first, and every ten panes


def test_istio_requests_declare_edges_and_are_series() -> None:
    labels = {"source_workload": "cart", "destination_workload": "stock"}
    feed = Feed()
    feed.scrape(2, (a_series("istio_requests_total", **labels), float))
    (declared,) = (d for signal in feed.said for d in signal.declared)
    assert (declared.caller.name, declared.callee.name, declared.source) == (
        "cart",
        "stock",
        "istio",
    )


def test_a_component_is_seen_on_its_node_for_as_long_as_it_runs_there() -> None:
    feed = Feed()
    for node, pod_name in (
        ("node-a", "cart-6b8d5c7f9d-x2x4z"),
        ("node-b", "cart-6b8d5c7f9d-m7m9p"),
    ):
        pod = a_series("go_goroutines", pod=pod_name, node=node)
        feed.scrape(60, (pod, 50.0))
    seen = [s for signal in feed.said for s in signal.sightings if s.component.name == "cart"]
    assert [[node.name for node in s.runs_on] for s in seen] == [
        *[["node-a"]] * 3,
        ["node-a", "node-b"],
        *[["node-b"]] * 2,
    ]


def test_environments_are_kept_apart() -> None:
    resolver = Resolver(ResolverConfig(environment_labels=("env",)))
    reducer = MetricReducer("m-0", resolver, ReduceConfig())
    rows = [(a_series("up", env=env), T0 + at, 1.0) for env, at in (("a", 0), ("b", 9000))]
    said = reducer.handle(a_batch(rows), T0 + 9000)
    assert [(env, signal.observed_ms) for env, signal in said] == [("a", T0), ("b", T0 + 9000)]


def test_event_time_is_believed_only_a_little_ahead_of_the_arrival() -> None:
    said = a_reducer().handle(a_batch([(MEMORY, T0 + 200_000, 1.0)]), T0)
    assert [signal.observed_ms for _, signal in said] == [T0 + 5000]


def test_an_empty_batch_says_nothing() -> None:
    assert a_reducer().handle(a_batch([]), T0) == []
    assert a_reducer().flush() == []


def test_long_signals_are_cut() -> None:
    many = [a_series("go_goroutines", shard=str(n)) for n in range(25)]
    feed = Feed(panes_per_signal=10)
    feed.scrape(14, *((series, 50.0) for series in many))
    before = len(feed.said)
    feed.scrape(1, *((series, 900.0) for series in many))
    assert all(len(signal.series) <= 10 for signal in feed.said)
    assert len(feed.said) - before == math.ceil(25 * 8 / 10)


def test_a_broken_snapshot_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"no MetricState .* start from the committed offset"):
        a_reducer().restore(b"nonsense")


@pytest.mark.parametrize("key", ["pane_seconds", "history_panes"])
def test_a_snapshot_of_another_layout_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=f"written with reduce.{key} = .* without the snapshot"):
        a_reducer().restore(a_reducer(**{key: 20}).snapshot())


def test_a_snapshot_with_more_series_than_the_limit_now_allows_is_taken_over() -> None:
    feed = Feed()
    many = [(a_series("go_goroutines", shard=str(n)), 50.0) for n in range(40)]
    feed.scrape(10, *many)
    smaller = a_reducer(series_limit=16)
    smaller.restore(feed.reducer.snapshot())
    assert smaller.stats()["series"] == 40
    smaller.handle(a_batch([(a_series("go_goroutines"), feed.now, 1.0)]), feed.now)
    assert smaller.stats()["series"] == 40


def test_a_flush_with_no_news_says_nothing() -> None:
    feed = Feed()
    feed.scrape(20, (MEMORY, 1e8))
    assert feed.reducer.flush() == []


@pytest.mark.parametrize("wild", [math.inf, -math.inf, 1.7976931348623157e308, -1e300])
def test_a_value_beyond_all_measure_is_no_sample(wild):
    reducer, series = a_reducer(), a_series("cpu_usage")
    said = []
    for i in range(240):
        at_ms = T0 + i * SCRAPE_MS
        value = 0.5 + 0.01 * (i % 3) if i < 200 else wild
        said += reducer.handle(a_batch([(series, at_ms, value)]), at_ms)
    for _, signal in [*said, *reducer.flush()]:
        assert decode_signal(encode_signal(signal)) == signal
        assert all(not p.value or abs(p.value) < 1 for p in signal.series)
