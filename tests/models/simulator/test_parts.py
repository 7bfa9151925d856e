"""The parts of the simulation that carry a mechanism, each on its own."""

import random

import numpy as np
import pytest
from simpy import Environment
from simpy.events import Event, Timeout

from models.simulator.cpu import Cpu, NodeCpu
from models.simulator.database import Database
from models.simulator.heap import Heap
from models.simulator.kernel import Deadlines, Task
from models.simulator.network import Link, exchange_seconds
from models.simulator.outcome import POOL_TIMED_OUT, TIMED_OUT, TOO_MANY_CONNECTIONS
from models.simulator.pool import Pool
from models.simulator.spans import scramble
from models.simulator.topology import DatabaseSpec, PoolSpec, StatementSpec


def test_waits_end_at_their_common_limit() -> None:
    env, ended = Environment(), []
    deadlines = Deadlines(env, 2.0)

    def wait(start: float) -> None:
        event = Event(env)
        deadlines.limit(event)
        assert event.callbacks is not None
        event.callbacks.append(lambda e: ended.append((start, env.now, e.value)))

    for start in (0.5, 1.0, 4.0):
        Timeout(env, start).callbacks.append(lambda _, s=start: wait(s))
    env.run()
    assert ended == [(0.5, 2.5, TIMED_OUT), (1.0, 3.0, TIMED_OUT), (4.0, 6.0, TIMED_OUT)]


def test_a_crowd_stretches_work_beyond_the_limit_and_is_counted_as_throttling() -> None:
    cpu = Cpu(NodeCpu(4), 1)
    assert cpu.enter(0.0) == 1.0
    assert cpu.enter(0.0) == 2.0
    cpu.leave(10.0)
    cpu.leave(12.0)
    assert cpu.used_seconds == pytest.approx(12.0)
    assert cpu.throttled_seconds == pytest.approx(10.0)


def test_a_hog_on_the_node_stretches_its_containers() -> None:
    node = NodeCpu(4)
    node.burn(16.0, 0.0)
    assert Cpu(node, 2).enter(0.0) == pytest.approx(17.0 / 4.0)


def test_a_full_heap_collects_for_longer_and_more_often() -> None:
    calm, full = Heap(400.0), Heap(400.0)
    for second in range(600):
        calm.allocate(5.0, 5.0, float(second))
        full.allocate(5.0, 240.0, float(second))
    assert calm.collections["full"] == 0
    assert full.pause_seconds["full"] > 10 * calm.pause_seconds["young"]
    assert not full.exhausted


def test_a_heap_without_room_is_exhausted() -> None:
    heap = Heap(400.0)
    heap.leaked = 300.0
    for second in range(50):
        heap.allocate(5.0, 5.0, float(second))
    assert heap.exhausted


def _database(env: Environment, limit: int) -> Database:
    spec = DatabaseSpec(
        name="db",
        engine="mysql",
        schema="s",
        node="n",
        statements={"SELECT t": StatementSpec(text="SELECT", ms=5.0)},
        max_connections=limit,
    )
    return Database(env, spec, NodeCpu(4))


def _pool(env: Environment, database: Database, *, fail_fast: bool = False) -> Pool:
    spec = PoolSpec(size=2, min_idle=0, wait_seconds=3.0, fail_fast=fail_fast)
    return Pool(database, "u", spec, deadlines=Deadlines(env, 3.0), rng=random.Random(1))


@pytest.mark.parametrize(
    ("fail_fast", "outcome", "after"),
    [(False, POOL_TIMED_OUT, 3.0), (True, TOO_MANY_CONNECTIONS, 0.012)],
    ids=["a JVM's pool keeps its caller waiting", "a Go client says so at once"],
)
def test_a_refused_connection_shows_as_the_runtime_shows_it(
    fail_fast: bool, outcome: int, after: float
) -> None:
    env = Environment()
    database = _database(env, 0)
    pool = _pool(env, database, fail_fast=fail_fast)
    seen: list[tuple[float, float]] = []

    def ask():  # type: ignore[no-untyped-def]  # a task's generator
        result = yield from pool.wait()
        seen.append((env.now, -result))

    Task(ask(), Timeout(env, 0.0))
    env.run(until=10.0)
    assert seen == [(pytest.approx(after), float(outcome))]
    assert database.refused >= 1


def test_a_connection_goes_to_the_one_who_waits_longest() -> None:
    env = Environment()
    pool = _pool(env, _database(env, 10))
    served: list[int] = []

    def use(number: int):  # type: ignore[no-untyped-def]  # a task's generator
        connection = pool.take()
        if connection is None:
            connection = yield from pool.wait()
        served.append(number)
        yield Timeout(env, 0.5)
        pool.give_back(connection)

    for number in range(5):
        Task(use(number), Timeout(env, 0.01 * number))
    env.run(until=20.0)
    assert served == [0, 1, 2, 3, 4]
    assert pool.total == 2


def test_a_held_row_lock_makes_statements_queue() -> None:
    env = Environment()
    database, rng = _database(env, 10), random.Random(1)
    database.lock("SELECT t", 1.0)
    times = [database.seconds(rng, "SELECT t", 1.0) for _ in range(3)]
    assert times[0] < times[1] < times[2]
    assert database.lock_waits == 2


def test_a_lossy_link_costs_retransmission_timeouts() -> None:
    rng, good, bad = random.Random(1), Link(), Link()
    bad.impair(loss=0.2)
    clean = [exchange_seconds(rng, good, good) for _ in range(300)]
    lossy = [exchange_seconds(rng, good, bad) for _ in range(300)]
    assert max(clean) < 0.01
    assert np.mean(lossy) > 0.2
    assert bad.retransmitted > 100
    assert good.retransmitted == 0


def test_ids_are_distinct_and_zero_stays_zero() -> None:
    ids = scramble(np.arange(50_000, dtype=np.uint64), 7)
    assert ids[0] == 0
    assert len(np.unique(ids)) == 50_000
