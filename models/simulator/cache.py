"""A cache server: fast while it is warm and up."""

import random

from models.simulator.cpu import Cpu, NodeCpu
from models.simulator.network import Link
from models.simulator.topology import CacheServerSpec

GET_SECONDS = 0.0004


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

    def seconds(self, rng: random.Random) -> float:
        """Draw how long one command takes."""
        self.commands += 1
        slowed = max(self.stretch, self.node.contention, 1.0 + 0.5 * (self.node.io_stretch - 1.0))
        seconds = GET_SECONDS * (0.6 + 0.8 * rng.random()) * slowed
        self.busy_seconds += seconds
        return seconds

    def hit(self, rng: random.Random, hit_ratio: float) -> bool:
        """Draw whether a read finds its key."""
        if rng.random() < hit_ratio * self.warmth:
            self.hits += 1
            return True
        self.misses += 1
        if self.evicting:
            self.evicted += 1.0 + self.evicting * rng.random()
        return False
