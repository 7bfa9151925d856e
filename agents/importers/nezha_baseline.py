"""Which minutes of a day have spans and no fault, and how they are laid before a fault.

Nezha keeps about a minute before each fault, too little to learn what is normal from. So earlier
fault-free minutes are moved up to it. Pure arithmetic on (start, end) in ms. Invariant: what is
moved before a fault happened before it, but for the minute that the set itself declares normal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FAULT_MS = 180_000
"""How long each fault was injected."""
BASELINE_MS = 600_000
"""How much normal time is laid before a fault, at most."""
_GAP_MS = 45_000
"""Traces further apart than this belong to different files with nothing between them."""

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A fault-free interval and by how much it is moved; 0 is where it was recorded."""

    start_ms: int
    end_ms: int
    by_ms: int = 0

    @property
    def length_ms(self) -> int:
        """How long it is."""
        return self.end_ms - self.start_ms


def covered(starts_ms: NDArray[np.int64]) -> list[Interval]:
    """Return the intervals without a long gap between starts of traces (in order).

    >>> covered(np.array([0, 20_000, 900_000, 910_000]))
    [(0, 20000), (900000, 910000)]
    """
    if not len(starts_ms):
        return []
    cuts = np.flatnonzero(np.diff(starts_ms) > _GAP_MS)
    first = starts_ms[np.concatenate(([0], cuts + 1))]
    last = starts_ms[np.concatenate((cuts, [len(starts_ms) - 1]))]
    return list(zip(first.tolist(), last.tolist(), strict=True))


def fault_free(intervals: Sequence[Interval], faults: Sequence[int]) -> list[Interval]:
    """Return what is left of intervals without the minutes of faults (starts, in order).

    >>> fault_free([(0, 400_000)], [100_000])
    [(0, 100000), (280000, 400000)]
    """
    left: list[Interval] = []
    for start, end in intervals:
        cursor = start
        for fault in faults:
            if fault + FAULT_MS <= cursor or fault >= end:
                continue
            if fault > cursor:
                left.append((cursor, fault))
            cursor = fault + FAULT_MS
        if cursor < end:
            left.append((cursor, end))
    return left


def pieces_before(
    fault_ms: int, free: Sequence[Interval], declared: Sequence[Interval]
) -> list[Piece]:
    """Return the pieces that lie, or are moved to lie, before a fault, the latest first.

    The interval that leads up to the fault stays where it is; earlier ones are moved up to it,
    and where these are too short, those that the set declares normal, whenever they were.

    >>> pieces_before(500, [(0, 100), (400, 500)], [])
    [Piece(start_ms=400, end_ms=500, by_ms=0), Piece(start_ms=0, end_ms=100, by_ms=300)]
    """
    own = [(start, end) for start, end in free if start < fault_ms <= end]
    pieces = [Piece(start_ms=start, end_ms=fault_ms) for start, _ in own[-1:]]
    cursor = pieces[0].start_ms if pieces else fault_ms
    earlier = [each for each in reversed(free) if each[1] <= cursor]
    later = [each for each in declared if each[0] >= fault_ms + FAULT_MS]
    for start, end in (*earlier, *later):
        left = BASELINE_MS - (fault_ms - cursor)
        if left <= 0:
            break
        piece = Piece(start_ms=max(start, end - left), end_ms=end, by_ms=cursor - end)
        pieces.append(piece)
        cursor -= piece.length_ms
    return pieces
