"""Where an answer puts the root, ties kept apart from order, and what that is worth.

A root that ties with others is first as often as chance would have it: every figure here is the
expectation over all orders of the tied, so that nobody gains by how ties happen to be broken.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """So many candidates are certainly above the root, and so many (with it) share its place."""

    above: int
    ties: int = 1

    def hit(self, k: int) -> float:
        """Give the chance that the root is among the first k.

        >>> [round(Placement(above=1, ties=3).hit(k), 3) for k in (1, 2, 3, 4)]
        [0.0, 0.333, 0.667, 1.0]
        """
        return min(max((k - self.above) / self.ties, 0.0), 1.0)

    @property
    def reciprocal(self) -> float:
        """Give the expected reciprocal rank.

        >>> Placement(above=0, ties=2).reciprocal
        0.75
        """
        places = range(self.above + 1, self.above + self.ties + 1)
        return math.fsum(1.0 / place for place in places) / self.ties

    @property
    def rank(self) -> float:
        """Give the expected rank, 1 for the first.

        >>> Placement(above=1, ties=3).rank
        3.0
        """
        return self.above + (self.ties + 1) / 2.0


def placed(scores: Sequence[float], roots: Collection[int]) -> Placement | None:
    """Place the best of the roots (indices into the scores, higher is better); None for no root.

    >>> placed([0.2, 0.9, 0.2], {0})
    Placement(above=1, ties=2)
    """
    if not roots:
        return None
    own = max(scores[root] for root in roots)
    return Placement(
        above=sum(score > own for score in scores),
        ties=sum(score == own for score in scores),
    )


def expected_ac(placements: Sequence[Placement | None], k: int) -> float:
    """Give the expected AC@k; a root that was not listed (None) is never a hit.

    >>> expected_ac([Placement(above=0, ties=2), None], 1)
    0.25
    """
    hits = [p.hit(k) if p is not None else 0.0 for p in placements]
    return math.fsum(hits) / len(hits) if hits else math.nan


def expected_mrr(placements: Sequence[Placement | None]) -> float:
    """Give the expected mean reciprocal rank; a root that was not listed counts 0.

    >>> expected_mrr([Placement(above=1), None])
    0.25
    """
    values = [p.reciprocal if p is not None else 0.0 for p in placements]
    return math.fsum(values) / len(values) if values else math.nan
