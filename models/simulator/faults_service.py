"""Faults inside services: their code, memory, processes, threads and versions."""

from collections.abc import Generator
from typing import Any

from simpy.events import Event, Timeout

from models.simulator import victims
from models.simulator.changes import next_version
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.kernel import Task
from models.simulator.service import Service


def _saturate_cpu(injection: Injection) -> Injected:
    """Let runaway threads compete with requests in every pod."""
    service = injection.world.services[injection.target]
    service.spin(injection.rng.randrange(30, 70), injection.world.env.now)

    def undo() -> None:
        service.spin(0, injection.world.env.now)

    return Injected(undo=undo, flavour=service.spec.runtime)


def _leak_heap(injection: Injection) -> Injected:
    """Let every pod's heap lose memory steadily."""
    service = injection.world.services[injection.target]
    heap_mb = 0.62 * service.spec.memory_mb
    service.heap_leak_mb = heap_mb / injection.rng.uniform(60.0, 140.0)

    def undo() -> None:
        service.heap_leak_mb = 0.0

    return Injected(undo=undo)


def _crash_again_and_again(injection: Injection) -> Injected:
    """Let the program end shortly after each start."""
    world, service = injection.world, injection.world.services[injection.target]
    service.crash_after = injection.rng.uniform(3.0, 10.0)
    for pod in list(service.pods):
        world.cluster.crash(pod)

    def undo() -> None:
        service.crash_after = None

    return Injected(undo=undo)


def _freeze(injection: Injection) -> Injected:
    """Let the program hang in one pod after the other."""
    world, service = injection.world, injection.world.services[injection.target]
    thawed = [False]

    def freeze_pods() -> Generator[Event, Any, None]:
        for pod in list(service.pods):
            if pod.process is not None and not thawed[0]:
                pod.process.freeze()
            yield Timeout(world.env, injection.rng.uniform(1.0, 12.0))

    def undo() -> None:
        thawed[0] = True
        for pod in service.pods:
            if pod.process is not None:
                pod.process.unfreeze()

    Task(freeze_pods(), Timeout(world.env, 0.0))
    return Injected(undo=undo)


def _deploy_bad_version(injection: Injection) -> Injected:
    """Roll out a version that fails or is slow."""
    world, service = injection.world, injection.world.services[injection.target]
    version = next_version(service.version, injection.rng)
    service.faulty_version = version
    if injection.rng.random() < 0.65:
        service.error_ratio = injection.rng.uniform(0.25, 0.8)
        way = "errors"
    else:
        service.slowness = injection.rng.uniform(60.0, 160.0)
        way = "slow"
    title = f"roll out {service.name} {version}"
    injection.changes.add("deploy", service.name, world.env.now, title, version)
    Task(world.cluster.roll_out(service, version), Timeout(world.env, 0.5))
    return Injected(undo=lambda: _heal(service), details={"version": version, "way": way})


def _heal(service: Service) -> None:
    service.error_ratio, service.slowness, service.faulty_version = 0.0, 1.0, ""


def _slow_consumer(injection: Injection) -> Injected:
    """Let the consumer need so long for each message that it gets through a part of them."""
    world, service = injection.world, injection.world.services[injection.target]
    share = injection.rng.uniform(0.1, 0.4)
    service.consume_slowness = max(2.0, 1.0 / (share * victims.consumer_load(world, service)))

    def undo() -> None:
        service.consume_slowness = 1.0

    topics = ",".join(sorted(consumer.topic for consumer in service.spec.consumers))
    return Injected(undo=undo, details={"topic": topics})


def _block_threads(injection: Injection) -> Injected:
    """Let a share of the requests never give their thread back."""
    service = injection.world.services[injection.target]
    service.block_ratio = injection.rng.uniform(0.25, 0.6)

    def undo() -> None:
        service.block_ratio = 0.0

    return Injected(undo=undo)


def _leak_connections(injection: Injection) -> Injected:
    """Let a share of the transactions never give their connection back."""
    service = injection.world.services[injection.target]
    service.leak_ratio = injection.rng.uniform(0.25, 0.6)

    def undo() -> None:
        service.leak_ratio = 0.0

    return Injected(undo=undo, details={"pool": ",".join(sorted(service.spec.pools))})


SERVICE_FAULTS = (
    FaultSpec(
        name="cpu_saturation",
        pattern="k8s_workload.cpu_throttling",
        patterns={"jvm": "jvm.cpu.hot_method"},
        description="runaway threads of a service use up its processor share",
        kinds=("service",),
        eligible=victims.busy_services,
        inject=_saturate_cpu,
    ),
    FaultSpec(
        name="memory_gc",
        pattern="jvm.heap.leak",
        description="a leak fills the heap: collections, pauses, stalls",
        kinds=("service",),
        eligible=victims.jvm_services,
        inject=_leak_heap,
    ),
    FaultSpec(
        name="crash_loop",
        pattern="k8s_workload.crashloop",
        description="a service's program ends shortly after each start",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_crash_again_and_again,
    ),
    FaultSpec(
        name="silent_freeze",
        pattern="code.deadlock",
        description="a service's program hangs: it says nothing more, callers wait",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_freeze,
    ),
    FaultSpec(
        name="bad_deploy",
        pattern="config_deploy.bad_version",
        description="a new version fails or is slow",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_deploy_bad_version,
    ),
    FaultSpec(
        name="queue_backlog",
        pattern="mq.kafka.consumer_lag",
        description="a consumer is too slow, its topic fills up",
        kinds=("service",),
        eligible=victims.consumers,
        inject=_slow_consumer,
    ),
    FaultSpec(
        name="thread_pool_exhaustion",
        pattern="code.thread_pool_exhausted",
        description="requests block their threads for good until none is left",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_block_threads,
    ),
    FaultSpec(
        name="connection_leak",
        pattern="code.conn_pool_leak",
        description="a service does not give connections back to its own pool",
        kinds=("service",),
        eligible=victims.pooled_services,
        inject=_leak_connections,
    ),
)
