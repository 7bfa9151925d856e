"""Faults of how the platform runs a service: pods do not start, do not stay, are not asked."""

from collections.abc import Callable

from models.simulator import victims
from models.simulator.changes import next_version
from models.simulator.cluster import UNSCHEDULABLE
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.targets_platform import INIT_FAILING
from models.simulator.workload import (
    keep_doing,
    replace,
    restart_all,
    restore,
    scale,
    start_seconds,
    strand,
)

Inject = Callable[[Injection], Injected]


def _stranded(waiting: str, told: float) -> Inject:
    """Return an injector of pods that wait for a reason; `told`: chance of a change event."""

    def inject(injection: Injection) -> Injected:
        world, service = injection.world, injection.world.services[injection.target]
        survivors = 0 if len(service.pods) < 2 or injection.rng.random() < 0.75 else 1
        if injection.rng.random() < told:
            version = next_version(service.version, injection.rng)
            title = f"roll out {service.name} {version}"
            injection.changes.add("deploy", service.name, world.env.now, title, version)
        strand(world, service, waiting, survivors)
        return Injected(undo=lambda: restore(world, service), details={"left": str(survivors)})

    return inject


def _reach_quota(injection: Injection) -> Injected:
    """Let pods go, and none be created in their place."""
    world, service = injection.world, injection.world.services[injection.target]
    for pod in list(service.pods):
        world.cluster.remove(pod)
    service.hosting.unable = True
    return Injected(undo=lambda: restore(world, service))


def _scale_down(injection: Injection) -> Injected:
    """Let somebody or something scale a service to no pods at all."""
    world, service = injection.world, injection.world.services[injection.target]
    if injection.rng.random() < 0.6:
        injection.changes.add("scale", service.name, world.env.now, f"scale {service.name}")
    scale(world, service, 0)
    return Injected(undo=lambda: restore(world, service))


def _break_readiness(injection: Injection) -> Injected:
    """Let readiness probes ask for what a healthy program does not offer."""
    world, service = injection.world, injection.world.services[injection.target]
    if injection.rng.random() < 0.5:
        title = f"{service.name}: change probe path"
        injection.changes.add("config", service.name, world.env.now, title)
    service.hosting.probe_broken = True

    def undo() -> None:
        service.hosting.probe_broken = False

    return Injected(undo=undo)


def _break_liveness(injection: Injection) -> Injected:
    """Let liveness probes be so impatient that healthy programs are ended."""
    service = injection.world.services[injection.target]
    service.hosting.liveness_chance = injection.rng.uniform(0.85, 1.0)

    def undo() -> None:
        service.hosting.liveness_chance = 0.0

    return Injected(undo=undo)


def _overdue_start(injection: Injection) -> Injected:
    """Let programs take longer to start than their startup probe allows."""
    world, service = injection.world, injection.world.services[injection.target]
    service.hosting.start_overdue = True
    restart_all(world, service)

    def undo() -> None:
        service.hosting.start_overdue = False

    return Injected(undo=undo)


def _lower_memory(injection: Injection) -> Injected:
    """Let the memory limit be less than what a healthy program needs."""
    world, service = injection.world, injection.world.services[injection.target]
    used = [pod.process.memory_mb for pod in service.pods if pod.process is not None]
    service.memory_limit_mb = injection.rng.uniform(0.6, 0.85) * min(used)
    if injection.rng.random() < 0.4:
        title = f"{service.name}: right-size requests"
        injection.changes.add("config", service.name, world.env.now, title)

    def undo() -> None:
        service.memory_limit_mb = float(service.spec.memory_mb)

    return Injected(undo=undo)


def _lower_cpu(injection: Injection) -> Injected:
    """Let the processor limit be far below what requests need."""
    world, service = injection.world, injection.world.services[injection.target]
    rate = victims.request_rate(world, injection.target)
    quota = min(0.1, injection.rng.uniform(0.6, 1.4) * 0.02 * max(0.5, rate))
    service.limit_cpu(quota, world.env.now)
    title = f"{service.name}: right-size limits"
    injection.changes.add("config", service.name, world.env.now, title)
    return Injected(undo=lambda: service.limit_cpu(1.0, world.env.now))


def _again_and_again(way: str) -> Inject:
    """Return an injector that ends one pod or program after the other."""

    def inject(injection: Injection) -> Injected:
        world, service = injection.world, injection.world.services[injection.target]
        life = start_seconds(service) + injection.rng.uniform(14.0, 26.0)
        pace = life / max(1, len(service.pods))
        if way == "container":
            stop = keep_doing(world, service, injection.rng, pace, world.cluster.crash)
        else:
            evicted = way == "evicted"
            stop = keep_doing(
                world, service, injection.rng, pace, lambda p: replace(world, p, evicted=evicted)
            )
        return Injected(undo=stop)

    return inject


def _spec(name: str, pattern: str, description: str, inject: Inject) -> FaultSpec:
    return FaultSpec(
        name=name,
        pattern=f"k8s_workload.{pattern}",
        description=description,
        kinds=("service",),
        eligible=victims.called_services,
        inject=inject,
    )


WORKLOAD_FAULTS = (
    _spec(
        "image_pull_failure",
        "image_pull_backoff",
        "the image of a new version cannot be pulled",
        _stranded("ImagePullBackOff", told=1.0),
    ),
    _spec(
        "config_map_absent",
        "configmap_missing",
        "new pods need a setting that is not there",
        _stranded("CreateContainerConfigError", told=0.7),
    ),
    _spec(
        "secret_absent",
        "secret_missing",
        "new pods cannot mount a secret that is not there",
        _stranded("ContainerCreating", told=0.7),
    ),
    _spec(
        "bad_command",
        "invalid_command",
        "the container's command does not exist",
        _stranded("RunContainerError", told=1.0),
    ),
    _spec(
        "init_container_failure",
        "init_container_fail",
        "what has to run before the program fails",
        _stranded(INIT_FAILING, told=0.7),
    ),
    _spec(
        "unplaceable_pods",
        "pending_unschedulable",
        "no machine has room for new pods",
        _stranded(UNSCHEDULABLE, told=0.5),
    ),
    _spec("quota_reached", "quota_exceeded", "new pods exceed their team's quota", _reach_quota),
    _spec("scaled_to_nothing", "scaled_to_zero", "a service is scaled to no pods", _scale_down),
    _spec(
        "readiness_misfit",
        "readiness_fail",
        "readiness probes fail though programs are healthy",
        _break_readiness,
    ),
    _spec(
        "liveness_misfit",
        "liveness_kill_loop",
        "liveness probes end healthy programs",
        _break_liveness,
    ),
    _spec(
        "overdue_start",
        "startup_timeout",
        "programs are ended before they have started",
        _overdue_start,
    ),
    _spec(
        "memory_limit_cut",
        "oomkilled",
        "a program needs more memory than it may use",
        _lower_memory,
    ),
    FaultSpec(
        name="cpu_limit_cut",
        pattern="config_deploy.bad_limits",
        description="a service may use far less processor time than its requests need",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_lower_cpu,
    ),
    _spec(
        "evicted_pods",
        "evicted_pressure",
        "pods use more disk than they may and are evicted",
        _again_and_again("evicted"),
    ),
    _spec("killed_pods", "pod_kill", "pods are deleted again and again", _again_and_again("pod")),
    _spec(
        "killed_containers",
        "container_kill",
        "programs are killed again and again",
        _again_and_again("container"),
    ),
)
