"""Faults of a service's own code, whatever it runs on."""

from collections.abc import Callable

from models.simulator import victims
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.outcome import NULL_POINTER
from models.simulator.process import Process
from models.simulator.targets_pod import MAX_FILES
from models.simulator.trouble import Trouble
from models.simulator.trouble_code import (
    EndProgram,
    LoopForever,
    OneAtATime,
    Throw,
    UseUp,
)
from models.simulator.workload import end_program, restart_all


def hang_on(injection: Injection, trouble: Trouble, *, restart: bool) -> Injected:
    """Let a trouble happen to every request; `restart`: what it broke ends with the process."""
    world, service = injection.world, injection.world.services[injection.target]
    service.trouble = trouble

    def undo() -> None:
        service.trouble = None
        if restart:
            restart_all(world, service)

    return Injected(undo=undo, flavour=service.spec.runtime)


def amount(injection: Injection, whole: float) -> float:
    """Return what each request takes so that a process runs out within a minute or two."""
    rate = victims.request_rate(injection.world, injection.target)
    return whole / (rate * injection.rng.uniform(35.0, 90.0))


def _throw(injection: Injection) -> Injected:
    """Let requests to one endpoint fail with an exception nobody handles."""
    service, rng = injection.world.services[injection.target], injection.rng
    endpoint = rng.choice(victims.endpoints_used(injection.world, injection.target))
    share = rng.uniform(0.35, 0.95)
    done = hang_on(injection, Throw(rng=rng, share=share, endpoint=endpoint), restart=False)
    return Injected(undo=done.undo, details={"endpoint": endpoint, "service": service.name})


def _loop(injection: Injection) -> Injected:
    """Let a share of the requests never leave a loop."""
    rate = victims.request_rate(injection.world, injection.target)
    share = min(0.5, 1.0 / (rate * injection.rng.uniform(2.0, 6.0)))
    return hang_on(injection, LoopForever(rng=injection.rng, share=share), restart=True)


def _queue_for_lock(injection: Injection) -> Injected:
    """Let requests hold a common lock for longer than they follow each other."""
    rate = victims.request_rate(injection.world, injection.target)
    seconds = injection.rng.uniform(1.05, 1.6) / rate
    return hang_on(injection, OneAtATime(seconds=seconds), restart=True)


def _leak_files(injection: Injection) -> Injected:
    """Let requests leave files open until no more can be opened."""
    limit = MAX_FILES - 64.0
    each = amount(injection, limit)
    return hang_on(injection, UseUp(resource="files", amount=each, limit=limit), restart=True)


def _leak_memory(injection: Injection) -> Injected:
    """Let the program outside any collected heap lose memory until it is killed."""
    service = injection.world.services[injection.target]
    service.growth_mb = 0.6 * service.spec.memory_mb / injection.rng.uniform(45.0, 110.0)

    def undo() -> None:
        service.growth_mb = 0.0

    return Injected(undo=undo, flavour=service.spec.runtime)


def _repeat_statements(injection: Injection) -> Injected:
    """Let the code ask row by row for what it asked at once before."""
    service = injection.world.services[injection.target]
    service.statement_repeats = injection.rng.randrange(70, 180)

    def undo() -> None:
        service.statement_repeats = 1

    return Injected(undo=undo)


def _repeat_calls(injection: Injection) -> Injected:
    """Let the code call another service once for each of many items."""
    world, service = injection.world, injection.world.services[injection.target]
    callee = max(
        sorted(service.needed), key=lambda peer: victims.calls_made(world, service.name, peer)
    )
    mean = max(0.004, victims.mean_seconds(world, service.name, callee))
    edge = service.edges[callee]
    edge.repeats = max(8, min(60, round(injection.rng.uniform(1.2, 2.4) / mean)))

    def undo() -> None:
        edge.repeats = 1

    return Injected(undo=undo, details={"callee": callee})


def _answer_wrongly(injection: Injection) -> Injected:
    """Let the service answer in good time with what its callers cannot use."""
    service = injection.world.services[injection.target]
    service.garbled = injection.rng.uniform(0.3, 0.9)

    def undo() -> None:
        service.garbled = 0.0

    return Injected(undo=undo)


def _meet_null(injection: Injection) -> Injected:
    """Let some sort of request meet a null: it fails, or in Go ends the program."""
    world, rng = injection.world, injection.rng
    if world.services[injection.target].spec.runtime != "go":
        endpoint = rng.choice(victims.endpoints_used(world, injection.target))
        share = rng.uniform(0.3, 0.8)
        throw = Throw(rng=rng, share=share, endpoint=endpoint, outcome=NULL_POINTER)
        return hang_on(injection, throw, restart=False)
    rate = victims.request_rate(world, injection.target)
    end: Callable[[Process], None] = end_program(world.cluster, "Error")
    share = min(0.6, 1.0 / (rate * rng.uniform(1.5, 8.0)))
    return hang_on(injection, EndProgram(rng=rng, share=share, end=end), restart=False)


CODE_FAULTS = (
    FaultSpec(
        name="unhandled_exception",
        pattern="code.exception.unhandled",
        description="requests to one endpoint end with an exception that nobody handles",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_throw,
    ),
    FaultSpec(
        name="endless_loop",
        pattern="code.infinite_loop",
        description="now and then a request never leaves a loop and burns a processor for good",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_loop,
    ),
    FaultSpec(
        name="serialised_section",
        pattern="code.lock_contention",
        patterns={"jvm": "jvm.threads.blocked", "go": "go.mutex_contention"},
        description="every request needs the same lock of its process for too long",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_queue_for_lock,
    ),
    FaultSpec(
        name="file_leak",
        pattern="code.fd_leak",
        description="requests leave files open until no more can be opened",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_leak_files,
    ),
    FaultSpec(
        name="memory_leak",
        pattern="code.memory_leak",
        patterns={"go": "go.heap_growth", "python": "runtime_other.py.memory_growth"},
        description="a program grows until it is killed for it, again and again",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_leak_memory,
    ),
    FaultSpec(
        name="n_plus_one",
        pattern="code.n_plus_one",
        description="code asks the database row by row",
        kinds=("service",),
        eligible=victims.querying_services,
        inject=_repeat_statements,
    ),
    FaultSpec(
        name="serial_calls",
        pattern="code.slow_dependency_serial_calls",
        description="code calls another service once for each of many items, one after the other",
        kinds=("service",),
        eligible=victims.callers,
        inject=_repeat_calls,
    ),
    FaultSpec(
        name="wrong_answer",
        pattern="code.return.incorrect",
        description="a service answers in good time with what its callers cannot use",
        kinds=("service",),
        eligible=victims.required_services,
        inject=_answer_wrongly,
    ),
    FaultSpec(
        name="null_met",
        pattern="code.null_deref",
        patterns={"go": "go.panic_crashloop"},
        description="some requests meet a null: they fail, or end the whole program",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_meet_null,
    ),
)
