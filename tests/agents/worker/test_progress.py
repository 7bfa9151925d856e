import pytest

from agents.worker.consumer_status import Patience, Phase
from agents.worker.gauges import health_of
from agents.worker.progress import Progress
from agents.worker.standing import Place

PATIENCE = Patience(stuck=60, save=40, behind=60, join=30)


@pytest.fixture
def clock(monkeypatch):
    """The monotonic clock, moved by hand; the wall clock goes with it."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.time", lambda: 1_000_000.0 + now[0])
    return now


def place(partition=0, *, position=0, durable=None, end=0, handled_ms=0, held=None):
    return Place(
        topic="signals",
        partition=partition,
        position=position,
        durable=position if durable is None else durable,
        end=end,
        handled_ms=handled_ms,
        held=held,
    )


def running(*places):
    progress = Progress("correlate", PATIENCE)
    progress.beat(Phase.RUNNING)
    progress.observe(places)
    return progress


def test_an_idle_consumer_is_alive_however_long_nothing_comes(clock):
    progress = running(place())
    for _ in range(1_000):
        clock[0] += 10
        progress.turned()
        progress.observe([place()])
    assert progress.status().alive
    assert progress.status().ready


def test_a_consumer_with_work_that_does_not_move_is_stuck(clock):
    progress = running(place(end=5))
    clock[0] += 59
    progress.turned()
    assert progress.status().alive
    clock[0] += 2
    progress.turned()
    assert progress.status().stuck == "none of 5 waiting records was handled for 61 s"


def test_a_consumer_with_work_that_moves_is_alive_though_its_lag_grows(clock):
    progress = running(place(end=5))
    for n in range(1, 20):
        clock[0] += 50
        progress.turned()
        progress.observe([place(position=n, end=100 * n)])
        assert progress.status().alive


def test_commits_held_back_until_the_next_snapshot_are_no_reason_to_restart(clock):
    progress = running(place(end=1_000))
    for n in range(1, 9):
        clock[0] += 10
        progress.turned()
        progress.observe([place(position=n, durable=0, end=1_000)])
        assert progress.status().alive
    assert progress.status().unsaved == 8


def test_handled_records_that_are_never_saved_are_a_reason_to_restart(clock):
    progress = running(place(end=1_000))
    for n in range(1, 12):
        clock[0] += 10
        progress.turned()
        progress.observe([place(position=n, durable=0, end=1_000)])
    assert progress.status().stuck == (
        "signals/0 has 11 handled records whose offsets were not saved for 110 s"
    )


def test_commits_held_back_for_a_stated_reason_are_no_reason_to_restart(clock):
    progress = running(place(end=1_000))
    for n in range(1, 100):
        clock[0] += 10
        progress.turned()
        progress.observe([place(position=n, durable=0, end=1_000, held="too large")])
        assert progress.status().alive


def test_one_partition_that_is_passed_over_while_others_move_is_found(clock):
    progress = running(place(0, end=5), place(1, end=5))
    for n in range(1, 8):
        clock[0] += 10
        progress.turned()
        progress.observe([place(0, position=n, end=100), place(1, end=5)])
    assert (
        progress.status().stuck == "signals/1 has 5 waiting records and was passed over for 70 s"
    )


def test_a_partition_that_waits_for_its_turn_behind_a_slow_one_is_not_stuck(clock):
    progress = running(place(0, end=500), place(1, end=5))
    for n in range(1, 100):
        clock[0] += 10  # one long turn: the consumer is at the records of partition 0
        progress.moved()
        progress.observe([place(0, position=n, end=500), place(1, end=5)])
        assert progress.status().alive


def test_work_that_comes_after_a_long_silence_is_given_its_time(clock):
    progress = running(place())
    clock[0] += 10_000
    progress.turned()
    progress.observe([place(end=5)])
    assert progress.status().alive


def test_a_loop_that_hangs_is_stuck_even_without_work(clock):
    progress = running(place())
    clock[0] += 61
    progress.kafka(answers=True)
    progress.observe([place()])
    assert progress.status().stuck == "its loop has not gone round for 61 s"


def test_waiting_for_kafka_is_alive_and_not_ready(clock):
    progress = Progress("reduce", PATIENCE)
    for _ in range(100):
        clock[0] += 2
        progress.beat(Phase.WAITING)
    assert progress.status().alive
    assert not progress.status().ready


def test_a_broker_that_does_not_answer_is_not_the_consumers_fault(clock):
    progress = running(place(end=5))
    for _ in range(100):
        clock[0] += 10
        progress.turned()
        progress.kafka(answers=False)
    assert progress.status().phase is Phase.WAITING
    assert progress.status().alive
    progress.kafka(answers=True)
    progress.observe([place(end=5)])
    assert progress.status().alive, "the time without a broker is not counted"
    clock[0] += 61
    progress.turned()
    assert not progress.status().alive


def test_a_consumer_that_never_becomes_a_member_is_stuck(clock):
    progress = Progress("reduce", PATIENCE)
    progress.beat(Phase.JOINING)
    for _ in range(9):
        assert progress.status().alive
        clock[0] += 10
        progress.beat(Phase.JOINING)
    assert progress.status().stuck == "it has not become a member of its group for 90 s"


def test_a_consumer_that_joins_again_and_again_and_handles_nothing_is_stuck(clock):
    progress = running(place(end=5))
    for _ in range(60):
        clock[0] += 10
        progress.beat(Phase.JOINING)
        progress.beat(Phase.RUNNING)
    assert not progress.status().alive


def test_a_consumer_that_is_far_behind_is_alive_and_not_ready(clock):
    progress = running(place(end=5_000))
    handled = round((1_000_000 + clock[0] - 100) * 1000)
    clock[0] += 1
    progress.observe([place(position=10, end=5_000, handled_ms=handled)])
    status = progress.status()
    assert status.alive
    assert status.unready is not None
    assert status.unready.startswith("not caught up: the last handled record is 101 s old; ")
    progress.observe([place(position=5_000, end=5_000, handled_ms=handled)])
    assert progress.status().ready


def test_health_says_what_is_wrong_in_a_sentence(clock):
    progress = running(place(end=5))
    health = health_of(lambda: [progress.status()], ["correlate"])
    assert health.live["correlate"]() is None
    assert health.ready["correlate"]() is None
    clock[0] += 61
    progress.beat()
    assert health.live["correlate"]() == (
        "stuck: none of 5 waiting records was handled for 61 s; correlate: running, 1 partitions, "
        "5 records behind, last sign of life 0 s ago, last progress 61 s ago"
    )
