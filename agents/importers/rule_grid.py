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
LEAST_PAST = 8
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
    p95: Floats


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


def holds(rule: Rule, values: Floats, step_ms: int) -> Flags:
    """Say for each evaluation (row) and series (column) whether a rule's condition holds."""
    rows = len(values)
    held = np.zeros(values.shape, dtype=np.bool_)
    reach, aside = PAST_MS // step_ms, SET_ASIDE_MS // step_ms
    for row in range(LEAST_PAST, rows):
        first = max(0, row - reach)
        past = values[first:row].copy()
        recent = np.arange(first, row) >= row - aside
        past[held[first:row] & recent[:, None]] = np.nan
        held[row] = _condition(rule, values[row], _describe(past))
    return held


def _describe(past: Floats) -> Past:
    counts = np.isfinite(past).sum(axis=0)
    enough = counts >= LEAST_PAST
    empty = np.full(past.shape[1], np.nan)
    found = Past(median=empty, scale=empty.copy(), p95=empty.copy())
    if not enough.any():
        return found
    kept = past[:, enough]
    median = np.nanmedian(kept, axis=0)
    spread = 1.4826 * np.nanmedian(np.abs(kept - median), axis=0)
    found.median[enough] = median
    found.scale[enough] = np.maximum(spread, _SCALE_SHARE * np.abs(median))
    found.p95[enough] = np.nanquantile(kept, 0.95, axis=0)
    return found


def _condition(rule: Rule, now: Floats, past: Past) -> Flags:
    """Every comparison with NaN is false, so what is not known is no alert."""
    if rule.falls:
        held = (now <= rule.factor * past.median) & (past.median - now >= rule.change)
        held &= past.median - now >= rule.score * past.scale
        return held if rule.limit is None else held & (now < rule.limit)
    held = (now >= rule.factor * past.median) & (now - past.median >= rule.change)
    held &= now - past.median >= rule.score * past.scale
    if rule.beyond:
        held &= now > rule.beyond * past.p95
    return held if rule.limit is None else held & (now > rule.limit)
