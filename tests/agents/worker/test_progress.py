import pytest

from agents.worker.gauges import health_of
from agents.worker.progress import Phase, Progress

TP = ("signals", 0)


@pytest.fixture
def clock(monkeypatch):
    """The monotonic clock, moved by hand."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def running(clock, lag):
    progress = Progress("correlate", stuck_seconds=60)
    progress.beat(Phase.RUNNING)
    progress.set_lag({TP: lag})
    return progress


def test_an_idle_consumer_is_alive_however_long_nothing_comes(clock):
    progress = running(clock, lag=0)
    clock[0] += 10_000
    progress.beat()
    assert progress.status().alive


def test_a_consumer_with_work_that_does_not_move_is_stuck(clock):
    progress = running(clock, lag=5)
    clock[0] += 59
    progress.beat()
    assert progress.status().alive
    clock[0] += 2
    progress.beat()
    assert not progress.status().alive


def test_a_consumer_with_work_that_moves_is_alive(clock):
    progress = running(clock, lag=5)
    for _ in range(10):
        clock[0] += 50
        progress.moved()
        progress.set_lag({TP: 5})
        assert progress.status().alive


def test_work_that_comes_after_a_long_silence_is_given_its_time(clock):
    progress = running(clock, lag=0)
    clock[0] += 10_000
    progress.beat()
    progress.set_lag({TP: 5})
    assert progress.status().alive


def test_a_loop_that_hangs_is_stuck_even_without_work(clock):
    progress = running(clock, lag=0)
    clock[0] += 61
    assert not progress.status().alive


def test_waiting_for_kafka_is_alive_and_not_ready(clock):
    progress = Progress("reduce", stuck_seconds=60)
    for _ in range(100):
        clock[0] += 2
        progress.beat(Phase.WAITING)
    assert progress.status().alive
    assert not progress.status().ready


def test_health_says_what_is_wrong_in_a_sentence(clock):
    progress = running(clock, lag=5)
    health = health_of(lambda: [progress.status()], ["correlate"])
    assert health.live["correlate"]() is None
    assert health.ready["correlate"]() is None
    clock[0] += 61
    assert health.live["correlate"]() == (
        "stuck; correlate: running, 1 partitions, 5 records behind, last sign of life 61 s ago, "
        "last progress 61 s ago"
    )
