"""A mergeable latency histogram: sparse (log bucket, count) pairs.

Bucket `b` holds durations in (GAMMA**(b-1), GAMMA**b] ms and answers with the value whose relative
error to both ends is the same, so a quantile is off by at most RELATIVE_ERROR (4.8 %). Merging is
exact, commutative and associative. Durations up to 1 us share the lowest bucket.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from schemas.signal import Sketch

GAMMA = 1.1
RELATIVE_ERROR = (GAMMA - 1) / (GAMMA + 1)
SHORTEST_MS = 1e-3
_LOG_GAMMA = math.log(GAMMA)


def buckets_of(durations_ms: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bucket of every duration.

    >>> buckets_of(np.array([0.0, 1.0, 100.0])).tolist()
    [-72, 0, 49]
    """
    logs = np.log(np.maximum(durations_ms, SHORTEST_MS)) / _LOG_GAMMA
    return np.ceil(logs - 1e-9).astype(np.int64)


def of(durations_ms: NDArray[np.float64]) -> Sketch:
    """Make the sketch of some durations.

    >>> of(np.array([1.0, 1.0, 100.0]))
    ((0, 2), (49, 1))
    """
    found, counts = np.unique(buckets_of(durations_ms), return_counts=True)
    return tuple(zip(found.tolist(), counts.tolist(), strict=True))


def sketch_of(counts: Mapping[int, int]) -> Sketch:
    """Freeze bucket counts that were gathered in a mapping.

    >>> sketch_of({3: 1, -2: 4})
    ((-2, 4), (3, 1))
    """
    return tuple(sorted(counts.items()))


def merge(a: Sketch, b: Sketch) -> Sketch:
    """Return the sketch of both populations.

    >>> merge(((0, 2),), ((0, 1), (49, 1)))
    ((0, 3), (49, 1))
    """
    counts = dict(a)
    for bucket, count in b:
        counts[bucket] = counts.get(bucket, 0) + count
    return sketch_of(counts)


def total(sketch: Sketch) -> int:
    """Return how many durations the sketch holds.

    >>> total(((0, 2), (49, 1)))
    3
    """
    return sum(count for _, count in sketch)


def quantile(sketch: Sketch, q: float) -> float:
    """Return the q-quantile in ms; NaN when the sketch is empty.

    >>> round(quantile(of(np.arange(1.0, 101.0)), 0.5), 1)
    52.2
    >>> quantile((), 0.5)
    nan
    """
    rank = q * (total(sketch) - 1)
    seen = 0
    for bucket, count in sketch:
        seen += count
        if seen > rank:
            return 2 * GAMMA**bucket / (GAMMA + 1)
    return math.nan
