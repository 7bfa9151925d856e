"""Raw metric series by component and class, cut at the onset: what metric baselines read.

Counters become rates, a histogram's _sum over _count its mean, bytes megabytes (so that a series
with no scale of its own does not drown the others, as RCAEval has it); nothing is smoothed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.baselines.case import Array, RawSeries
from pipeline.metric_class import MetricMeaning, classify
from pipeline.metric_meaning import Reading
from schemas.resolve import Resolver
from schemas.telemetry import MetricBatch, Series

Times = NDArray[np.int64]
_QUANTILE = re.compile(r"p9\d|(^|[_.])9\d(th)?$|quantile=\"?0\.9|percentile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where the past ends and what belongs to the fault: [start, onset) and [onset, until]."""

    start_ms: int
    onset_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class _Samples:
    series: Series
    meaning: MetricMeaning
    times: Times
    values: Array


def raw_series(metrics: MetricBatch, resolver: Resolver, cut: Cut) -> list[RawSeries]:
    """Read every series that says something into samples before and after the onset."""
    samples = list(_samples(metrics))
    counts = {
        (s.meaning.stem, s.series.labels): s
        for s in samples
        if s.meaning.stem and s.meaning.reading is not Reading.TOTAL
    }
    found = []
    for one in samples:
        times, values = _read(one, counts.get((one.meaning.stem, one.series.labels)))
        finite = np.isfinite(values)
        times, values = times[finite], values[finite] / _unit(one.series)
        component = resolver.component(one.series.labels, metric=one.series.name).component
        found.append(
            RawSeries(
                component=component.name,
                metric_class=one.meaning.metric_class.value,
                before=values[(times >= cut.start_ms) & (times < cut.onset_ms)],
                after=values[(times >= cut.onset_ms) & (times <= cut.until_ms)],
                quantile=bool(_QUANTILE.search(_spelt(one.series))),
            )
        )
    return found


def _samples(metrics: MetricBatch) -> Iterator[_Samples]:
    order = np.lexsort((metrics.time_ms, metrics.series))
    series = metrics.series[order]
    bounds = np.searchsorted(series, np.arange(len(metrics.table) + 1))
    for place, described in enumerate(metrics.table):
        rows = order[bounds[place] : bounds[place + 1]]
        meaning = classify(described.name, described.labels, described.unit, described.form)
        if len(rows) and meaning.reading is not Reading.IGNORED:
            yield _Samples(described, meaning, metrics.time_ms[rows], metrics.value[rows])


def _read(one: _Samples, count: _Samples | None) -> tuple[Times, Array]:
    if one.meaning.reading is Reading.TOTAL and count is not None:
        times, own, other = np.intersect1d(one.times, count.times, return_indices=True)
        grown = _grown(count.values[other])
        with np.errstate(divide="ignore", invalid="ignore"):
            return times[1:], np.where(grown > 0, _grown(one.values[own]) / grown, np.nan)
    if one.meaning.reading in (Reading.TOTAL, Reading.RATE):
        seconds = np.diff(one.times) / 1000.0
        with np.errstate(divide="ignore", invalid="ignore"):
            return one.times[1:], np.where(seconds > 0, _grown(one.values) / seconds, np.nan)
    return one.times, one.values


def _grown(values: Array) -> Array:
    """Give what a counter grew by; one that fell was reset, and shows what has come since."""
    grown = np.diff(values)
    return np.where(grown >= 0, grown, values[1:])


def _unit(series: Series) -> float:
    return 1e6 if "bytes" in series.name.lower() or series.unit.lower() == "by" else 1.0


def _spelt(series: Series) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in series.labels)
    return f"{series.name},{labels}".lower()
