"""A cache server: one thread, fast while it is warm and up."""

import random

from models.simulator.cpu import Cpu, NodeCpu
from models.simulator.network import Link
from models.simulator.outcome import NO_SPACE, OK, READ_ONLY, TOO_MANY_CONNECTIONS
from models.simulator.topology import CacheServerSpec

GET_SECONDS = 0.0004
BYTES_A_COMMAND = 900.0
MAX_QUEUE_SECONDS = 0.8
SLOW_SECONDS = 0.01
MAX_CLIENTS = 1_000


class Cache:
    """One server. `warmth` scales every hit ratio; `up` false refuses connections."""

    def __init__(self, spec: CacheServerSpec, node: NodeCpu) -> None:
        self.spec = spec
        self.node = node
        self.cpu = Cpu(node, 1)
        self.link = Link()
        self.up = True
        self.warmth = 1.0
        self.stretch = 1.0
        self.started_at = 0.0
        self.memory_share = 0.62
        self.hits = 0
        self.misses = 0
        self.commands = 0
        self.evicting = 0.0
        self.evicted = 0.0
        self.busy_seconds = 0.0
        self.stalled_until = 0.0
        self.serial_seconds = 0.0
        self.turned_away = 0.0
        self.rejected = 0
        self.strangers = 0.0
        self.writable = OK
        self.write_errors = 0
        self.past_errors = {NO_SPACE: 0, READ_ONLY: 0}
        self.sent_bytes = 0.0
        self.slow_commands = 0
        self.fork_seconds = 0.002
        self.saving = False
        self.saved = True
        self.delayed_syncs = 0
        self.replicas = 1
        self._free_at = 0.0

    def seconds(self, rng: random.Random) -> float:
        """Draw how long one command takes."""
        self.commands += 1
        slowed = max(self.stretch, self.node.contention, 1.0 + 0.5 * (self.node.io_stretch - 1.0))
        seconds = GET_SECONDS * (0.6 + 0.8 * rng.random()) * slowed
        self.busy_seconds += seconds
        self.sent_bytes += BYTES_A_COMMAND
        return seconds

    def queue(self, now: float) -> float:
        """Return how long a command waits for the one thread: behind others, or a long task."""
        waited = max(0.0, self.stalled_until - now)
        if self.serial_seconds:
            start = max(now, self._free_at)
            self._free_at = min(now + MAX_QUEUE_SECONDS, start + self.serial_seconds)
            waited = max(waited, self._free_at - now)
        if waited > SLOW_SECONDS:
            self.slow_commands += 1
            self.busy_seconds += waited
        return waited

    def verdict(self, rng: random.Random, operation: str) -> int:
        """Decide whether a command is refused: no connection is left, or nothing is written."""
        if self.turned_away and rng.random() < self.turned_away:
            self.rejected += 1
            return TOO_MANY_CONNECTIONS
        if self.writable in (NO_SPACE, READ_ONLY) and operation != "GET":
            self.write_errors += 1
            return self.writable
        return OK

    def hit(self, rng: random.Random, hit_ratio: float) -> bool:
        """Draw whether a read finds its key."""
        if rng.random() < hit_ratio * self.warmth:
            self.hits += 1
            return True
        self.misses += 1
        if self.evicting:
            self.evicted += 1.0 + self.evicting * rng.random()
        return False
