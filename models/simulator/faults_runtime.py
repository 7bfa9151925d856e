"""Faults of what programs run on: the JVM, Go, Python."""

from collections.abc import Callable

from models.simulator import victims
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.faults_code import amount, hang_on
from models.simulator.targets_runtime import (
    CODE_CACHE_LIMIT_MB,
    DIRECT_LIMIT_MB,
    METASPACE_LIMIT_MB,
)
from models.simulator.trouble_code import UseUp, WaitForGood
from models.simulator.trouble_runtime import Burden, Linger, OutliveWorker, WaitForInterpreter
from models.simulator.workload import restart_all

MAX_THREADS = 900.0
HEAP_SHARE = 0.62
EDEN_SHARE = 0.22
USUAL_PAUSE_SECONDS = 0.016
Inject = Callable[[Injection], Injected]


def _use_up(resource: str, limit: float, mb: float = 0.0) -> Inject:
    """Return an injector of requests that keep something until none of it is left."""

    def inject(injection: Injection) -> Injected:
        each = amount(injection, limit)
        trouble = UseUp(resource=resource, amount=each, limit=limit, mb=mb * each)
        return hang_on(injection, trouble, restart=True)

    return inject


def _fill_code_cache(injection: Injection) -> Injected:
    """Let the code cache fill up, so that code is interpreted from then on."""
    limit = CODE_CACHE_LIMIT_MB - 23.0
    trouble = Burden(
        rng=injection.rng,
        seconds=injection.rng.uniform(0.25, 0.6),
        resource="code_cache",
        amount=amount(injection, 1.6 * limit),
        limit=limit,
    )
    return hang_on(injection, trouble, restart=True)


def _nearly_all(injection: Injection) -> float:
    """Return the share of the heap that leaves room for what few seconds allocate."""
    spec = injection.world.services[injection.target].spec
    rate = victims.request_rate(injection.world, injection.target)
    seconds = injection.rng.uniform(1.0, 2.5)
    room = seconds * rate * spec.allocated_mb / (HEAP_SHARE * spec.memory_mb)
    return min(0.965, max(0.88, 1.0 - room))


def _fill_heap(share: Callable[[Injection], float]) -> Inject:
    """Return an injector that lets what lives take a share of the heap."""

    def inject(injection: Injection) -> Injected:
        world, service = injection.world, injection.world.services[injection.target]
        service.keep_live(share(injection))

        def undo() -> None:
            service.keep_live(0.0)
            restart_all(world, service)

        return Injected(undo=undo)

    return inject


def _pause_longer(injection: Injection) -> Injected:
    """Let collections pause for very long, as with a heap that was swapped out."""
    service = injection.world.services[injection.target]
    rate = victims.request_rate(injection.world, injection.target)
    allocated = rate * service.spec.allocated_mb
    interval = EDEN_SHARE * HEAP_SHARE * service.spec.memory_mb / allocated
    seconds = min(7.0, max(1.5, injection.rng.uniform(0.3, 0.5) * interval))
    service.pause_longer(seconds / USUAL_PAUSE_SECONDS)
    return Injected(undo=lambda: service.pause_longer(1.0))


def _deadlock(injection: Injection) -> Injected:
    """Let two threads hold what the other needs; whoever needs it too waits for good."""
    share = injection.rng.uniform(0.3, 0.8)
    trouble = WaitForGood(rng=injection.rng, share=share, deadlocked=True)
    return hang_on(injection, trouble, restart=True)


def _block_channel(injection: Injection) -> Injected:
    """Let nobody read a channel any more that requests write to."""
    trouble = WaitForGood(
        rng=injection.rng,
        share=injection.rng.uniform(0.6, 1.0),
        room=injection.rng.choice((16, 32, 64)),
    )
    return hang_on(injection, trouble, restart=True)


def _leave_goroutines(injection: Injection) -> Injected:
    """Let each request leave goroutines behind that nobody waits for."""
    service = injection.world.services[injection.target]
    mb = amount(injection, 0.62 * service.spec.memory_mb)
    trouble = Linger(resource="goroutines", amount=amount(injection, 9000.0), mb=mb)
    return hang_on(injection, trouble, restart=True)


