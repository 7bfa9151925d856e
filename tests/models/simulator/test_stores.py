"""What can be wrong with databases, volumes, caches and brokers, each on its own."""

import random

import pytest
from simpy import Environment

from models.simulator.broker import Broker, Delivered, Group
from models.simulator.cache import Cache
from models.simulator.cpu import NodeCpu
from models.simulator.database import LOCK_WAIT_SECONDS, Database
from models.simulator.external import External
from models.simulator.outcome import (
    ABORTED,
    ACCESS_DENIED,
    LOCK_TIMED_OUT,
    NO_SPACE,
    OK,
    READ_ONLY,
    REFUSED,
    RESET,
    TIMED_OUT,
    TOO_MANY_REQUESTS,
)
from models.simulator.topology import (
    BrokerSpec,
    CacheServerSpec,
    DatabaseSpec,
    ExternalSpec,
    StatementSpec,
)
from models.simulator.volume import Volume

READ, WRITE = "SELECT t", "UPDATE t"


def _database(env: Environment) -> Database:
    statement = StatementSpec(text="", ms=5.0, spread=0.01)
    spec = DatabaseSpec(
        name="db",
        engine="postgres",
        schema="s",
        node="n",
        statements={READ: statement, WRITE: statement},
        max_connections=10,
    )
    return Database(env, spec, NodeCpu(4))


def test_a_server_that_is_down_refuses_and_breaks_what_was_open() -> None:
    database, rng = _database(Environment()), random.Random(1)
    assert database.connect("u")
    database.condition.crash()
    assert not database.connect("u")
    assert database.refusal == REFUSED
    assert database.verdict(rng, READ) == RESET
    assert database.refused == 0, "its counters know nothing of connections it never saw"


def test_only_the_user_whose_password_changed_is_denied() -> None:
    database = _database(Environment())
    database.condition.denied.add("u")
    assert not database.connect("u")
    assert database.refusal == ACCESS_DENIED
    assert database.connect("v")


def test_a_user_who_does_not_reach_the_server_times_out() -> None:
    database = _database(Environment())
    database.reaches = lambda user: user != "u"
    assert not database.connect("u")
    assert database.refusal == TIMED_OUT


def test_what_takes_no_writes_still_reads() -> None:
    database, rng = _database(Environment()), random.Random(1)
    database.condition.read_only = True
    assert database.verdict(rng, WRITE) == READ_ONLY
    assert database.verdict(rng, READ) == OK


def test_a_full_volume_takes_no_writes() -> None:
    env, rng = Environment(), random.Random(1)
    database = _database(env)
    database.volume.fill(0.1)
    assert database.verdict(rng, WRITE) == OK
    env.run(until=10.0)
    assert database.verdict(rng, WRITE) == NO_SPACE
    assert database.verdict(rng, READ) == OK


def test_a_held_table_makes_its_statements_wait_and_fail() -> None:
    database, rng = _database(Environment()), random.Random(1)
    database.condition.held = {WRITE}
    assert database.seconds(rng, WRITE, 1.0) > LOCK_WAIT_SECONDS
    assert database.verdict(rng, WRITE) == LOCK_TIMED_OUT
    assert database.seconds(rng, READ, 1.0) < 0.1


def test_deadlocks_end_a_share_of_the_writes_and_are_counted() -> None:
    database, rng = _database(Environment()), random.Random(1)
    database.condition.deadlocking = 0.5
    ends = [database.verdict(rng, WRITE) for _ in range(200)]
    assert 60 < ends.count(ABORTED) < 140
    assert database.condition.deadlocks == ends.count(ABORTED)


def test_commits_wait_for_a_standby_that_falls_behind() -> None:
    env, rng = Environment(), random.Random(1)
    database = _database(env)
    database.condition.fall_behind(0.5, 1.0)
    env.run(until=100.0)
    assert database.condition.lag_seconds == pytest.approx(50.2)
    assert database.seconds(rng, WRITE, 1.0) > 1.0 > database.seconds(rng, READ, 1.0)


