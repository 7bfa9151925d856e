"""How much the logit and how much the forest say: two numbers, fitted on cases neither has seen.

score(c) = a * logit score + b * forest log odds, and a * the logit's "none of these"; a and b are
what makes unseen answers most likely, so that a forest that does not transfer gets no say.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]  # SciPy ships no types

from models.conditional_logit import choose
from models.readings import Array
from models.unseen import Unseen

LEAST_SAY = 0.05
"""A forest with a smaller weight beside the logit's 1 is left out."""
MOST_SAY = 20.0
STRANGERS_SAY = 0.3
"""The most for systems that are not among the cases: a forest knows too well those it grew on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """Weights of the two parts of a score."""

    logit: float = 1.0
    forest: float = 0.0

    @property
    def has_forest(self) -> bool:
        """Whether the forest has a say."""
        return self.forest > 0.0


def fit_blend(unseen: Unseen, odds: Array, most: float = MOST_SAY) -> Blend:
    """Find the two weights, at least 0, that make the unseen answers most likely.

    Args:
        unseen: Logit scores for questions that the logit was not fitted on.
        odds: The forest's log odds for the same candidates, by forests that had not seen them.
        most: The most that the forest may weigh beside the logit's 1.
    """
    sizes = np.diff(np.append(unseen.starts, unseen.scores.size))
    total = unseen.weights.sum()

    def loss(flat: Array) -> float:
        scores = flat[0] * (unseen.scores + flat[1] * odds)
        choice = choose(scores, flat[0] * unseen.outside + flat[2], unseen.starts, unseen.chosen)
        return float(-(unseen.weights @ choice.log_chosen) / total + 1e-3 * float(flat @ flat))

    assert len(odds) == int(sizes.sum()), "one number for each candidate"
    found = minimize(
        loss,
        np.array([1.0, 0.1, 0.0]),
        method="L-BFGS-B",
        bounds=[(0.01, 5.0), (0.0, most), (-6.0, 6.0)],
    )
    logit, share, _ = (float(value) for value in found.x)
    if share < LEAST_SAY:
        return Blend()
    return Blend(logit=round(logit, 6), forest=round(logit * share, 6))


def blended(unseen: Unseen, odds: Array | None, blend: Blend) -> Unseen:
    """Give the questions their blended scores."""
    scores = blend.logit * unseen.scores
    if odds is not None and blend.has_forest:
        scores = scores + blend.forest * odds
    return Unseen(
        scores=scores,
        outside=blend.logit * unseen.outside,
        elapsed=unseen.elapsed,
        starts=unseen.starts,
        chosen=unseen.chosen,
        weights=unseen.weights,
    )
