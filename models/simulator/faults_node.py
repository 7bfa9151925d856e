"""Faults of machines: they vanish, fill up, run late, or are kept short by their host."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from simpy.events import Event, Timeout

from models.simulator import victims
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.kernel import Steps, Task
from models.simulator.node import Node
from models.simulator.outcome import DENIED, NO_SPACE, OK
from models.simulator.service import Pod
from models.simulator.work import Work
from models.simulator.workload import replace, start_again
from models.simulator.world import World

GRACE_SECONDS = 40.0
FAIL_SECONDS = 0.003
FULL_SHARE = 0.985
Inject = Callable[[Injection], Injected]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailOnNode:
    """Requests fail in the pods of one machine, once its disk is so full."""

    node: Node
    outcome: int
    disk_used: float = 0.0

    def enter(self, work: Work, endpoint: str) -> Steps:
        """Fail if the pod is there."""
        del endpoint
        node = work.process.pod.node
        if node is not self.node:
            return OK
        node.settle(node.env.now)
        if node.disk_used < self.disk_used:
            return OK
        yield Timeout(node.env, FAIL_SECONDS)
        work.process.logged_errors += 1
        return self.outcome


def pods_on(node: Node) -> list[Pod]:
    """Return the pods that are on a machine now."""
    return [pod for pod in node.pods if not pod.deleted]


def _after(world: World, seconds: float, act: Callable[[], None]) -> None:
    """Do something after a while."""

    def run() -> Generator[Event, Any, None]:
        act()
        return
        yield  # a generator, as tasks are

    Task(run(), Timeout(world.env, seconds))


def _vanish(injection: Injection) -> Injected:
    """Let a machine go: its pods hang, are missed after a while and come up elsewhere."""
    world, node = injection.world, injection.world.nodes[injection.target]
    node.up = node.kubelet_up = node.schedulable = False
    for pod in pods_on(node):
        if pod.process is not None:
            pod.process.freeze()

    def miss() -> None:
        node.ready = node.up
        if not node.up:
            _after(world, injection.rng.uniform(30.0, 60.0), move)

    def move() -> None:
        for pod in pods_on(node) if not node.up else ():
            replace(world, pod, evicted=False)

    _after(world, GRACE_SECONDS, miss)

    def undo() -> None:
        node.up = node.kubelet_up = node.ready = node.schedulable = True
        for pod in pods_on(node):
            if pod.process is not None:
                pod.process.unfreeze()

    return Injected(undo=undo)


def _reboot(injection: Injection) -> Injected:
    """Let a machine start anew, several times: its pods are gone until it is back."""
    world, node = injection.world, injection.world.nodes[injection.target]
    going = [True]

    def back() -> None:
        node.up = node.kubelet_up = node.ready = True
        node.booted_at = world.env.now
        for pod in pods_on(node):
            if pod.process is None:
                start_again(world, pod, 2.0)

    def run() -> Generator[Event, Any, None]:
        while going[0]:
            node.up = node.kubelet_up = node.ready = False
            for pod in pods_on(node):
                world.cluster.halt(pod)
            yield Timeout(world.env, injection.rng.uniform(30.0, 50.0))
            back()
            yield Timeout(world.env, injection.rng.uniform(60.0, 100.0))

    Task(run(), Timeout(world.env, 0.0))
    return Injected(undo=lambda: going.__setitem__(0, False))


def _lose_kubelet(injection: Injection) -> Injected:
    """Let the platform's agent on a machine end: the pods run on, but nobody knows."""
    world, node = injection.world, injection.world.nodes[injection.target]
    node.kubelet_up = node.schedulable = False

    def miss() -> None:
        node.ready = node.kubelet_up

    _after(world, GRACE_SECONDS, miss)

    def undo() -> None:
        node.kubelet_up = node.ready = node.schedulable = True

    return Injected(undo=undo)


