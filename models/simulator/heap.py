"""A garbage-collected heap: allocation, retention by requests in flight, pauses, exhaustion.

The pause grows with what survives; when survivors nearly fill the heap each collection frees
little, so collections follow each other: the spiral that a leak or a full queue causes.
"""

YOUNG_PAUSE_SECONDS = 0.008
FULL_PAUSE_SECONDS_PER_GB = 1.6
MIXED_AT = 0.6
FULL_AT = 0.84
EXHAUSTED_AT = 0.985
LIVE_SHARE = 0.32


class Heap:
    """The heap of one JVM process, in megabytes."""

    __slots__ = (
        "_eden",
        "collections",
        "exhausted",
        "garbage",
        "leaked",
        "live",
        "max_mb",
        "pause_factor",
        "pause_seconds",
        "paused_until",
        "peak",
        "young",
    )

    def __init__(self, max_mb: float) -> None:
        self.max_mb = max_mb
        self.live = LIVE_SHARE * max_mb
        self._eden = 0.22 * max_mb
        self.young = 0.0
        self.garbage = 0.0
        self.leaked = 0.0
        self.paused_until = 0.0
        self.collections = {"young": 0, "full": 0}
        self.pause_seconds = {"young": 0.0, "full": 0.0}
        self.exhausted = False
        self.pause_factor = 1.0
        self.peak = self.live

    def hold(self, share: float) -> None:
        """Let what lives take this share of the heap; 0 is what a healthy program keeps."""
        self.live = (share or LIVE_SHARE) * self.max_mb

    def used(self, retained: float) -> float:
        """Return the megabytes in use, given what requests in flight hold on to."""
        return min(self.max_mb, self.live + self.leaked + retained + self.young + self.garbage)

    def allocate(self, mb: float, retained: float, now: float) -> None:
        """Allocate; collect when eden is full or nothing is free."""
        self.young += mb
        kept = self.live + self.leaked + retained
        room = min(self._eden, max(2.0, self.max_mb - kept - self.garbage))
        if self.young < room:
            return
        self.garbage += 0.04 * self.young
        self.young = 0.0
        young_pause = YOUNG_PAUSE_SECONDS * (1.0 + 3.0 * kept / self.max_mb)
        if kept + self.garbage <= MIXED_AT * self.max_mb:
            self._pause("young", young_pause, now)
        elif kept <= FULL_AT * self.max_mb:
            self.garbage = 0.0
            self._pause("young", 3.0 * young_pause, now)
        else:
            self.garbage = 0.0
            self._pause("full", 0.06 + FULL_PAUSE_SECONDS_PER_GB * kept / 1024.0, now)
        self.exhausted = kept > EXHAUSTED_AT * self.max_mb
        self.peak = max(self.peak, min(self.max_mb, kept + self._eden))

    def _pause(self, generation: str, seconds: float, now: float) -> None:
        seconds *= self.pause_factor
        self.collections[generation] += 1
        self.pause_seconds[generation] += seconds
        self.paused_until = max(self.paused_until, now) + seconds
