"""Series on a common grid of evaluations, and where on it a rule's condition holds.

Pure numpy under `rule_pack`. Invariant: causal, what holds at an evaluation depends on samples
up to it alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.importers.rule_table import Rule

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

PAST_MS = 30 * 60_000
"""How long before an evaluation its past begins."""
LEAST_PAST = 10
"""The fewest evaluations with a value that make a past."""
SET_ASIDE_MS = 15 * 60_000
"""How long values for which the condition held are no part of the past."""
_SCALE_SHARE = 0.05
"""The smallest scale of a series, as a share of its median."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What each series was before an evaluation; NaN where there is too little of it."""

    median: Floats
    scale: Floats
    low: Floats  # 5th percentile
    high: Floats  # 95th percentile


def on_grid(times_ms: NDArray[np.int64], values: Floats, grid: NDArray[np.int64]) -> Floats:
    """Return the mean of the samples in (grid[i - 1], grid[i]] for each i, NaN without any.

    >>> on_grid(np.array([1, 2, 9]), np.array([4.0, 6.0, 7.0]), np.array([0, 5, 10])).tolist()
    [nan, 5.0, 7.0]
    """
    known = np.isfinite(values)
    slot = np.searchsorted(grid, times_ms[known], side="left")
    inside = slot < len(grid)
    slot = slot[inside]
    sums = np.bincount(slot, weights=values[known][inside], minlength=len(grid))
    counts = np.bincount(slot, minlength=len(grid))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts > 0, sums / counts, np.nan)


def holds(rule: Rule, values: Floats, judged: Floats, step_ms: int) -> Flags:
    """Say for each evaluation (row) and series (column) whether a rule's condition holds.

    Args:
        rule: What must hold.
        values: All values, of which a past is made: in many, a shaky one does no harm.
        judged: Those that may break a rule, NaN for the others.
        step_ms: From row to row.
    """
    rows = len(values)
    held = np.zeros(values.shape, dtype=np.bool_)
    reach, aside = PAST_MS // step_ms, SET_ASIDE_MS // step_ms
    for row in range(LEAST_PAST, rows):
        first = max(0, row - reach)
        past = values[first:row].copy()
        recent = np.arange(first, row) >= row - aside
        past[held[first:row] & recent[:, None]] = np.nan
        held[row] = _condition(rule, judged[row], _describe(past))
    return held


def _describe(past: Floats) -> Past:
    """Sort once and pick: NumPy's own NaN-aware quantiles take ten times as long."""
    counts = np.isfinite(past).sum(axis=0)
    ordered = np.sort(past, axis=0)  # NaN goes last
    median = _quantile(ordered, counts, 0.5)
    spread = np.sort(np.abs(past - median), axis=0)
    return Past(
        median=median,
        scale=np.maximum(1.4826 * _quantile(spread, counts, 0.5), _SCALE_SHARE * np.abs(median)),
        low=_quantile(ordered, counts, 0.05),
        high=_quantile(ordered, counts, 0.95),
    )


def _quantile(ordered: Floats, counts: NDArray[np.int64], share: float) -> Floats:
    """Return a quantile of each column's first `count` values, NaN where they are too few."""
    place = share * np.maximum(counts - 1, 0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(counts - 1, 0))
    columns = np.arange(ordered.shape[1])
    first, second = ordered[below, columns], ordered[above, columns]
    return np.where(counts >= LEAST_PAST, first + (second - first) * (place - below), np.nan)


def _condition(rule: Rule, now: Floats, past: Past) -> Flags:
    """Every comparison with NaN is false, so what is not known is no alert."""
    if rule.falls:
        change = past.median - now
        held = (now <= rule.factor * past.median) & (now < past.low / rule.beyond)
        held &= now < rule.limit if rule.limit is not None else True
    else:
        change = now - past.median
        held = (now >= rule.factor * past.median) & (now >= rule.beyond * past.high)
        held &= now > rule.limit if rule.limit is not None else True
    return held & (change >= rule.change) & (change >= rule.score * past.scale)
