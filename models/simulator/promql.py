"""A small part of PromQL over whole matrices: every evaluation of a rule in one go.

Column k is the evaluation after scrape k. NaN is absence, as an empty result is in PromQL.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.simulator.series import SeriesStore

Matrix = NDArray[np.float64]
LabelSet = dict[str, str]


class Vector:
    """An instant vector at every evaluation: label sets and one row of values for each."""

    def __init__(self, labels: Sequence[LabelSet], values: Matrix) -> None:
        self.labels = list(labels)
        self.values = values

    def __truediv__(self, other: "Vector") -> "Vector":
        """Divide by the element with the same labels; elements without one fall away."""
        pairs = self._matched(other)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = self._of(pairs, 0, self) / self._of(pairs, 1, other)
        values[~np.isfinite(values)] = np.nan
        return Vector([self.labels[i] for i, _ in pairs], values)

    def __add__(self, other: "Vector") -> "Vector":
        pairs = self._matched(other)
        values = self._of(pairs, 0, self) + self._of(pairs, 1, other)
        return Vector([self.labels[i] for i, _ in pairs], values)

    def joined(self, other: "Vector") -> "Vector":
        """Return the elements of both (`or`, where none has a match)."""
        return Vector([*self.labels, *other.labels], np.vstack((self.values, other.values)))

    def where(self, condition: NDArray[np.bool_]) -> "Vector":
        """Keep values where the condition holds, as a comparison does."""
        return Vector(self.labels, np.where(condition, self.values, np.nan))

    def above(self, limit: float) -> "Vector":
        """Keep values above a limit."""
        with np.errstate(invalid="ignore"):
            return self.where(self.values > limit)

    def below(self, limit: float) -> "Vector":
        """Keep values below a limit."""
        with np.errstate(invalid="ignore"):
            return self.where(self.values < limit)

    def given(self, other: "Vector") -> "Vector":
        """Keep values where the other vector has one with the same labels (`and`)."""
        pairs = self._matched(other)
        held = ~np.isnan(self._of(pairs, 1, other))
        left = Vector([self.labels[i] for i, _ in pairs], self._of(pairs, 0, self))
        return left.where(held)

    def scaled(self, factor: float) -> "Vector":
        """Multiply by a number."""
        return Vector(self.labels, self.values * factor)

    def shifted(self, ticks: int) -> "Vector":
        """Give the values as they were so many evaluations ago (`offset`)."""
        values = np.full_like(self.values, np.nan)
        if ticks < values.shape[1]:
            values[:, ticks:] = self.values[:, : values.shape[1] - ticks]
        return Vector(self.labels, values)

    def sum_by(self, *names: str) -> "Vector":
        """Sum over all labels but these; elements that have none of them fall away."""
        groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
        for index, labels in enumerate(self.labels):
            key = tuple((name, labels[name]) for name in names if name in labels)
            if key:
                groups.setdefault(key, []).append(index)
        rows = [_sum(self.values[indices]) for indices in groups.values()]
        shape = (len(rows), self.values.shape[1])
        return Vector([dict(key) for key in groups], np.array(rows).reshape(shape))

    def _matched(self, other: "Vector") -> list[tuple[int, int]]:
        index = {tuple(sorted(labels.items())): i for i, labels in enumerate(other.labels)}
        pairs = []
        for i, labels in enumerate(self.labels):
            j = index.get(tuple(sorted(labels.items())))
            if j is not None:
                pairs.append((i, j))
        return pairs

    def _of(self, pairs: list[tuple[int, int]], side: int, vector: "Vector") -> Matrix:
        return vector.values[[pair[side] for pair in pairs]]


class Query:
    """Selects from a store, and computes what PromQL's functions would."""

    def __init__(self, store: SeriesStore) -> None:
        self._interval = store.interval
        self._start_seconds = store.start_ms / 1000.0
        self._ticks = store.ticks
        self._rows: dict[str, list[tuple[LabelSet, Matrix]]] = {}
        for row in store.rows:
            self._rows.setdefault(row.name, []).append((dict(row.labels), row.values))

    def ticks(self, seconds: float) -> int:
        """Return how many evaluations a time is."""
        return max(1, round(seconds / self._interval))

    def get(self, name: str, **matchers: str) -> Vector:
        """Select series; a matcher that ends in `*` matches a prefix."""
        found = [
            (labels, values)
            for labels, values in self._rows.get(name, ())
            if all(_matches(labels.get(key, ""), want) for key, want in matchers.items())
        ]
        shape = (len(found), self._ticks)
        values = np.array([row for _, row in found], dtype=np.float64).reshape(shape)
        return Vector([labels for labels, _ in found], values)

    def until(self, name: str) -> Vector:
        """Return the seconds from each evaluation until a time that is a series' value."""
        vector = self.get(name)
        now = self._start_seconds + self._interval * np.arange(1, self._ticks + 1)
        return Vector(vector.labels, vector.values - now)

    def increase(self, name: str, seconds: float, **matchers: str) -> Vector:
        """Return how much counters grew over a window; a fall is a reset to zero."""
        vector = self.get(name, **matchers)
        grown, known = _growth(vector.values)
        window = self.ticks(seconds)
        total, count = _trailing(grown, window), _trailing(known, window)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.where(
                (count > 0) & ~np.isnan(vector.values), total * window / count, np.nan
            )
        return Vector(vector.labels, values)

    def rate(self, name: str, seconds: float, **matchers: str) -> Vector:
        """Return the increase a second over a window."""
        window = self.ticks(seconds) * self._interval
        return self.increase(name, seconds, **matchers).scaled(1.0 / window)

    def quantile(self, share: float, buckets: Vector, *names: str) -> Vector:
        """Return `histogram_quantile` of bucket rates, summed by these labels."""
        summed = buckets.sum_by(*names, "le")
        groups: dict[tuple[tuple[str, str], ...], list[tuple[float, int]]] = {}
        for index, labels in enumerate(summed.labels):
            key = tuple((n, labels[n]) for n in names if n in labels)
            groups.setdefault(key, []).append((float(labels["le"]), index))
        rows = []
        for members in groups.values():
            members.sort()
            bounds = np.array([bound for bound, _ in members])
            rows.append(_interpolate(share, bounds, summed.values[[i for _, i in members]]))
        shape = (len(rows), self._ticks)
        return Vector([dict(key) for key in groups], np.array(rows).reshape(shape))


