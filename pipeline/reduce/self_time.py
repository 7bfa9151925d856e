"""Arithmetic on parents and children of spans, as columns: who is whose parent, time of their own.

Pure functions. A parent is given as the row of the parent span, -1 where it is not known.
"""

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Keys = NDArray[np.uint64]

LONGEST_NS = 3_600_000_000_000
"""Spans longer than an hour are taken for an hour: keeps the sums of many within 64 bits."""
CHUNK = 1_000_000
MISSING = -1
_DEEPEST = 64
"""Internal spans that are climbed over at most."""


def rows_of(keys: Keys, wanted: Keys) -> Ids:
    """Return the row of each wanted key among distinct keys, -1 where it is not there.

    >>> rows_of(np.array([7, 5], np.uint64), np.array([5, 6, 7], np.uint64)).tolist()
    [1, -1, 0]
    """
    if not len(keys):
        return np.full(len(wanted), MISSING)
    order = np.argsort(keys)
    ordered = keys[order]
    at = np.minimum(np.searchsorted(ordered, wanted), len(keys) - 1)
    return np.where(ordered[at] == wanted, order[at], MISSING)


def self_times(start_ns: Ids, end_ns: Ids, parent: Ids, rows: Ids) -> Ids:
    """Return the time of each of some spans that none of its children covers.

    A child counts within its parent's bounds only, and children that overlap count once.

    >>> start, end = np.array([0, 10, 20, 90]), np.array([100, 40, 50, 130])
    >>> self_times(start, end, np.array([-1, 0, 0, 0]), np.array([0])).tolist()
    [50]
    """
    own = end_ns[rows] - start_ns[rows]
    place = np.full(len(start_ns) + 1, MISSING)
    place[rows] = np.arange(len(rows))
    of = np.where(parent >= 0, place[parent], MISSING)
    children = np.flatnonzero(of >= 0)
    if not len(children):
        return own
    of, above = of[children], parent[children]
    # Relative to the parent's start and within its bounds.
    length = np.minimum(end_ns[above] - start_ns[above], LONGEST_NS)
    begin = np.clip(start_ns[children] - start_ns[above], 0, length)
    end = np.clip(end_ns[children] - start_ns[above], begin, length)
    order = np.lexsort((begin, of))
    of, begin, end = of[order], begin[order], end[order]
    covered = np.zeros(len(rows), np.int64)
    for low in range(0, len(rows), CHUNK):
        first, last = np.searchsorted(of, [low, low + CHUNK])
        _cover(covered, of[first:last], begin[first:last], end[first:last], low)
    return own - covered


def _cover(covered: Ids, of: Ids, begin: Ids, end: Ids, low: int) -> None:
    """Add the union of each group's intervals; groups are sorted and so are their begins."""
    if not len(of):
        return
    # Each group is shifted beyond all before it, so one running maximum serves them all.
    shift = (of - low) * (LONGEST_NS + 1)
    reach = np.maximum.accumulate(end + shift) - shift
    before = np.zeros_like(reach)
    before[1:] = np.where(of[1:] == of[:-1], reach[:-1], 0)
    gained = np.maximum(end - np.maximum(begin, before), 0)
    np.add.at(covered, of, gained)


def failed_below(
    parent: Ids, internal: NDArray[np.bool_], failed: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Say of each span whether a call below it failed, not counting through other calls.

    Failed internal spans say nothing by themselves: they are the span's own work, and are climbed
    over.

    >>> parent = np.array([-1, 0, 1])
    >>> failed_below(parent, np.array([0, 1, 0], bool), np.array([1, 1, 1], bool)).tolist()
    [True, True, False]
    """
    below = np.zeros(len(parent), np.bool_)
    above = parent[failed & ~internal & (parent >= 0)]
    for _ in range(_DEEPEST):
        above = np.unique(above)
        below[above] = True
        climbing = above[internal[above]]
        above = parent[climbing]
        above = above[above >= 0]
        if not len(above):
            break
    return below