def _collect_always(injection: Injection) -> Injected:
    """Let the soft memory limit lie so low that the collector never rests."""
    service = injection.world.services[injection.target]
    service.drag, service.assisted = injection.rng.uniform(25.0, 70.0), True

    def undo() -> None:
        service.drag, service.assisted = 1.0, False

    return Injected(undo=undo)


def _hold_interpreter(injection: Injection) -> Injected:
    """Let a thread that computes all the time hold the interpreter's lock."""
    world, service = injection.world, injection.world.services[injection.target]
    rate = victims.request_rate(world, injection.target)
    seconds = max(0.25, injection.rng.uniform(0.5, 0.9) / max(1.0, rate) ** 0.5)
    service.burning_since = world.env.now
    trouble = WaitForInterpreter(rng=injection.rng, seconds=seconds)
    done = hang_on(injection, trouble, restart=False)

    def undo() -> None:
        done.undo()
        service.burning_since = None

    return Injected(undo=undo)


def _outlive_workers(injection: Injection) -> Injected:
    """Let some requests take longer than a worker may take."""
    trouble = OutliveWorker(
        rng=injection.rng,
        share=injection.rng.uniform(0.15, 0.5),
        seconds=injection.rng.choice((2.0, 3.0, 5.0)),
    )
    return hang_on(injection, trouble, restart=False)


def _spec(runtime: str, name: str, pattern: str, description: str, inject: Inject) -> FaultSpec:
    return FaultSpec(
        name=name,
        pattern=pattern,
        description=description,
        kinds=("service",),
        eligible=lambda world: victims.on_runtime(world, runtime),
        inject=inject,
    )


RUNTIME_FAULTS = (
    _spec(
        "jvm",
        "full_collections",
        "jvm.gc.full_storm",
        "what lives nearly fills the heap: one full collection after the other",
        _fill_heap(_nearly_all),
    ),
    _spec(
        "jvm",
        "heap_exhaustion",
        "jvm.heap.oom",
        "what lives does not fit into the heap: programs end for it",
        _fill_heap(lambda i: i.rng.uniform(0.99, 1.0)),
    ),
    _spec(
        "jvm",
        "long_pauses",
        "jvm.gc.long_pause",
        "each collection stops the program for very long",
        _pause_longer,
    ),
    _spec(
        "jvm",
        "metaspace_leak",
        "jvm.metaspace_oom",
        "classes are loaded again and again until none can be",
        _use_up("metaspace", METASPACE_LIMIT_MB - 85.0),
    ),
    _spec(
        "jvm",
        "direct_buffer_leak",
        "jvm.direct_buffer_oom",
        "buffers outside the heap are not given back",
        _use_up("direct", DIRECT_LIMIT_MB - 10.0),
    ),
    _spec(
        "jvm",
        "thread_leak",
        "jvm.threads.exhausted",
        "requests leave threads behind until none can be made",
        _use_up("threads", MAX_THREADS),
    ),
    _spec(
        "jvm",
        "thread_deadlock",
        "jvm.threads.deadlock",
        "threads wait for each other; requests that need the same wait with them",
        _deadlock,
    ),
    _spec(
        "jvm",
        "code_cache_exhaustion",
        "jvm.codecache_full",
        "no more code is compiled: what was fast is interpreted",
        _fill_code_cache,
    ),
    _spec(
        "go",
        "leftover_goroutines",
        "go.goroutine_leak",
        "requests leave goroutines behind, with what they hold",
        _leave_goroutines,
    ),
    _spec(
        "go",
        "unread_channel",
        "go.channel_block",
        "nobody reads a channel any more that requests write to",
        _block_channel,
    ),
    _spec(
        "go",
        "tight_soft_limit",
        "go.gc_assist_cpu",
        "the soft memory limit is so low that requests collect all the time",
        _collect_always,
    ),
    _spec(
        "python",
        "held_interpreter",
        "runtime_other.py.gil_contention",
        "a thread that computes all the time holds the interpreter's lock",
        _hold_interpreter,
    ),
    _spec(
        "python",
        "outlived_workers",
        "runtime_other.py.worker_timeout",
        "some requests take longer than a worker may, and are ended with it",
        _outlive_workers,
    ),
)
