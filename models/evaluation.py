"""Figures that say how good rankings and probabilities are; pure functions of plain numbers."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

_Z95: Final = 1.959963984540054


def rank_of(scores: Sequence[float], index: int) -> float:
    """Give the 1-based rank of one score; ties share their mean rank, so that none gains by them.

    >>> rank_of([0.1, 0.7, 0.7, 0.2], 1)
    1.5
    """
    own = scores[index]
    above = sum(score > own for score in scores)
    ties = sum(score == own for score in scores)
    return above + (ties + 1) / 2.0


def ac_at_k(ranks: Sequence[float], k: int) -> float:
    """Give the share of cases whose root is among the first k; infinity is a root not listed.

    >>> ac_at_k([1, 3, math.inf, 2], 2)
    0.5
    """
    return sum(rank <= k for rank in ranks) / len(ranks) if ranks else math.nan


def avg_at_k(ranks: Sequence[float], k: int) -> float:
    """Give the mean of AC@1 .. AC@k.

    >>> avg_at_k([1, 2], 2)
    0.75
    """
    return sum(ac_at_k(ranks, i) for i in range(1, k + 1)) / k


def mrr(ranks: Sequence[float]) -> float:
    """Give the mean reciprocal rank; a root that is not listed counts 0.

    >>> mrr([1, 2, math.inf])
    0.5
    """
    return sum(1.0 / rank for rank in ranks) / len(ranks) if ranks else math.nan


def chance_at_k(candidates: Sequence[int], k: int) -> float:
    """Give the AC@k that guessing has, from the numbers of candidates.

    >>> chance_at_k([2, 4], 1)
    0.375
    """
    hits = [min(k, n) / n if n else 0.0 for n in candidates]
    return math.fsum(hits) / len(hits) if hits else math.nan


def wilson(successes: float, trials: int) -> tuple[float, float]:
    """Give the 95 % Wilson interval of a rate; ties make successes that are no whole numbers.

    >>> [round(bound, 3) for bound in wilson(9, 10)]
    [0.596, 0.982]
    """
    if trials == 0:
        return (0.0, 1.0)
    rate, square = successes / trials, _Z95 * _Z95
    middle = (rate + square / (2 * trials)) / (1 + square / trials)
    spread = math.sqrt(rate * (1 - rate) / trials + square / (4 * trials * trials))
    half = _Z95 * spread / (1 + square / trials)
    return (max(middle - half, 0.0), min(middle + half, 1.0))


def brier(probabilities: Sequence[float], outcomes: Sequence[float]) -> float:
    """Give the mean squared difference between what was said and what came.

    >>> brier([0.9, 0.6], [True, False]).__round__(3)
    0.185
    """
    pairs = list(zip(probabilities, outcomes, strict=True))
    return math.fsum((p - o) ** 2 for p, o in pairs) / len(pairs) if pairs else math.nan


def ece(probabilities: Sequence[float], outcomes: Sequence[float], bins: int = 10) -> float:
    """Give the expected calibration error over bins of equal mass (sizes differ by at most one).

    Sum over the bins of share * |mean probability - rate|. Worked, one bin: 0.8 and 0.6, one of
    the two right: |0.7 - 0.5| = 0.2.

    >>> ece([0.8, 0.6], [True, False], bins=1).__round__(3)
    0.2
    """
    if not probabilities:
        return math.nan
    said = np.asarray(probabilities, dtype=np.float64)
    came = np.asarray(outcomes, dtype=np.float64)
    # Equal probabilities are ordered by outcome so that the input's order changes nothing.
    order = np.lexsort((came, said))
    parts = np.array_split(order, min(bins, said.size))
    gaps = [part.size * abs(float(said[part].mean() - came[part].mean())) for part in parts]
    return math.fsum(gaps) / said.size
