"""How far series went from where they were: the arithmetic that the metric baselines share.

As their authors do, a series that is constant before the onset or after it is left out, so every
scale is above 0 or falls back to 1.
"""

from collections.abc import Callable, Iterable

import numpy as np

from models.baselines.case import Array, BaselineCase, RawSeries, Scores

Deviation = Callable[[RawSeries], Array]
LEAST_BEFORE = 3
"""Fewer samples before the onset make no normal."""


def usable(case: BaselineCase) -> list[RawSeries]:
    """Keep the series that moved, before the onset and after it."""
    return [s for s in case.series if _moves(s.before, LEAST_BEFORE) and _moves(s.after, 1)]


def _moves(values: Array, least: int) -> bool:
    return len(values) >= least and (len(values) == 1 or bool(np.ptp(values) > 0))


def by_mean(series: RawSeries) -> Array:
    """Give (x - mean) / standard deviation of every sample after the onset.

    >>> by_mean(RawSeries(component="a", metric_class="cpu", before=np.array([1.0, 3.0]),
    ...                   after=np.array([5.0]))).tolist()
    [3.0]
    """
    mean, deviation = float(series.before.mean()), float(series.before.std())
    return np.asarray((series.after - mean) / _scale(deviation, mean), dtype=np.float64)


def by_quartiles(series: RawSeries) -> Array:
    """Give (x - median) / interquartile range of every sample after the onset.

    >>> by_quartiles(RawSeries(component="a", metric_class="cpu", after=np.array([7.0]),
    ...                        before=np.array([1.0, 2.0, 3.0, 4.0, 5.0]))).tolist()
    [2.0]
    """
    low, middle, high = np.percentile(series.before, (25, 50, 75)).tolist()
    return np.asarray((series.after - middle) / _scale(high - low, middle), dtype=np.float64)


def by_mad(series: RawSeries) -> Array:
    """Give |x - median| / (1.4826 * median absolute deviation) of every sample after the onset.

    >>> by_mad(RawSeries(component="a", metric_class="cpu", after=np.array([3 + 1.4826]),
    ...                  before=np.array([1.0, 2.0, 3.0, 4.0, 5.0]))).round(6).tolist()
    [1.0]
    """
    middle = float(np.median(series.before))
    mad = float(np.median(np.abs(series.before - middle)))
    scale = _scale(1.4826 * mad, middle)
    return np.asarray(np.abs(series.after - middle) / scale, dtype=np.float64)


def _scale(found: float, centre: float) -> float:
    """Take a scale that is only rounding for none, and none for 1, as scikit-learn scales."""
    return found if found > 1e-9 * abs(centre) else 1.0


def largest(series: Iterable[RawSeries], by: Deviation) -> dict[str, float]:
    """Give the largest deviation of any series by component; who has no series is absent."""
    best: dict[str, float] = {}
    for one in series:
        value = float(by(one).max())
        if np.isfinite(value):
            best[one.component] = max(best.get(one.component, -np.inf), value)
    return best


def strongest(case: BaselineCase, series: Iterable[RawSeries], by: Deviation) -> Scores | None:
    """Score every candidate by the largest deviation of any of its series; None without series.

    Who has no series comes after everybody who has one.
    """
    best = largest(series, by)
    if not any(name in best for name in case.candidates):
        return None
    floor = min(best.values()) - 1.0
    return {name: best.get(name, floor) for name in case.candidates}
