"""A service and its pods: where requests to it go, and what it does towards its peers."""

from simpy.events import Event

from models.simulator.hosting import Hosting
from models.simulator.kernel import Deadlines
from models.simulator.network import Link
from models.simulator.node import Node
from models.simulator.process import Process
from models.simulator.topology import PolicySpec, ServiceSpec
from models.simulator.trouble import Gate, Trouble


class Pod:
    """One pod. Its name outlives restarts of the program in it, not a rollout."""

    def __init__(self, service: "Service", name: str, node: Node, ip: str) -> None:
        self.service = service
        self.name = name
        self.node = node
        self.ip = ip
        self.version = service.version
        self.created_at = 0.0
        self.process: Process | None = None
        self.ready = False
        self.terminating = False
        self.deleted = False
        self.restarts = 0
        self.waiting = ""
        self.ended = ""
        self.oom_kills = 0
        self.liveness_failures = 0
        self.readiness_failures = 0
        self.failed_liveness = 0
        self.startup_failures = 0
        self.placed = True
        self.gone_at = float("inf")
        self.failed_probes = 0
        self.passed_probes = 0


class Service:
    """One deployment at run time; the attributes that faults turn are plain."""

    def __init__(self, spec: ServiceSpec) -> None:
        self.spec = spec
        self.name = spec.name
        self.link = Link()
        self.pods: list[Pod] = []
        self.ready: list[Pod] = []
        self.version = spec.version
        self.threads = spec.threads
        self.certificate_expired = False
        self.mistrusted: dict[str, float] = {}
        self.endpoints_gone = False
        self.ports_taken = 0.0
        self.certificate_expires_at = 0.0
        self.slowness = 1.0
        self.error_ratio = 0.0
        self.consume_slowness = 1.0
        self.heap_leak_mb = 0.0
        self.leak_ratio = 0.0
        self.block_ratio = 0.0
        self.faulty_version = ""
        self.rolling = False
        self.spinning = 0
        self.crash_after: float | None = None
        self.trouble: Trouble | None = None
        self.gate: Gate | None = None
        self.garbled = 0.0
        self.drag = 1.0
        self.assisted = False
        self.burning_since: float | None = None
        self.statement_repeats = 1
        self.growth_mb = 0.0
        self.memory_limit_mb = float(spec.memory_mb)
        self.wanted = spec.replicas
        self.hosting = Hosting()
        self.cpu_quota = 1.0
        self.heap_live_share = 0.0
        self.pause_factor = 1.0
        self.edges: dict[str, Edge] = {}
        self.peers: dict[str, str] = {}
        self.needed: set[str] = set()
        self._turn = 0

    def spin(self, threads: int, now: float) -> None:
        """Let so many runaway threads compete for the processor in each pod."""
        for pod in self.pods:
            if pod.process is not None:
                for _ in range(threads - self.spinning):
                    pod.process.cpu.enter(now)
                for _ in range(self.spinning - threads):
                    pod.process.cpu.leave(now)
        self.spinning = threads

    def limit_cpu(self, quota: float, now: float) -> None:
        """Let each pod use only a share of a core."""
        self.cpu_quota = quota
        for pod in self.pods:
            if pod.process is not None:
                pod.process.cpu.squeeze(quota, now)

    def keep_live(self, share: float) -> None:
        """Let what lives on each pod's heap take this share of it; 0 is the usual."""
        self.heap_live_share = share
        for pod in self.pods:
            if pod.process is not None and pod.process.heap is not None:
                pod.process.heap.hold(share)

    def pause_longer(self, factor: float) -> None:
        """Let each collection pause so many times as long."""
        self.pause_factor = factor
        for pod in self.pods:
            if pod.process is not None and pod.process.heap is not None:
                pod.process.heap.pause_factor = factor

    def pick(self) -> Pod | None:
        """Choose the next ready pod in turn; None when there is none."""
        ready = self.ready
        if not ready:
            return None
        self._turn += 1
        return ready[self._turn % len(ready)]

    def refresh(self) -> None:
        """Recompute which pods take requests."""
        self.ready = [pod for pod in self.pods if pod.ready and not pod.terminating]


class Edge:
    """How one service calls one peer; deadlines are shared by all edges with the same limit."""

    __slots__ = ("backoff_seconds", "deadlines", "gate", "repeats", "retries", "timeout_seconds")

    def __init__(self, policy: PolicySpec, deadlines: Deadlines) -> None:
        self.timeout_seconds = policy.timeout_seconds
        self.retries = policy.retries
        self.backoff_seconds = policy.backoff_seconds
        self.deadlines = deadlines
        self.gate: Gate | None = None
        self.repeats = 1

    def limit(self, reply: Event) -> None:
        """Start the timeout of one attempt."""
        self.deadlines.limit(reply)

    def change(self, policy: PolicySpec, deadlines: Deadlines) -> None:
        """Apply another policy from the next attempt on."""
        self.timeout_seconds = policy.timeout_seconds
        self.retries = policy.retries
        self.backoff_seconds = policy.backoff_seconds
        self.deadlines = deadlines
