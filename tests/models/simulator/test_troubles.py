"""What goes wrong with single requests, each mechanism on its own."""

import random
from collections.abc import Callable

import pytest
from simpy import Environment
from simpy.events import Timeout

from models.simulator.cpu import Cpu, NodeCpu
from models.simulator.faults_node import FailOnNode
from models.simulator.kernel import Steps, Task
from models.simulator.node import Node
from models.simulator.outcome import (
    DENIED,
    LIMITED,
    NO_SPACE,
    NULL_POINTER,
    OK,
    RESET,
    SERVER_ERROR,
    UNAUTHORISED,
    response_to,
)
from models.simulator.process import Process
from models.simulator.service import Pod, Service
from models.simulator.topology import NodeSpec, ServiceSpec
from models.simulator.trouble import KILLED, NEVER, Gate, Trouble
from models.simulator.trouble_code import (
    EndProgram,
    LoopForever,
    OneAtATime,
    Quota,
    Throw,
    UseUp,
    WaitForGood,
)
from models.simulator.trouble_runtime import Burden, Linger, OutliveWorker, WaitForInterpreter
from models.simulator.work import Work


def _process(env: Environment) -> Process:
    node = Node(env, NodeSpec(name="n", address="10.0.0.1"))
    service = Service(ServiceSpec(name="s", runtime="go", endpoints={}))
    return Process(env, Pod(service, "s-1", node, "10.1.0.1"), Cpu(node.cpu, 1))


def _enter(
    trouble: Trouble, process: Process, count: int, gap: float = 0.0, endpoint: str = "GET /a"
) -> list[tuple[float, int]]:
    """Let requests enter one after the other; return when each came through, and how."""
    env, ended = process.env, []

    def one() -> Steps:
        outcome = yield from trouble.enter(Work(process, 0, 0), endpoint)
        ended.append((env.now, outcome))
        return outcome

    for number in range(count):
        Task(one(), Timeout(env, number * gap))
    env.run(until=1000.0)
    return ended


def test_an_exception_hits_its_endpoint_alone() -> None:
    throw = Throw(rng=random.Random(1), share=1.0, endpoint="GET /a", outcome=NULL_POINTER)
    process = _process(Environment())
    assert [o for _, o in _enter(throw, process, 3)] == [NULL_POINTER] * 3
    assert process.logged_errors == 3
    others = _enter(throw, _process(Environment()), 3, endpoint="GET /b")
    assert [outcome for _, outcome in others] == [OK] * 3


def test_a_loop_keeps_its_thread_and_a_processor() -> None:
    process = _process(Environment())
    (ended,) = _enter(LoopForever(rng=random.Random(1), share=1.0), process, 1)
    assert ended[1] == NEVER
    assert process.cpu.running == 1


def test_a_common_lock_lets_one_through_after_the_other() -> None:
    process = _process(Environment())
    ended = _enter(OneAtATime(seconds=2.0), process, 3)
    assert [now for now, _ in ended] == pytest.approx([2.0, 4.0, 6.0])
    assert process.blocked_seconds == pytest.approx(2.0 + 4.0)
    assert process.blocked == 0


def test_a_channel_nobody_reads_takes_as_many_as_it_has_room_for() -> None:
    trouble = WaitForGood(rng=random.Random(1), share=1.0, room=2)
    process = _process(Environment())
    assert [outcome for _, outcome in _enter(trouble, process, 4)] == [OK, OK, NEVER, NEVER]
    assert process.blocked == 2


def test_what_is_kept_runs_out() -> None:
    trouble = UseUp(resource="files", amount=10.0, limit=25.0, mb=1.0)
    process = _process(Environment())
    outcomes = sorted(outcome for _, outcome in _enter(trouble, process, 4, gap=1.0))
    assert outcomes == [OK, OK, SERVER_ERROR, SERVER_ERROR]
    assert process.used["files"] == 20.0
    assert process.grown_mb == 4.0


def test_a_quota_lets_its_rate_through_and_answers_429_to_the_rest() -> None:
    ended = _enter(
        Quota(rate=1.0, burst=1.0, outcome=LIMITED), _process(Environment()), 100, gap=0.25
    )
    passed = sum(outcome == OK for _, outcome in ended)
    assert 23 <= passed <= 27
    assert response_to(LIMITED) == 429