def test_pages_that_are_not_in_memory_cost_time() -> None:
    database, rng = _database(Environment()), random.Random(1)
    warm = database.seconds(rng, READ, 1.0)
    database.condition.missing = 0.8
    assert database.seconds(rng, READ, 1.0) > 20.0 * warm
    assert database.condition.pages_read > 0.3 * database.condition.pages_asked


def test_a_healthy_volume_costs_nothing_extra_and_a_slow_one_does() -> None:
    volume = Volume(Environment())
    assert volume.wait(10.0) == 0.0
    volume.slowness = 100.0
    assert volume.wait(10.0) == pytest.approx(0.594)


def test_operations_over_the_limit_queue() -> None:
    volume = Volume(Environment())
    volume.limit = 10.0
    assert [round(volume.wait(1.0), 1) for _ in range(3)] == [0.1, 0.2, 0.3]
    assert volume.throttled == 3


def _cache() -> Cache:
    return Cache(CacheServerSpec(name="c", node="n"), NodeCpu(4))


def test_a_stalled_cache_keeps_every_command_waiting_until_it_goes_on() -> None:
    cache = _cache()
    assert cache.queue(5.0) == 0.0
    cache.stalled_until = 7.0
    assert cache.queue(5.0) == 2.0
    assert cache.queue(8.0) == 0.0


def test_one_thread_with_too_much_to_do_makes_a_queue_that_grows() -> None:
    cache = _cache()
    cache.serial_seconds = 0.1
    waits = [cache.queue(0.05 * i) for i in range(8)]
    assert waits == sorted(waits)
    assert waits[-1] > 0.4


def test_a_cache_that_takes_no_writes_still_reads() -> None:
    cache, rng = _cache(), random.Random(1)
    cache.writable = NO_SPACE
    assert cache.verdict(rng, "SET") == NO_SPACE
    assert cache.verdict(rng, "GET") == OK
    assert cache.write_errors == 1


def _broker() -> Broker:
    return Broker(Environment(), BrokerSpec(name="b", node="n", topics=("t",)), NodeCpu(4))


def test_brokers_that_are_gone_acknowledge_nothing() -> None:
    broker, rng = _broker(), random.Random(1)
    assert broker.verdict(rng) == OK
    broker.online = 0
    assert broker.verdict(rng) == TIMED_OUT
    assert broker.failed() == 1.0


def _group(messages: int) -> Group:
    group = Group("g", "t")
    for i in range(messages):
        group.offer(Delivered(i, 0, 0.0))
    return group


def test_a_paused_group_hands_out_nothing_and_loses_nothing() -> None:
    group = _group(3)
    group.pause()
    group.offer(Delivered(9, 0, 0.0))
    assert (len(group.messages), group.lag) == (0, 4)
    group.resume()
    assert [message.trace for message in group.messages] == [0, 1, 2, 9]


def test_between_two_rebalances_a_few_messages_get_through() -> None:
    group = _group(5)
    group.rebalance(2)
    assert [message.trace for message in group.messages] == [0, 1]
    group.offer(Delivered(9, 0, 0.0))
    group.rebalance(1)
    assert (len(group.messages), group.lag, group.rebalances) == (1, 6, 2)


def test_messages_of_the_hot_partition_come_one_by_one() -> None:
    group = Group("g", "t")
    group.hot_share = 0.8
    for i in range(50):
        group.offer(Delivered(i, 0, 0.0))
    free = len(group.messages)
    assert 5 <= free <= 15
    group.release()
    assert len(group.messages) == free + 1


def test_a_third_party_answers_as_many_requests_as_it_allows() -> None:
    external, rng = External(ExternalSpec(host="h", error_ratio=0.0)), random.Random(1)
    external.allowed = 2.0
    ends = [external.answer(rng, 0.1 * i)[1] for i in range(100)]
    assert 15 <= ends.count(OK) <= 25
    assert ends.count(TOO_MANY_REQUESTS) == 100 - ends.count(OK)
