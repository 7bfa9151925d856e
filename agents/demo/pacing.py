"""When a slice may be sent: not before its time, and not far ahead of what was taken in.

Invariant: event time runs at `speed` during the storm at most; before it, it only waits for the
pipeline.
"""

import asyncio
from collections.abc import Callable

from agents.errors import RootlineError

_WARMUP_LEAD_MS = 60_000
_STORM_LEAD_MS = 30_000
_STALL_SECONDS = 30.0


class StalledError(RootlineError):
    """The worker has stopped to take in what is sent."""


class Pace:
    """Paces one play.

    Args:
        storm_ms: event time from which `speed` holds.
        speed: seconds of event time in a second.
        now: a clock in seconds that never goes back.
    """

    def __init__(self, storm_ms: int, speed: float, now: Callable[[], float]) -> None:
        self._storm_ms = storm_ms
        self._speed = speed
        self._now = now
        self._storm_at: float | None = None
        self._reached_ms = 0
        self._moved = asyncio.Event()

    def reached(self, event_ms: int) -> None:
        """Note how far the pipeline has come in event time."""
        if event_ms > self._reached_ms:
            self._reached_ms = event_ms
            self._moved.set()

    def delay(self, until_ms: int) -> float:
        """Return for how many seconds a slice that ends at `until_ms` has still to wait."""
        if until_ms <= self._storm_ms:
            return 0.0
        if self._storm_at is None:
            self._storm_at = self._now()
        due = self._storm_at + (until_ms - self._storm_ms) / 1000 / self._speed
        return max(0.0, due - self._now())

    def lead_ms(self, until_ms: int) -> int:
        """Return how far a slice may be ahead of the pipeline."""
        return _WARMUP_LEAD_MS if until_ms <= self._storm_ms else _STORM_LEAD_MS

    async def wait(self, until_ms: int, first_ms: int) -> None:
        """Return when a slice that ends at `until_ms` may be sent; nothing came before `first_ms`.

        Raises:
            StalledError: the pipeline has not moved for long.
        """
        await asyncio.sleep(self.delay(until_ms))
        while until_ms - max(self._reached_ms, first_ms) > self.lead_ms(until_ms):
            self._moved.clear()
            try:
                async with asyncio.timeout(_STALL_SECONDS):
                    await self._moved.wait()
            except TimeoutError:
                msg = f"the worker took nothing in for {_STALL_SECONDS:.0f} s"
                raise StalledError(msg) from None
