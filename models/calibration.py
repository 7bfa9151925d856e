"""From scores to probabilities: one softmax over the candidates and the option "none of these".

Four numbers, fitted on predictions for cases the weights have not seen, turn scores into
probabilities; two of them let early firings, with little evidence in, be less sure than late ones.
"""

import math
from dataclasses import dataclass

import numpy as np

from models.readings import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """P(c) ~ exp(a s_c), P(none) ~ exp(a o + b), with a = exp(p + q e) and b = r + t e.

    s_c is a candidate's score, o the outside option's, e the elapsed reading in [0, 1] (0 at the
    first alert, 1 from five minutes on); `sharpness` is p, `sharpness_elapsed` q, `none` r and
    `none_elapsed` t. All zero means that the scores are taken as they are.
    """

    sharpness: float = 0.0
    sharpness_elapsed: float = 0.0
    none: float = 0.0
    none_elapsed: float = 0.0

    def scale(self, elapsed: float) -> float:
        """Give the factor a on all scores at this elapsed reading."""
        return math.exp(self.sharpness + self.sharpness_elapsed * elapsed)

    def shift(self, elapsed: float) -> float:
        """Give what is added to the outside option at this elapsed reading."""
        return self.none + self.none_elapsed * elapsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """Probabilities of the candidates, in their order, and of none of them; they sum to 1."""

    candidates: tuple[float, ...]
    none: float


def posterior(
    scores: Array, outside: float, elapsed: float, calibration: Calibration
) -> Posterior:
    """Apply a calibration: the softmax of the scaled scores and the shifted outside option.

    Sums are exact (fsum), so the order of the candidates changes nothing.

    >>> posterior(np.array([math.log(3.0)]), 0.0, 1.0, Calibration()).none.__round__(3)
    0.25
    """
    scale = calibration.scale(elapsed)
    scaled = [scale * float(score) for score in scores]
    last = scale * outside + calibration.shift(elapsed)
    top = max([last, *scaled])
    terms = [math.exp(value - top) for value in scaled]
    total = math.fsum([math.exp(last - top), *terms])
    return Posterior(
        candidates=tuple(term / total for term in terms), none=math.exp(last - top) / total
    )


def scores_of(features: Array, weights: Array) -> Array:
    """Score each candidate; row by row, so that equal rows get equal scores wherever they stand.

    >>> scores_of(np.array([[1.0, 0.5]]), np.array([2.0, 4.0])).tolist()
    [4.0]
    """
    return np.asarray((features * weights).sum(axis=1), dtype=np.float64)
