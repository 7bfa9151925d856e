"""Repeats, staleness, limits and snapshots of the metric reducer."""

import math

import pytest

from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.metrics import MetricReducer
from schemas.codecs.signals import decode_signal, encode_signal
from schemas.resolve import Resolver, ResolverConfig
from tests.pipeline.reduce.metric_feeds import (
    MEMORY,
    RUNNING,
    SCRAPE_MS,
    T0,
    Feed,
    a_batch,
    a_reducer,
    a_series,
    by_user,
)


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


def test_a_series_that_often_rests_is_missed_only_after_longer() -> None:
    threads = a_series("go_goroutines")
    feed = Feed()
    for _ in range(40):
        feed.scrape(1, (MEMORY, 1e8), (threads, 50.0))
        feed.scrape(9, (MEMORY, 1e8))
    assert feed.panes() == []
    feed.scrape(12, (MEMORY, 1e8))
    assert [(pane.metric, pane.stale) for pane in feed.panes()] == [("go_goroutines", True)]
