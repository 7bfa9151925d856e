"""Which of a case's many questions are worth keeping as rows: a few early, the last one.

An open incident is asked about every half minute or so, and neighbours hardly differ; a handful
that spans the incident's life teaches as much and keeps the library small.
"""

from collections.abc import Sequence
from typing import Final

KEPT_SECONDS: Final = (10.0, 30.0, 60.0, 120.0, 240.0)


def kept_moments(elapsed_s: Sequence[float]) -> tuple[int, ...]:
    """Choose places: for each kept moment the first question at or after it, and the last of all.

    Args:
        elapsed_s: Seconds since the incident's first alert of each question, ascending.

    >>> kept_moments([10.0, 12.0, 31.0, 95.0, 400.0, 410.0])
    (0, 2, 3, 4, 5)
    """
    after = (next((i for i, e in enumerate(elapsed_s) if e >= k), None) for k in KEPT_SECONDS)
    last = len(elapsed_s) - 1 if elapsed_s else None
    return tuple(sorted({place for place in (*after, last) if place is not None}))