def _matches(value: str, want: str) -> bool:
    return value.startswith(want[:-1]) if want.endswith("*") else value == want


def _sum(rows: Matrix) -> Matrix:
    """Sum rows; where all are absent the sum is."""
    total = np.nansum(rows, axis=0)
    total[np.isnan(rows).all(axis=0)] = np.nan
    return np.asarray(total)


def _growth(values: Matrix) -> tuple[Matrix, Matrix]:
    """Return the growth at each scrape and whether it is known."""
    grown, known = np.zeros_like(values), np.zeros_like(values)
    with np.errstate(invalid="ignore"):
        step = values[:, 1:] - values[:, :-1]
        step = np.where(step < 0, values[:, 1:], step)
    fine = ~np.isnan(step)
    grown[:, 1:] = np.where(fine, step, 0.0)
    known[:, 1:] = fine
    return grown, known


def _trailing(values: Matrix, window: int) -> Matrix:
    """Sum each row over the last `window` columns."""
    total = np.cumsum(values, axis=1)
    result = total.copy()
    result[:, window:] -= total[:, :-window]
    return result


def _interpolate(share: float, bounds: Matrix, counts: Matrix) -> Matrix:
    """Interpolate linearly inside the bucket that holds the quantile, as Prometheus does."""
    total = counts[-1]
    rank = share * total
    with np.errstate(divide="ignore", invalid="ignore"):
        index = np.sum(counts < rank, axis=0)
        index = np.minimum(index, len(bounds) - 1)
        columns = np.arange(counts.shape[1])
        lower = np.where(index > 0, bounds[np.maximum(index - 1, 0)], 0.0)
        before = np.where(index > 0, counts[np.maximum(index - 1, 0), columns], 0.0)
        inside = counts[index, columns] - before
        upper = bounds[index]
        value = lower + (upper - lower) * (rank - before) / inside
        value = np.where(index == len(bounds) - 1, bounds[-2], value)
    value[~(total > 0)] = np.nan
    return np.asarray(value)
