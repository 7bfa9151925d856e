"""Metrics of an overlay: each sample is that of the layer that strays most from its own past.

Two faults at once push a measurement about as far as the worse one alone does, so per family of
series and interval the layer with the largest deviation from its own pre-fault median is taken.
Counters are compared and joined by what they grew in the interval, never by their totals; a
histogram's buckets, sum and count are one family and stay consistent. A series that went silent
strays further than any value. The first layer is kept unless another one clearly strays (more
than `_CLEARLY` robust deviations), so healthy times are one layer's and not the wildest of two.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.overlay_layer import Layer
from schemas.telemetry import MetricBatch, MetricForm, Series

_CLEARLY = 5.0
_MAD_TO_SIGMA = 1.4826
_COUNTER_ENDS = ("_total", "_bucket", "_sum", "_count")
_FAMILY_ENDS = ("_bucket", "_sum", "_count", "_max")

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One layer's samples as series by intervals: when, what, its growth, how far it strays."""

    time_ms: NDArray[np.int64]
    value: Matrix
    growth: Matrix
    strays: Matrix


def lay_metrics(layers: Sequence[Layer], start_ms: int, end_ms: int) -> MetricBatch | None:
    """Return the layers' samples as one batch; None when no layer has any."""
    batches = [layer.recording.metrics for layer in layers]
    table = _table([b for b in batches if b is not None])
    if not table:
        return None
    counters = np.array([_is_counter(series) for series in table])
    step_ms = max(1, round(layers[0].recording.resolution_seconds * 1000))
    width = -(-(end_ms - start_ms) // step_ms)
    place = {(s.name, s.labels): i for i, s in enumerate(table)}
    grid = (start_ms, step_ms, width)
    sheets = [
        _sheet(layer, batch, place, counters, grid)
        for layer, batch in zip(layers, batches, strict=True)
        if batch is not None
    ]
    chosen = _choose(sheets, _families(table))
    return _batch(sheets, chosen, table, counters)


def _table(batches: Sequence[MetricBatch]) -> tuple[Series, ...]:
    found = {(s.name, s.labels): s for b in reversed(batches) for s in b.table}
    return tuple(found[key] for key in sorted(found))


def _is_counter(series: Series) -> bool:
    if series.form is MetricForm.UNKNOWN:
        return series.name.endswith(_COUNTER_ENDS)
    return series.form is MetricForm.COUNTER


def _families(table: Sequence[Series]) -> NDArray[np.int64]:
    """Number the families: one histogram or summary is one, any other series is its own."""
    numbers: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
    result = []
    for series in table:
        name = series.name
        for end in _FAMILY_ENDS:
            name = name.removesuffix(end)
        labels = tuple(pair for pair in series.labels if pair[0] not in {"le", "quantile"})
        result.append(numbers.setdefault((name, labels), len(numbers)))
    return np.array(result, np.int64)


def _sheet(
    layer: Layer,
    batch: MetricBatch,
    place: dict[tuple[str, tuple[tuple[str, str], ...]], int],
    counters: NDArray[np.bool_],
    grid: tuple[int, int, int],
) -> _Sheet:
    start_ms, step_ms, width = grid
    rows = np.array([place[s.name, s.labels] for s in batch.table], np.int64)[batch.series]
    at_ms = batch.time_ms + layer.shift_ms
    ticks = (at_ms - start_ms) // step_ms
    inside = (ticks >= 0) & (ticks < width)
    value = np.full((len(place), width), np.nan)
    time_ms = np.zeros((len(place), width), np.int64)
    value[rows[inside], ticks[inside]] = batch.value[inside]
    time_ms[rows[inside], ticks[inside]] = at_ms[inside]
    growth = np.where(counters[:, None], _growth(value), value)
    fault = (layer.fault.start_ms - start_ms) // step_ms
    covered = np.arange(width) >= (layer.start_ms - start_ms) // step_ms
    return _Sheet(time_ms, value, growth, _strays(growth, value, int(fault), covered))


def _growth(value: Matrix) -> Matrix:
    """What each counter grew since its last sample; after a reset, all that it holds."""
    present = ~np.isnan(value)
    last = np.where(present, np.arange(value.shape[1]), -1)
    last = np.maximum.accumulate(last, axis=1)
    before = np.full_like(last, -1)
    before[:, 1:] = last[:, :-1]
    earlier = np.take_along_axis(value, np.maximum(before, 0), axis=1)
    earlier = np.where(before >= 0, earlier, np.nan)
    grown = np.where(value >= earlier, value - earlier, value)
    return np.where(np.isnan(earlier) & present, 0.0, grown)


def _strays(growth: Matrix, value: Matrix, fault: int, covered: NDArray[np.bool_]) -> Matrix:
    """Robust deviations from the median before the fault; -inf where the layer says nothing.

    A series that was there before the fault and is missing strays infinitely.
    """
    past = growth[:, : max(1, fault)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # rows that are empty before the fault
        center = np.nanmedian(past, axis=1, keepdims=True)
        spread = np.nanmedian(np.abs(past - center), axis=1, keepdims=True)
    known = ~np.isnan(center)
    center, spread = np.where(known, center, 0.0), np.where(known, spread, 0.0)
    scale = _MAD_TO_SIGMA * spread + 0.01 * np.abs(center) + 1e-9
    present = ~np.isnan(value)
    missing = np.where(known, np.inf, -np.inf)
    strays = np.where(present, np.abs(growth - center) / scale, missing)
    return np.where(covered, strays, -np.inf)


def _choose(sheets: Sequence[_Sheet], families: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the layer to take, by series and interval."""
    shape = (int(families.max()) + 1, sheets[0].value.shape[1])
    best = np.full(shape, -np.inf)
    chosen = np.zeros(shape, np.int64)
    for number, sheet in enumerate(sheets):
        score = np.full(shape, -np.inf)
        np.maximum.at(score, families, sheet.strays)
        better = (score > best) & ((score > _CLEARLY) | (best == -np.inf))
        chosen[better], best[better] = number, score[better]
    return chosen[families]


def _batch(
    sheets: Sequence[_Sheet],
    chosen: NDArray[np.int64],
    table: tuple[Series, ...],
    counters: NDArray[np.bool_],
) -> MetricBatch:
    cell = (chosen, *np.indices(chosen.shape))
    time_ms = np.stack([s.time_ms for s in sheets])[cell]
    value = np.stack([s.value for s in sheets])[cell]
    growth = np.stack([s.growth for s in sheets])[cell]
    first = np.nanmax(np.stack([_first(s.value) for s in sheets]), axis=0)
    total = first[:, None] + np.cumsum(np.nan_to_num(growth), axis=1)
    value = np.where(counters[:, None] & ~np.isnan(value), total, value)
    series, tick = np.nonzero(time_ms)
    times = time_ms[series, tick]
    order = np.lexsort((series, times))
    return MetricBatch(
        series=series[order].astype(np.int32),
        time_ms=times[order],
        value=value[series, tick][order],
        table=table,
    )


def _first(value: Matrix) -> NDArray[np.float64]:
    """The first value of each row, 0 where there is none."""
    present = ~np.isnan(value)
    first = value[np.arange(len(value)), present.argmax(axis=1)]
    return np.where(present.any(axis=1), np.nan_to_num(first), 0.0)
