"""The volume under a store: space that fills, latency, a limit on operations a second.

A healthy volume costs nothing beyond what the store's own times hold already.
"""

from simpy import Environment

READ_SECONDS = 0.0006
"""What one operation takes on a healthy volume; only what comes on top is waited for."""


class Volume:
    """One volume. The attributes that go wrong are plain."""

    def __init__(self, env: Environment, *, size_gb: float = 200.0) -> None:
        self.size_gb = size_gb
        self.writable = True
        self.slowness = 1.0
        self.limit = 0.0  # operations a second; 0 is no limit
        self.operations = 0.0
        self.busy_seconds = 0.0
        self.throttled = 0
        self._env = env
        self._used = 0.38
        self._filling = 0.0
        self._since = 0.0
        self._free_at = 0.0

    @property
    def used(self) -> float:
        """Return the share of its space that is in use now."""
        grown = self._filling * (self._env.now - self._since)
        return max(0.0, min(1.0, self._used + grown))

    @property
    def full(self) -> bool:
        """Whether nothing can be written for want of space."""
        return self.used >= 1.0

    def fill(self, share_per_second: float) -> None:
        """Let the space in use grow at this speed from now on."""
        self._used, self._since = self.used, self._env.now
        self._filling = share_per_second

    def set_used(self, share: float) -> None:
        """Set the share of its space that is in use, which stays."""
        self._used, self._since, self._filling = share, self._env.now, 0.0

    def wait(self, operations: float) -> float:
        """Return what some operations take longer than on a healthy volume."""
        self.operations += operations
        seconds = READ_SECONDS * operations
        self.busy_seconds += seconds
        extra = (self.slowness - 1.0) * seconds
        if self.limit:
            extra += self._queue(operations)
        self.busy_seconds += extra
        return extra

    def _queue(self, operations: float) -> float:
        now = self._env.now
        start = max(now, self._free_at)
        self._free_at = min(now + 30.0, start + operations / self.limit)
        waited = self._free_at - now
        if waited > 0.02:
            self.throttled += 1
        return waited
