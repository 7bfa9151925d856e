"""Curves over answers: how honest probabilities are, and what holding back would have spared."""

from collections.abc import Sequence
from typing import Final

import numpy as np

POINTS: Final = 20
"""Points of a risk-coverage curve, at most."""


def reliability(
    probabilities: Sequence[float], outcomes: Sequence[float], bins: int = 10
) -> list[dict[str, float]]:
    """Give mean probability and rate for bins of equal mass, as `ece` has them.

    >>> reliability([0.2, 0.4, 0.9, 0.7], [0, 1, 1, 1], bins=2)
    [{'said': 0.3, 'came': 0.5, 'cases': 2}, {'said': 0.8, 'came': 1.0, 'cases': 2}]
    """
    if not probabilities:
        return []
    said = np.asarray(probabilities, dtype=np.float64)
    came = np.asarray(outcomes, dtype=np.float64)
    order = np.lexsort((came, said))
    return [
        {
            "said": round(float(said[part].mean()), 6),
            "came": round(float(came[part].mean()), 6),
            "cases": int(part.size),
        }
        for part in np.array_split(order, min(bins, said.size))
    ]


def risk_coverage(
    confidences: Sequence[float], outcomes: Sequence[float], cases: int
) -> list[dict[str, float]]:
    """Give the error among the most confident answers, for growing shares of all cases.

    Args:
        confidences: P(top-1) of each case that got an answer.
        outcomes: How right its first was (1, 0, or between on ties).
        cases: All cases; those without an answer are never covered.

    >>> risk_coverage([0.9, 0.5], [1, 0], cases=4)
    [{'coverage': 0.25, 'risk': 0.0}, {'coverage': 0.5, 'risk': 0.5}]
    """
    if not confidences or not cases:
        return []
    said = np.asarray(confidences, dtype=np.float64)
    order = np.argsort(-said, kind="stable")
    said, came = said[order], np.asarray(outcomes, dtype=np.float64)[order]
    # Equal confidences are answered together or not at all.
    ends = np.flatnonzero(np.append(said[1:] != said[:-1], True)) + 1
    if len(ends) > POINTS:
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, POINTS).round().astype(int))]
    right = np.cumsum(came)
    return [
        {
            "coverage": round(int(end) / cases, 6),
            "risk": round(1.0 - float(right[end - 1]) / int(end), 6),
        }
        for end in ends.tolist()
    ]