def test_a_deadly_request_ends_its_program() -> None:
    process = _process(Environment())
    ended: list[Process] = []
    _enter(EndProgram(rng=random.Random(1), share=1.0, end=ended.append), process, 1)
    assert ended == [process]


def test_a_worker_is_ended_with_the_request_that_outlives_it() -> None:
    process = _process(Environment())
    trouble = OutliveWorker(rng=random.Random(1), share=1.0, seconds=3.0)
    assert _enter(trouble, process, 1) == [(3.0, KILLED)]
    assert process.worker_kills == 1


@pytest.mark.parametrize(
    ("make", "grows"),
    [
        (lambda: Linger(resource="goroutines", amount=7.0, mb=0.5), "goroutines"),
        (lambda: Burden(rng=random.Random(1), seconds=0.1, body_mb=7.0), "body"),
    ],
)
def test_what_requests_leave_behind_adds_up(make: Callable[[], Trouble], grows: str) -> None:
    process = _process(Environment())
    assert [outcome for _, outcome in _enter(make(), process, 3, gap=1.0)] == [OK] * 3
    assert process.used[grows] == 21.0


def test_a_burden_that_needs_a_full_resource_weighs_nothing_before() -> None:
    burden = Burden(
        rng=random.Random(1), seconds=5.0, resource="code_cache", amount=1.0, limit=2.0
    )
    ended = _enter(burden, _process(Environment()), 4, gap=100.0)
    assert [now % 100.0 > 0.5 for now, _ in ended] == [False, False, True, True]


def test_threads_of_one_interpreter_wait_longer_the_more_they_are() -> None:
    calm, crowded = _process(Environment()), _process(Environment())
    crowded.busy = 9
    waits = [
        _enter(WaitForInterpreter(rng=random.Random(1), seconds=0.2), process, 1)[0][0]
        for process in (calm, crowded)
    ]
    assert waits[1] == pytest.approx(10.0 * waits[0])


def test_what_fails_on_one_machine_works_on_another() -> None:
    process = _process(Environment())
    other = Node(process.env, NodeSpec(name="m", address="10.0.0.2"))
    assert _enter(FailOnNode(node=other, outcome=DENIED), process, 1)[0][1] == OK
    process = _process(Environment())
    assert _enter(FailOnNode(node=process.pod.node, outcome=DENIED), process, 1)[0][1] == DENIED
    assert response_to(DENIED) == UNAUTHORISED


def test_a_disk_fails_writers_only_once_it_is_full() -> None:
    process = _process(Environment())
    node = process.pod.node
    node.disk_fill_per_second = 0.05
    trouble = FailOnNode(node=node, outcome=NO_SPACE, disk_used=0.98)
    ended = sorted(_enter(trouble, process, 4, gap=5.0))
    assert [outcome for _, outcome in ended] == [OK, OK, OK, NO_SPACE]


def test_a_gate_stops_requests_or_replaces_answers() -> None:
    rng = random.Random(1)
    assert Gate(stopped=RESET).stop(rng) == RESET
    assert Gate(stopped=RESET).answer(rng, OK) == OK
    assert Gate(replaced=503).stop(rng) == OK
    assert Gate(replaced=503).answer(rng, OK) == 503
    assert Gate(replaced=503).answer(rng, 500) == 500
    stopped = sum(Gate(stopped=RESET, share=0.3).stop(rng) == RESET for _ in range(1000))
    assert 250 < stopped < 350


def test_a_lowered_limit_stretches_work_and_counts_as_throttling() -> None:
    cpu = Cpu(NodeCpu(4), 1)
    cpu.squeeze(0.1, 0.0)
    assert cpu.enter(0.0) == pytest.approx(10.0)
    cpu.leave(10.0)
    assert cpu.used_seconds == pytest.approx(1.0)
    assert cpu.throttled_seconds == pytest.approx(9.0)


def test_what_the_host_withholds_stretches_everything_on_the_machine() -> None:
    node = NodeCpu(4)
    node.steal(0.9, 0.0)
    assert Cpu(node, 1).enter(0.0) == pytest.approx(10.0)
    node.settle(10.0)
    assert node.busy_seconds == pytest.approx(1.0)
