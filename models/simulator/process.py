"""One run of a service's program in a pod: threads, backlog, heap, pools, counters.

A restart makes a new one, so counters start at zero and whatever still works for the old one
finds it stopped.
"""

from bisect import bisect_left
from collections import deque
from typing import TYPE_CHECKING

from simpy import Environment
from simpy.events import Event

from models.simulator.cpu import Cpu
from models.simulator.heap import Heap
from models.simulator.outcome import RESET
from models.simulator.pool import Pool

if TYPE_CHECKING:
    from models.simulator.service import Pod

BOUNDS: tuple[float, ...] = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75)
BOUNDS += (1.0, 1.5, 2.5, 4.0, 5.0, 6.5, 8.0, 8.5, 10.0, 15.0, 30.0)
"""Upper bounds of the duration histogram's buckets in seconds; the last bucket has none."""


STATUS_CODES = (200, 401, 403, 413, 429, 500, 502, 503, 504)
"""What services answer with."""


class Process:
    """The state of one program run."""

    def __init__(self, env: Environment, pod: "Pod", cpu: Cpu) -> None:
        spec = pod.service.spec
        self.env = env
        self.pod = pod
        self.service = pod.service
        self.cpu = cpu
        self.started_at = env.now
        self.threads = pod.service.threads
        self.backlog_limit = spec.backlog
        self.busy = 0
        self.backlog: deque[tuple[float, Event]] = deque()
        self.inflight: dict[Event, None] = {}
        self.heap = Heap(0.62 * spec.memory_mb) if spec.runtime == "jvm" else None
        self.pools: dict[str, Pool] = {}
        self.resource = 0
        self.stopped = False
        self.thaw: Event | None = None
        self.rejected = 0
        self.codes = dict.fromkeys(STATUS_CODES, 0)
        self.seconds = 0.0
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.calls: dict[str, list[float]] = {p: [0.0, 0.0, 0.0] for p in pod.service.peers}
        self.names: dict[str, tuple[float, int]] = {}
        self.grown_mb = 0.0
        self.used: dict[str, float] = {}
        self.deadlocked = False
        self.logged_errors = 0
        self.blocked = 0
        self.blocked_seconds = 0.0
        self.lock_free_at = 0.0
        self.worker_kills = 0
        self.gc_seconds = 0.0
        self.gc_seen = 0.0
        self.logged_mb = 0.0
        self.consumed = 0
        self.consume_seconds = 0.0
        self.consume_failures = 0

    @property
    def retained_mb(self) -> float:
        """Memory that requests in flight hold on to."""
        waiting = self.busy + len(self.backlog)
        return waiting * self.service.spec.retained_mb

    @property
    def memory_mb(self) -> float:
        """Resident memory of the program as it would be without a limit."""
        spec = self.service.spec
        if self.heap is not None:
            return 0.26 * spec.memory_mb + self.heap.peak + self.grown_mb
        return 0.35 * spec.memory_mb + self.retained_mb + self.grown_mb

    @property
    def stalled(self) -> bool:
        """Whether the program makes no progress at this moment."""
        if self.thaw is not None:
            return True
        return self.heap is not None and self.heap.paused_until > self.env.now

    def allocate(self, mb: float) -> None:
        """Allocate on the heap, if there is a collected one."""
        if self.heap is not None:
            self.heap.allocate(mb, self.retained_mb, self.env.now)

    def count(self, code: int, seconds: float) -> None:
        """Count one answered request."""
        self.codes[code] += 1
        self.seconds += seconds
        self.buckets[bisect_left(BOUNDS, seconds)] += 1

    def count_call(self, peer: str, seconds: float, *, failed: bool) -> None:
        """Count one attempt to call a peer."""
        row = self.calls[peer]
        row[0] += 1.0
        row[1] += seconds
        row[2] += failed

    def freeze(self) -> None:
        """Stop making progress, without a word."""
        if self.thaw is None:
            self.thaw = Event(self.env)

    def unfreeze(self) -> None:
        """Go on."""
        if self.thaw is not None:
            thaw, self.thaw = self.thaw, None
            thaw.succeed()

    def stop(self) -> None:
        """End: break every connection, close every pool, leave the node."""
        self.stopped = True
        for reply in self.inflight:
            if not reply.triggered:
                reply.succeed(RESET)
        self.inflight.clear()
        for pool in self.pools.values():
            pool.close()
        self.cpu.close(self.env.now)
        self.unfreeze()
