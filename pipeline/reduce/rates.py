"""Samples to increments: what each series adds to its open pane.

Pure but for reading the series' last value and time. Invariant: rows that are not later than what
the series already gave change nothing, so repeats and stragglers are harmless.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.metric_meaning import Reading
from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.series_columns import SeriesColumns
from pipeline.reduce.series_facts import CODES

_COUNTED = (CODES[Reading.RATE], CODES[Reading.TOTAL])
_LEVEL, _DELTA = CODES[Reading.LEVEL], CODES[Reading.DELTA]
_STAMP, _UPTIME, _EXPIRY = CODES[Reading.STAMP], CODES[Reading.UPTIME], CODES[Reading.EXPIRY]
_LARGEST = 1e100
"""Larger values are no measurements, and sums of them would overflow."""
_RESTART_S = 1.0
"""Start times jitter by less than a second where they are computed from an uptime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Increments:
    """One row per series (distinct slots): what it adds, and its last time and value.

    `stopped` says that its last sample was a stale marker. `ignored` counts rows that came late
    or twice.
    """

    slots: NDArray[np.int64]
    sums: NDArray[np.float64]
    weights: NDArray[np.float64]
    samples: NDArray[np.int64]
    last_ms: NDArray[np.int64]
    last_value: NDArray[np.float64]
    stopped: NDArray[np.bool_]
    ignored: int


def increments(
    columns: SeriesColumns,
    slots: NDArray[np.int64],
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    config: ReduceConfig,
) -> Increments:
    """Turn the samples of one pane into increments per series."""
    count = len(slots)
    # The value orders conflicting repeats, so that the order of rows says nothing.
    order = np.lexsort((values, times, slots))
    slots, times, values = slots[order], times[order], values[order]
    same = np.zeros(count, np.bool_)
    same[1:] = slots[1:] == slots[:-1]
    fresh = times > columns.last_ms[slots]
    fresh[1:] &= ~(same[1:] & (times[1:] == times[:-1]))
    fresh &= ~(np.abs(values) > _LARGEST)  # a stale marker is no number, and stays
    if not fresh.all():
        slots, times, values = slots[fresh], times[fresh], values[fresh]
    return _summed(columns, slots, times, values, config, count - len(slots))


def _summed(
    columns: SeriesColumns,
    slots: NDArray[np.int64],
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    config: ReduceConfig,
    ignored: int,
) -> Increments:
    first = np.ones(len(slots), np.bool_)
    first[1:] = slots[1:] != slots[:-1]
    starts = np.flatnonzero(first)
    last = np.append(starts[1:], len(slots)) - 1 if len(slots) else starts
    before, before_ms = np.empty_like(values), np.empty_like(times)
    before[1:], before_ms[1:] = values[:-1], times[:-1]
    before[starts] = columns.last_value[slots[starts]]
    before_ms[starts] = columns.last_ms[slots[starts]]
    readings = columns.reading[slots]
    # -> sum, weight of each row; rows without a weight say nothing.
    elapsed = (times - before_ms) / 1000.0
    known = np.isfinite(before) & (elapsed <= config.counter_gap_seconds)
    delta = values - before
    sums, weights = values.copy(), np.ones_like(values)
    counted = np.isin(readings, _COUNTED)
    # A counter that fell was reset: what it shows now has come since.
    _put(sums, weights, counted, np.where(delta >= 0, delta, values), np.where(known, elapsed, 0))
    # The first increase of a delta series came since the last report; a pane is a fair guess.
    own = np.where(known, np.minimum(elapsed, config.pane_seconds), config.pane_seconds)
    _put(sums, weights, readings == _DELTA, values, own)
    _put(sums, weights, readings == _STAMP, delta > _RESTART_S, np.where(known, elapsed, 0))
    _put(sums, weights, readings == _UPTIME, delta < 0, np.where(known, elapsed, 0))
    _put(sums, weights, readings == _EXPIRY, values - times / 1000.0, weights)
    usable = np.isfinite(values) & (weights > 0)
    if not usable.all():
        sums, weights = np.where(usable, sums, 0.0), np.where(usable, weights, 0.0)
    if not len(starts):
        sums = weights = np.zeros(0)
    return Increments(
        slots=slots[starts],
        sums=np.add.reduceat(sums, starts) if len(starts) else sums,
        weights=np.add.reduceat(weights, starts) if len(starts) else weights,
        samples=np.add.reduceat(usable.astype(np.int64), starts) if len(starts) else starts,
        last_ms=times[last],
        last_value=values[last],
        stopped=np.isnan(values[last]),
        ignored=ignored,
    )


def _put(
    sums: NDArray[np.float64],
    weights: NDArray[np.float64],
    where: NDArray[np.bool_],
    new_sums: NDArray[np.float64] | NDArray[np.bool_],
    new_weights: NDArray[np.float64],
) -> None:
    if where.any():
        sums[where] = new_sums[where]
        weights[where] = new_weights[where]
