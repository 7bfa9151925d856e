"""Processors shared by what runs on them: a container's limit inside a node's cores.

Processor sharing by snapshot: a piece of work is stretched by the crowd that it finds when it
starts. Busy and throttled time are exact integrals of who was running.
"""


class NodeCpu:
    """The cores of one node; `hog` is demand that belongs to no container."""

    __slots__ = (
        "_since",
        "busy_seconds",
        "cores",
        "demand",
        "hog",
        "io_stretch",
        "stolen",
        "waiting",
    )

    def __init__(self, cores: int) -> None:
        self.cores = cores
        self.demand = 0.0
        self.hog = 0.0
        self.stolen = 0.0
        self.io_stretch = 1.0
        self.busy_seconds = 0.0
        self.waiting = 0.0
        self._since = 0.0

    @property
    def contention(self) -> float:
        """By how much everything on the node is stretched."""
        wanted = self.demand + self.hog
        if self.stolen:
            return max(1.0, wanted / self.cores) / (1.0 - self.stolen)
        return wanted / self.cores if wanted > self.cores else 1.0

    def settle(self, now: float) -> None:
        """Bring the integrals up to `now`."""
        wanted, span = self.demand + self.hog, now - self._since
        self.busy_seconds += span * min(wanted, self.cores) * (1.0 - self.stolen)
        if wanted > self.cores:
            self.waiting += span
        self._since = now

    def shift(self, change: float, now: float) -> None:
        """Add to the demand of containers."""
        self.settle(now)
        self.demand += change

    def steal(self, share: float, now: float) -> None:
        """Let the host give a share of every core to somebody else."""
        self.settle(now)
        self.stolen = share

    def burn(self, cores: float, now: float) -> None:
        """Set the demand that belongs to no container."""
        self.settle(now)
        self.hog = cores


class Cpu:
    """What one container may use of its node."""

    __slots__ = (
        "_since",
        "limit",
        "node",
        "quota",
        "running",
        "throttled_seconds",
        "used_seconds",
    )

    def __init__(self, node: NodeCpu, limit: int) -> None:
        self.node = node
        self.limit = limit
        self.quota = 1.0
        self.running = 0
        self.used_seconds = 0.0
        self.throttled_seconds = 0.0
        self._since = 0.0

    def settle(self, now: float) -> None:
        """Bring the integrals up to `now`."""
        span = now - self._since
        if span > 0.0:
            running, limit = self.running, self.limit
            if running and self.quota < 1.0:
                self.used_seconds += span * self.quota
                self.throttled_seconds += span * (1.0 - self.quota)
            elif running > limit:
                self.used_seconds += span * limit / self.node.contention
                self.throttled_seconds += span
            elif running:
                self.used_seconds += span * running / self.node.contention
            self._since = now

    def enter(self, now: float) -> float:
        """Start a piece of work; return by how much the crowd stretches it."""
        self.settle(now)
        self.running += 1
        if self.quota < 1.0:
            if self.running <= self.limit:
                self.node.shift(1.0, now)
            return max(self.running / self.quota, self.node.contention)
        if self.running <= self.limit:
            self.node.shift(1.0, now)
            return self.node.contention
        crowd = self.running / self.limit
        return max(crowd, self.node.contention)

    def leave(self, now: float) -> None:
        """End a piece of work."""
        self.settle(now)
        if self.running <= self.limit:
            self.node.shift(-1.0, now)
        self.running -= 1

    def squeeze(self, quota: float, now: float) -> None:
        """Allow only a share of a core."""
        self.settle(now)
        self.quota = quota

    def close(self, now: float) -> None:
        """Take the container off its node, whatever still ran in it."""
        self.settle(now)
        self.node.shift(-float(min(self.running, self.limit)), now)
        self.running = 0
