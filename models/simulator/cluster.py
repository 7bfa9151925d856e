"""What the platform does with pods: start, probe, restart with back-off, roll out a version."""

import random
from collections.abc import Callable, Generator
from typing import Any

from simpy.events import Event, Timeout

from models.simulator.consumer import Subscription
from models.simulator.cpu import Cpu
from models.simulator.database import Database
from models.simulator.kernel import Task
from models.simulator.node import Node
from models.simulator.pool import Pool
from models.simulator.process import Process
from models.simulator.runtime import Runtime
from models.simulator.service import Pod, Service

PROBE_SECONDS = 5.0
PROBE_TIMEOUT_SECONDS = 1.0
FAILURE_THRESHOLD = 3
SUCCESS_THRESHOLD = 3
STARTUP_THRESHOLD = 4
START_SECONDS = {"jvm": 11.0, "python": 5.0, "go": 2.0}
FIRST_BACKOFF_SECONDS = 8.0
MAX_BACKOFF_SECONDS = 120.0
DRAIN_SECONDS = 3.0
UNSCHEDULABLE = "Unschedulable"
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


class Cluster:
    """Schedules pods onto nodes and looks after them."""

    def __init__(
        self, runtime: Runtime, nodes: list[Node], databases: dict[str, Database]
    ) -> None:
        self.services: dict[str, Service] = {}
        self.subscriptions: dict[str, list[Subscription]] = {}
        self.on_pod: Callable[[Pod], None] = lambda pod: None
        self._runtime = runtime
        self._nodes = nodes
        self._databases = databases
        self._names = random.Random(runtime.rng.random())
        self._address = 10
        self._placed = 0

    def suffix(self, length: int) -> str:
        """Draw a name suffix as the platform's controllers do."""
        return "".join(self._names.choice(ALPHABET) for _ in range(length))

    def deploy(self, service: Service) -> None:
        """Create a service's first pods, running and ready at once."""
        self.services[service.name] = service
        template = self.suffix(9)
        for _ in range(service.spec.replicas):
            pod = self.create(service, template)
            self.run(pod)
            pod.ready = True
        service.refresh()

    def watch(self) -> None:
        """Start probing."""
        Task(self._probe_forever(), Timeout(self._runtime.env, PROBE_SECONDS))

    def crash(self, pod: Pod, reason: str = "Error") -> None:
        """End a pod's program; the platform starts it again after a back-off."""
        if pod.process is None or pod.deleted:
            return
        pod.process.stop()
        pod.process = None
        pod.ready = False
        pod.ended = reason
        pod.oom_kills += reason == "OOMKilled"
        pod.service.refresh()
        backoff = FIRST_BACKOFF_SECONDS * 2.0 ** min(pod.restarts, 8)
        Task(self._restart(pod), Timeout(self._runtime.env, min(backoff, MAX_BACKOFF_SECONDS)))

    def roll_out(self, service: Service, version: str) -> Generator[Event, Any, None]:
        """Replace the pods one by one with pods of another version."""
        env = self._runtime.env
        while service.rolling:
            yield Timeout(env, PROBE_SECONDS)
        service.rolling = True
        service.version = version
        template = self.suffix(9)
        for old in list(service.pods):
            new = self.create(service, template)
            yield Timeout(env, 1.0 + self._names.random())
            self.run(new)
            yield Timeout(env, START_SECONDS[service.spec.runtime])
            new.ready = new.process is not None
            old.terminating = True
            old.ready = False
            service.refresh()
            yield Timeout(env, DRAIN_SECONDS)
            self.remove(old)
        service.rolling = False

    def remove(self, pod: Pod, linger_seconds: float = 0.0) -> None:
        """Delete a pod; what is left of a failed one is seen for a while."""
        if pod.deleted:
            return
        pod.deleted, pod.ready = True, False
        pod.gone_at = self._runtime.env.now + linger_seconds
        pod.service.pods.remove(pod)
        pod.service.refresh()
        if pod.process is not None:
            pod.process.stop()
            pod.process = None

    def create(self, service: Service, template: str, *, waiting: str = "") -> Pod:
        """Create a pod; `waiting` says why its program does not start."""
        node = self._place()
        self._placed += 1
        self._address += 1
        ip = f"10.42.{self._placed % len(self._nodes)}.{self._address}"
        pod = Pod(service, f"{service.name}-{template}-{self.suffix(5)}", node, ip)
        pod.created_at = self._runtime.env.now
        pod.waiting, pod.placed = waiting, waiting != UNSCHEDULABLE
        service.pods.append(pod)
        node.pods.append(pod)
        self.on_pod(pod)
        return pod

    def halt(self, pod: Pod) -> None:
        """End a pod's program without starting it again."""
        if pod.process is not None:
            pod.process.stop()
            pod.process = None
        pod.ready, pod.ended = False, "Error"
        pod.service.refresh()

    def _place(self) -> Node:
        """Choose the next machine that takes pods."""
        for _ in self._nodes:
            node = self._nodes[self._placed % len(self._nodes)]
            if node.schedulable:
                break
            self._placed += 1
        return node

    def run(self, pod: Pod) -> None:
        """Start the program in a pod."""
        pod.waiting = ""
        runtime, service = self._runtime, pod.service
        process = Process(runtime.env, pod, Cpu(pod.node.cpu, service.spec.cpu_limit))
        for name, spec in service.spec.pools.items():
            timer = runtime.deadlines(spec.wait_seconds)
            pool = Pool(
                self._databases[name], service.name, spec, deadlines=timer, rng=runtime.rng
            )
            process.pools[name] = pool
            pool.keep()
        process.cpu.quota = service.cpu_quota
        if process.heap is not None and service.heap_live_share:
            process.heap.hold(service.heap_live_share)
        if process.heap is not None:
            process.heap.pause_factor = service.pause_factor
        process.resource = runtime.recorder.resource(self._resource(pod))
        pod.process = process
        for _ in range(service.spinning):
            process.cpu.enter(runtime.env.now)
        for subscription in self.subscriptions.get(service.name, ()):
            for _ in range(subscription.workers):
                Task(subscription.work(process), Timeout(runtime.env, 0.0))
        if service.crash_after is not None:
            delay = service.crash_after * (0.7 + 0.6 * self._names.random())
            Task(self._end_early(pod, process), Timeout(runtime.env, delay))

    def _resource(self, pod: Pod) -> dict[str, str]:
        return {
            "service.name": pod.service.name,
            "service.version": pod.service.version,
            "service.namespace": self._runtime.namespace,
            "k8s.namespace.name": self._runtime.namespace,
            "k8s.pod.name": pod.name,
            "k8s.node.name": pod.node.name,
        }

    def _end_early(self, pod: Pod, process: Process) -> Generator[Event, Any, None]:
        if pod.process is process and pod.service.crash_after is not None:
            self.crash(pod)
        return
        yield  # a generator, as tasks are

    def _restart(self, pod: Pod) -> Generator[Event, Any, None]:
        if not pod.deleted:
            pod.restarts += 1
            self.run(pod)
        return
        yield  # a generator, as tasks are

    def _probe_forever(self) -> Generator[Event, Any, None]:
        env = self._runtime.env
        while True:
            for service in self.services.values():
                for pod in service.pods:
                    self._probe(pod, env.now)
                    self._keep_house(pod)
            yield Timeout(env, PROBE_SECONDS)

    def _keep_house(self, pod: Pod) -> None:
        process = pod.process
        if process is None or process.stalled:
            return
        for pool in process.pools.values():
            pool.keep()
        process.allocate(0.4)
        leak = pod.service.heap_leak_mb
        if process.heap is not None:
            process.heap.leaked += leak * PROBE_SECONDS
            if process.heap.exhausted:
                self.crash(pod)
                return
        process.grown_mb += pod.service.growth_mb * PROBE_SECONDS
        limited = process.grown_mb or pod.service.memory_limit_mb < pod.service.spec.memory_mb
        if limited and process.memory_mb >= pod.service.memory_limit_mb:
            self.crash(pod, "OOMKilled")

    def _probe(self, pod: Pod, now: float) -> None:
        process = pod.process
        if process is None or pod.terminating:
            return
        starting = now - process.started_at < START_SECONDS[pod.service.spec.runtime]
        if starting and process.started_at > 0.0:
            return
        if pod.service.hosting.start_overdue and not pod.ready:
            pod.startup_failures += 1
            if pod.startup_failures % STARTUP_THRESHOLD == 0:
                self.crash(pod)
            return
        if self._fails_liveness(pod):
            self.crash(pod)
            return
        if _answers(process, now):
            pod.failed_probes = 0
            pod.passed_probes += 1
            ready = pod.ready or pod.passed_probes >= SUCCESS_THRESHOLD
        else:
            pod.failed_probes += 1
            pod.readiness_failures += 1
            pod.passed_probes = 0
            ready = pod.ready and pod.failed_probes < FAILURE_THRESHOLD
        if ready != pod.ready:
            pod.ready = ready
            pod.service.refresh()

    def _fails_liveness(self, pod: Pod) -> bool:
        """Whether so many liveness probes failed in a row that the program is ended."""
        chance = pod.service.hosting.liveness_chance
        if not chance or self._names.random() >= chance:
            pod.failed_liveness = 0
            return False
        pod.liveness_failures += 1
        pod.failed_liveness += 1
        return pod.failed_liveness % FAILURE_THRESHOLD == 0


def _answers(process: Process, now: float) -> bool:
    """Whether a readiness probe would get its answer in time from a request thread."""
    if (
        process.thaw is not None
        or process.service.hosting.probe_broken
        or not process.pod.node.ready
    ):
        return False
    heap = process.heap
    if heap is not None and heap.paused_until - now > PROBE_TIMEOUT_SECONDS:
        return False
    backlog = process.backlog
    return not backlog or now - backlog[0][0] < PROBE_TIMEOUT_SECONDS
