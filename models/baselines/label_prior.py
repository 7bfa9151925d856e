"""The prior that reads no telemetry: who was the root most often in the system's other cases.

It uses names, as no ranker of ours may: it shows how far a benchmark's few roots carry anybody.
"""

from collections import Counter
from collections.abc import Sequence

from models.baselines.case import Scores


def label_prior(candidates: Sequence[str], other_roots: Sequence[str]) -> Scores | None:
    """Score by how often each candidate is the root among the other cases; None without others.

    >>> label_prior(("a", "b", "c"), ("b", "b", "c"))
    {'a': 0.0, 'b': 2.0, 'c': 1.0}
    """
    if not other_roots:
        return None
    counts = Counter(other_roots)
    return {name: float(counts[name]) for name in candidates}
