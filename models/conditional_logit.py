"""Fitting the conditional logit: convex, so there is one best answer and no seed.

P(c | I) = exp(w . phi(c)) / (exp(b . psi(I)) + sum over c of exp(w . phi(c))); the loss is the
weighted mean negative log likelihood plus a ridge that pulls towards the rule ranker's weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]  # SciPy ships no types

from models.readings import Array

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Many questions, their candidates one below the other.

    `starts` is where each question's candidates begin in `features`; `chosen` is the row of the
    root cause, or -1 for none of them; `weights` say how much each question counts.
    """

    features: Array
    starts: Integers
    context: Array
    chosen: Integers
    weights: Array

    @property
    def sizes(self) -> Integers:
        """Count the candidates of each question."""
        return np.diff(np.append(self.starts, len(self.features)))

    def only(self, questions: Integers) -> "Stack":
        """Take some of the questions, in the order given."""
        sizes = self.sizes[questions]
        rows = [np.arange(s, s + n) for s, n in zip(self.starts[questions], sizes, strict=True)]
        starts = np.cumsum(np.append(0, sizes[:-1])).astype(np.int64)
        chosen = self.chosen[questions]
        moved = np.where(chosen >= 0, chosen - self.starts[questions] + starts, -1)
        return Stack(
            features=self.features[np.concatenate(rows)],
            starts=starts,
            context=self.context[questions],
            chosen=moved,
            weights=self.weights[questions],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How likely every candidate, and none, is in each question of a stack."""

    candidates: Array
    none: Array
    log_chosen: Array


def choose(scores: Array, outside: Array, starts: Integers, chosen: Integers) -> Choice:
    """Apply the softmax within each question; every question has at least one candidate."""
    sizes = np.diff(np.append(starts, scores.size))
    top = np.maximum(np.maximum.reduceat(scores, starts), outside)
    terms = np.exp(scores - np.repeat(top, sizes))
    none = np.exp(outside - top)
    total = np.add.reduceat(terms, starts) + none
    picked = np.where(chosen >= 0, scores[np.maximum(chosen, 0)], outside)
    return Choice(
        candidates=terms / np.repeat(total, sizes),
        none=none / total,
        log_chosen=picked - top - np.log(total),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficients:
    """The fitted numbers: `weights` on the features, `outside` on the context."""

    weights: Array
    outside: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """What holds the fit where there is little evidence.

    The ridge pulls to `prior`, which is the answer without any; where `floored`, a weight is not
    let below 0.
    """

    prior: Coefficients
    ridge: float
    floored: tuple[bool, ...]


def loss(flat: Array, stack: Stack, pull: Pull) -> tuple[float, Array]:
    """Give the regularised loss and its gradient, at weights and outside one after the other."""
    width = pull.prior.weights.size
    weights, outside = flat[:width], flat[width:]
    choice = choose(stack.features @ weights, stack.context @ outside, stack.starts, stack.chosen)
    total = stack.weights.sum()
    of_rows = choice.candidates * np.repeat(stack.weights, stack.sizes)
    rooted = stack.chosen >= 0
    np.subtract.at(of_rows, stack.chosen[rooted], stack.weights[rooted])
    of_none = stack.weights * (choice.none - ~rooted)
    away = flat - np.concatenate([pull.prior.weights, pull.prior.outside])
    value = -(stack.weights @ choice.log_chosen) / total + pull.ridge / 2.0 * float(away @ away)
    slope = np.concatenate([stack.features.T @ of_rows, stack.context.T @ of_none]) / total
    return float(value), slope + pull.ridge * away


def fit(stack: Stack, pull: Pull, start: Coefficients | None = None) -> Coefficients:
    """Find the coefficients with the least loss (L-BFGS-B, analytic gradient).

    Args:
        stack: The questions with their answers.
        pull: What holds the fit.
        start: Where to begin; it changes how long it takes, not the answer.
    """
    begin = start or pull.prior
    lowest = [0.0 if floored else None for floored in pull.floored]
    found = minimize(
        loss,
        np.concatenate([begin.weights, begin.outside]),
        args=(stack, pull),
        jac=True,
        method="L-BFGS-B",
        bounds=[(low, None) for low in lowest] + [(None, None)] * begin.outside.size,
        options={"maxiter": 1000, "maxfun": 2000, "ftol": 1e-12, "gtol": 1e-6},
    )
    width = pull.prior.weights.size
    return Coefficients(weights=found.x[:width], outside=found.x[width:])


def stacked(
    features: Sequence[Array],
    context: Sequence[Array],
    roots: Sequence[int | None],
    weights: Sequence[float],
) -> Stack:
    """Put questions into a stack; each must have at least one candidate.

    Args:
        features: One matrix for each question.
        context: One vector for each question.
        roots: The place of the root among the question's candidates, or None.
        weights: How much each question counts.
    """
    sizes = [len(matrix) for matrix in features]
    starts = np.cumsum([0, *sizes[:-1]]).astype(np.int64)
    chosen = [-1 if r is None else s + r for r, s in zip(roots, starts.tolist(), strict=True)]
    return Stack(
        features=np.concatenate(features),
        starts=starts,
        context=np.stack(context),
        chosen=np.array(chosen, dtype=np.int64),
        weights=np.array(weights, dtype=np.float64),
    )
