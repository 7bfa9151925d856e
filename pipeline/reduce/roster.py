"""Small ids for things that are seen again and again, with what is remembered of each by time.

Invariant: an id never changes while the roster lives; `compact` gives a new roster.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Member = TypeVar("Member", bound=Hashable)
NEVER = -(1 << 62)
"""A time before all times; far enough from the edge that a difference does not overflow."""


class Roster(Generic[Member]):
    """Members in the order in which they came, each with a first, a last and a hot-until time."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self._ids: dict[Member, int] = {}
        self.first_ms: NDArray[np.int64] = np.full(16, NEVER, np.int64)
        self.last_ms: NDArray[np.int64] = np.full(16, NEVER, np.int64)
        self.hot_until: NDArray[np.int64] = np.full(16, NEVER, np.int64)

    def __len__(self) -> int:
        return len(self.members)

    def find(self, member: Member) -> int | None:
        """Return a member's id, None when it is a stranger."""
        return self._ids.get(member)

    def add(self, member: Member) -> int:
        """Return a member's id, making one for a stranger."""
        known = self._ids.get(member)
        if known is not None:
            return known
        new = self._ids[member] = len(self.members)
        self.members.append(member)
        if new == len(self.last_ms):
            room = np.full(new, NEVER, np.int64)
            self.first_ms = np.concatenate([self.first_ms, room])
            self.last_ms = np.concatenate([self.last_ms, room])
            self.hot_until = np.concatenate([self.hot_until, room])
        return new

    def touch(self, ids: NDArray[np.int64], times_ms: NDArray[np.int64]) -> None:
        """Note that members were heard of."""
        fresh = self.first_ms[ids] == NEVER
        if fresh.any():
            self.first_ms[ids[fresh]] = -NEVER
            np.minimum.at(self.first_ms, ids[fresh], times_ms[fresh])
        np.maximum.at(self.last_ms, ids, times_ms)

    def columns(self) -> dict[str, NDArray[np.int64]]:
        """Return the times, for a snapshot."""
        size = len(self.members)
        return {
            "first_ms": self.first_ms[:size],
            "last_ms": self.last_ms[:size],
            "hot_until": self.hot_until[:size],
        }

    @classmethod
    def of(cls, members: list[Member], columns: dict[str, NDArray[np.int64]]) -> "Roster[Member]":
        """Make a roster from a snapshot."""
        roster = cls()
        for member in members:
            roster.add(member)
        size = len(members)
        roster.first_ms[:size] = columns["first_ms"]
        roster.last_ms[:size] = columns["last_ms"]
        roster.hot_until[:size] = columns["hot_until"]
        return roster

    def compact(self, used: NDArray[np.int64]) -> "tuple[Roster[Member], NDArray[np.int64]]":
        """Return a roster of the used ids alone, and where each old id went (-1: gone)."""
        kept = np.unique(used)
        moved = np.full(len(self.members), -1, np.int64)
        moved[kept] = np.arange(len(kept))
        times = {name: column[kept] for name, column in self.columns().items()}
        return self.of([self.members[i] for i in kept.tolist()], times), moved
