"""How one input partition stands: what waits, what is handled, what is durable, since when.

It is judged from outside, by offsets alone: a partition moves when its position does. That its
commits are held back until the next snapshot, or that it waits its turn, is not being stuck.
"""

import time
from dataclasses import dataclass

Key = tuple[str, int]
"""(topic, partition)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a consumer and the brokers say of a partition at one moment.

    `position` is the next offset to handle, `durable` the one that a restart begins at, `end` what
    the brokers have. `handled_ms` is when the last handled record arrived (0: none yet), `held`
    why the durable offset is held back on purpose.
    """

    topic: str
    partition: int
    position: int
    durable: int
    end: int
    handled_ms: int = 0
    held: str | None = None

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.topic, self.partition

    @property
    def lag(self) -> int:
        """Records not handled yet."""
        return max(0, self.end - self.position)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionStatus:
    """A partition at one moment.

    `moved_seconds` is how long nothing moved while something waited, `turns` how often the
    consumer has gone round since; `unsaved_seconds` how long handled records have waited to become
    durable; `behind_seconds` the age of the last handled record while more wait.
    """

    lag: int
    unsaved: int = 0
    moved_seconds: float = 0.0
    unsaved_seconds: float = 0.0
    behind_seconds: float = 0.0
    turns: int = 0
    held: str | None = None


class Standing:
    """Follows one partition from one observation to the next."""

    def __init__(self, place: Place, turn: int) -> None:
        self._place = place
        self._turn = turn
        self._moved = self._saved = time.monotonic()

    def observe(self, place: Place, turn: int) -> bool:
        """Take note of how things are; tell whether the position has moved."""
        now, last = time.monotonic(), self._place
        moved = place.position != last.position
        # Where nothing was waiting until now, the wait begins now.
        if moved or not last.lag:
            self._moved, self._turn = now, turn
        if place.durable != last.durable or place.position == place.durable:
            self._saved = now
        self._place = place
        return moved

    def status(self, since: float, turn: int) -> PartitionStatus:
        """Say how it stands; nothing is blamed for the time before `since`."""
        now, place = time.monotonic(), self._place
        waits = place.lag > 0
        behind = max(0.0, time.time() - place.handled_ms / 1000) if place.handled_ms else 0.0
        return PartitionStatus(
            lag=place.lag,
            unsaved=max(0, place.position - place.durable),
            moved_seconds=now - max(self._moved, since) if waits else 0.0,
            unsaved_seconds=now - max(self._saved, since),
            behind_seconds=behind if waits else 0.0,
            turns=turn - self._turn if waits else 0,
            held=place.held,
        )
