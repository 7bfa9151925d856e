"""Which of a case's many questions are worth keeping as rows: a few early, the last one.

An open incident is asked about every half minute or so, and neighbours hardly differ; a handful
that spans the incident's life teaches as much and keeps the library small.
"""

from collections.abc import Sequence
from typing import Final

KEPT_SECONDS: Final = (0.0, 50.0)


def kept_moments(elapsed_s: Sequence[float]) -> tuple[int, ...]:
    """Choose places: for each kept moment the first question at or after it, and the last of all.

    Moments count from the first question, not from the first alert: an incident that took an old
    alert in is hundreds of seconds old when it is first asked about.

    Args:
        elapsed_s: Seconds since the incident's first alert of each question, ascending.

    >>> kept_moments([10.0, 12.0, 31.0, 95.0, 400.0, 410.0])
    (0, 3, 5)
    >>> kept_moments([615.0, 620.0, 640.0, 700.0])
    (0, 3)
    """
    ages = [elapsed - elapsed_s[0] for elapsed in elapsed_s]
    after = (next((i for i, age in enumerate(ages) if age >= k), None) for k in KEPT_SECONDS)
    last = len(ages) - 1 if ages else None
    return tuple(sorted({place for place in (*after, last) if place is not None}))