def _take_memory(injection: Injection) -> Injected:
    """Let something outside the containers take a machine's memory."""
    world, node, rng = injection.world, injection.world.nodes[injection.target], injection.rng
    node.settle(world.env.now)
    node.memory_hog_mb = rng.uniform(0.78, 0.9) * node.spec.memory_gb * 1024.0
    node.major_faults_per_second = rng.uniform(1500.0, 6000.0)
    node.cpu.io_stretch, node.disk_busy = rng.uniform(40.0, 120.0), rng.uniform(0.6, 0.8)
    node.schedulable = False
    going = [True]

    def evict() -> Generator[Event, Any, None]:
        for _ in range(rng.randrange(1, 4)):
            yield Timeout(world.env, rng.uniform(20.0, 50.0))
            there = pods_on(node)
            if there and going[0]:
                replace(world, max(there, key=lambda pod: pod.name), evicted=True)

    def undo() -> None:
        going[0] = False
        node.settle(world.env.now)
        node.memory_hog_mb = node.major_faults_per_second = 0.0
        node.cpu.io_stretch, node.disk_busy, node.schedulable = 1.0, 0.04, True

    Task(evict(), Timeout(world.env, 0.0))
    return Injected(undo=undo)


def _hinder(injection: Injection, trouble: FailOnNode) -> Callable[[], None]:
    """Let a trouble happen in every called service on a machine; return what ends it."""
    world = injection.world
    names = [pod.service.name for pod in pods_on(trouble.node)]
    hindered = [world.services[n] for n in victims.called_services(world) if n in names]
    for service in hindered:
        service.trouble = trouble

    def undo() -> None:
        for service in hindered:
            service.trouble = None

    return undo


def _fill_disk(injection: Injection) -> Injected:
    """Let a machine's disk fill up; what runs there cannot write any more."""
    world, node = injection.world, injection.world.nodes[injection.target]
    node.settle(world.env.now)
    node.disk_fill_per_second = (0.995 - node.disk_used) / injection.rng.uniform(15.0, 50.0)
    end = _hinder(injection, FailOnNode(node=node, outcome=NO_SPACE, disk_used=FULL_SHARE))

    def undo() -> None:
        end()
        node.settle(world.env.now)
        node.disk_fill_per_second, node.disk_used = 0.0, 0.46

    return Injected(undo=undo)


def _shift_clock(injection: Injection) -> Injected:
    """Let a machine's clock be so far off that tokens are not valid there."""
    node, rng = injection.world.nodes[injection.target], injection.rng
    node.clock_offset_seconds = rng.choice((-1.0, 1.0)) * rng.uniform(45.0, 400.0)
    end = _hinder(injection, FailOnNode(node=node, outcome=DENIED))

    def undo() -> None:
        end()
        node.clock_offset_seconds = 0.0

    return Injected(undo=undo)


def _steal(injection: Injection) -> Injected:
    """Let the machine's host give its processors to others."""
    world, node = injection.world, injection.world.nodes[injection.target]
    node.settle(world.env.now)
    node.cpu.steal(injection.rng.uniform(0.95, 0.985), world.env.now)

    def undo() -> None:
        node.settle(world.env.now)
        node.cpu.steal(0.0, world.env.now)

    return Injected(undo=undo)


def _spec(name: str, pattern: str, description: str, inject: Inject) -> FaultSpec:
    return FaultSpec(
        name=name,
        pattern=f"node.{pattern}",
        description=description,
        kinds=("node",),
        eligible=victims.pod_nodes,
        inject=inject,
    )


NODE_FAULTS = (
    _spec("machine_gone", "down", "a machine vanishes with all that runs on it", _vanish),
    _spec("machine_reboots", "reboot", "a machine starts anew, more than once", _reboot),
    _spec("agent_gone", "kubelet_down", "the platform's agent on a machine ends", _lose_kubelet),
    _spec("machine_memory_taken", "mem_pressure", "a machine's memory is taken", _take_memory),
    _spec("machine_disk_filled", "disk_full", "a machine's disk fills up", _fill_disk),
    _spec("clock_off", "clock_skew", "a machine's clock is off: tokens fail there", _shift_clock),
    _spec("cores_withheld", "cpu_steal", "a machine's host withholds its processors", _steal),
)
