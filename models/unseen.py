"""Scores for questions by coefficients that were fitted without them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.conditional_logit import Coefficients, Integers, Stack
from models.features import FEATURES
from models.forest import Forest
from models.readings import Array

_ELAPSED = FEATURES.context.index("elapsed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A stack's questions with their scores; `elapsed` is the reading from the context."""

    scores: Array
    outside: Array
    elapsed: Array
    starts: Integers
    chosen: Integers
    weights: Array

    def only(self, questions: Integers) -> "Unseen":
        """Take some of the questions, in the order given."""
        sizes = np.diff(np.append(self.starts, self.scores.size))[questions]
        begins = self.starts[questions]
        rows = [np.arange(b, b + n) for b, n in zip(begins, sizes, strict=True)]
        starts = np.cumsum(np.append(0, sizes[:-1])).astype(np.int64)
        chosen = self.chosen[questions]
        return Unseen(
            scores=self.scores[np.concatenate(rows)],
            outside=self.outside[questions],
            elapsed=self.elapsed[questions],
            starts=starts,
            chosen=np.where(chosen >= 0, chosen - begins + starts, -1),
            weights=self.weights[questions],
        )


def score(stack: Stack, coefficients: Coefficients) -> Unseen:
    """Score a stack by given coefficients."""
    return Unseen(
        scores=stack.features @ coefficients.weights,
        outside=stack.context @ coefficients.outside,
        elapsed=stack.context[:, _ELAPSED],
        starts=stack.starts,
        chosen=stack.chosen,
        weights=stack.weights,
    )


def score_by_folds(stack: Stack, folds: Integers, fit: Callable[[Stack], Coefficients]) -> Unseen:
    """Score each question by coefficients fitted on the other folds.

    Args:
        stack: The questions.
        folds: The fold of each question; what must stay together shares one.
        fit: Fits coefficients to a part of the stack.
    """
    scores = np.zeros(len(stack.features))
    outside = np.zeros(len(stack.starts))
    of_rows = np.repeat(folds, stack.sizes)
    for fold in np.unique(folds).tolist():
        coefficients = fit(stack.only(np.flatnonzero(folds != fold)))
        scores[of_rows == fold] = stack.features[of_rows == fold] @ coefficients.weights
        outside[folds == fold] = stack.context[folds == fold] @ coefficients.outside
    return Unseen(
        scores=scores,
        outside=outside,
        elapsed=stack.context[:, _ELAPSED],
        starts=stack.starts,
        chosen=stack.chosen,
        weights=stack.weights,
    )


def odds_by_folds(stack: Stack, folds: Integers, grow: Callable[[Stack], Forest]) -> Array:
    """Give each candidate the log odds of a forest that was grown on the other folds."""
    odds = np.zeros(len(stack.features))
    of_rows = np.repeat(folds, stack.sizes)
    for fold in np.unique(folds).tolist():
        forest = grow(stack.only(np.flatnonzero(folds != fold)))
        odds[of_rows == fold] = forest.log_odds(stack.features[of_rows == fold])
    return odds


def folds_of(groups: list[str], most: int) -> Integers:
    """Deal groups out to folds in turn, in the order of their names; a group stays whole.

    >>> folds_of(["b", "a", "b", "c"], 2).tolist()
    [1, 0, 1, 0]
    """
    names = sorted(set(groups))
    places = {name: place % most for place, name in enumerate(names)}
    return np.array([places[group] for group in groups], dtype=np.int64)
