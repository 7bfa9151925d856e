"""What befalls the pods of one service: restarts, deletion, eviction, being stuck."""

import random
from collections.abc import Callable, Generator
from typing import Any

from simpy.events import Event, Timeout

from models.simulator.cluster import START_SECONDS, Cluster
from models.simulator.kernel import Task
from models.simulator.process import Process
from models.simulator.service import Pod, Service
from models.simulator.world import World

EVICTED_SEEN_SECONDS = 90.0


def restart_all(world: World, service: Service) -> None:
    """Restart every pod, as whoever is on call does when all else is repaired."""
    for pod in list(service.pods):
        world.cluster.crash(pod, "Completed")


def end_program(cluster: Cluster, reason: str) -> Callable[[Process], None]:
    """Return what ends a program for a reason."""
    return lambda process: cluster.crash(process.pod, reason)


def start_again(world: World, pod: Pod, delay: float) -> None:
    """Start a new pod's program after a while."""

    def start() -> Generator[Event, Any, None]:
        if not pod.deleted and pod.process is None:
            world.cluster.run(pod)
        return
        yield  # a generator, as tasks are

    Task(start(), Timeout(world.env, delay))


def replace(world: World, pod: Pod, *, evicted: bool) -> None:
    """Delete a pod; its controller makes another one, which starts as any does."""
    service = pod.service
    if evicted:
        pod.ended = "Evicted"
    template = pod.name.rsplit("-", 2)[1]
    world.cluster.remove(pod, EVICTED_SEEN_SECONDS if evicted else 0.0)
    start_again(world, world.cluster.create(service, template), 1.5)


def strand(world: World, service: Service, waiting: str, survivors: int) -> None:
    """Replace pods by ones whose programs cannot start; the last `survivors` stay."""
    template = world.cluster.suffix(9)
    for pod in list(service.pods)[: max(0, len(service.pods) - survivors)]:
        world.cluster.remove(pod)
        world.cluster.create(service, template, waiting=waiting)


def scale(world: World, service: Service, count: int) -> None:
    """Delete or create pods until there are so many."""
    service.wanted = count
    for pod in list(service.pods)[count:]:
        world.cluster.remove(pod)
    template = world.cluster.suffix(9)
    while len(service.pods) < count:
        start_again(world, world.cluster.create(service, template), 1.5)


def restore(world: World, service: Service) -> None:
    """Replace what cannot start and bring the service back to its size."""
    for pod in list(service.pods):
        if pod.process is None and pod.waiting:
            world.cluster.remove(pod)
    service.hosting.unable = False
    scale(world, service, service.spec.replicas)


def keep_doing(
    world: World, service: Service, rng: random.Random, seconds: float, act: Callable[[Pod], None]
) -> Callable[[], None]:
    """Do something to one pod after the other, at about this pace; return what stops it."""
    going = [True]

    def run() -> Generator[Event, Any, None]:
        while going[0]:
            alive = [pod for pod in service.pods if pod.process is not None]
            if alive:
                act(min(alive, key=lambda pod: pod.created_at))
            yield Timeout(world.env, seconds * (0.7 + 0.6 * rng.random()))

    Task(run(), Timeout(world.env, 0.0))
    return lambda: going.__setitem__(0, False)


def start_seconds(service: Service) -> float:
    """Return how long a program of this service takes to start."""
    return START_SECONDS[service.spec.runtime]
