"""How a durable consumer is doing: the one thing that health checks and metrics read of it.

It tells a stuck consumer from an idle one: work is known to be there and nothing has moved.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What a durable consumer is at."""

    WAITING = "waiting for Kafka"
    JOINING = "joining the group"
    RESTORING = "restoring state"
    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerStatus:
    """One consumer at one moment; `lag` is records not handled yet, by (topic, partition)."""

    name: str
    phase: Phase
    lag: Mapping[tuple[str, int], int]
    beat_seconds: float
    moved_seconds: float
    stuck_seconds: float

    @property
    def alive(self) -> bool:
        """Whether it makes progress, or has none to make."""
        if self.phase is not Phase.RUNNING:
            return self.beat_seconds < self.stuck_seconds
        moving = not any(self.lag.values()) or self.moved_seconds < self.stuck_seconds
        return moving and self.beat_seconds < self.stuck_seconds

    @property
    def ready(self) -> bool:
        """Whether it belongs to the group and its state is restored."""
        return self.phase is Phase.RUNNING

    @property
    def sentence(self) -> str:
        """What a health check prints."""
        behind = sum(self.lag.values())
        return (
            f"{self.name}: {self.phase}, {len(self.lag)} partitions, {behind} records behind, "
            f"last sign of life {self.beat_seconds:.0f} s ago, last progress "
            f"{self.moved_seconds:.0f} s ago"
        )


class Progress:
    """Written by the consumer, read by the health checks."""

    def __init__(self, name: str, stuck_seconds: float) -> None:
        self.name = name
        self._stuck_seconds = stuck_seconds
        self._phase = Phase.WAITING
        self._lag: dict[tuple[str, int], int] = {}
        self._beat = self._moved = time.monotonic()

    def beat(self, phase: Phase | None = None) -> None:
        """Say that the loop goes round, and what it is at."""
        self._beat = time.monotonic()
        if phase is not None:
            self._phase = phase

    def moved(self) -> None:
        """Say that records were handled and what they caused was acknowledged."""
        self._beat = self._moved = time.monotonic()

    def set_lag(self, lag: Mapping[tuple[str, int], int]) -> None:
        """Replace the numbers of records not handled yet."""
        if not any(self._lag.values()):
            # Nothing was waiting until now, so the wait for progress starts now.
            self._moved = time.monotonic()
        self._lag = dict(lag)

    def status(self) -> ConsumerStatus:
        """Return how things stand."""
        now = time.monotonic()
        return ConsumerStatus(
            name=self.name,
            phase=self._phase,
            lag=dict(self._lag),
            beat_seconds=now - self._beat,
            moved_seconds=now - self._moved,
            stuck_seconds=self._stuck_seconds,
        )
