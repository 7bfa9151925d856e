"""What was scraped: one value a series and scrape, kept as rows of a matrix.

Scrape k of a target happens at its phase after k intervals, so all rows share the column index
and rules can be computed over whole matrices. NaN means: not there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.telemetry import Labels, MetricBatch, Series, labels_of

Read = Callable[[], float]


COUNTED_ONCE_SEEN = frozenset({"log_messages_total", "logback_events_total", "prober_probe_total"})
"""Counters of which a series exists only once it has counted something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One series of a target: its name, its own labels and where its value comes from."""

    name: str
    labels: dict[str, str]
    read: Read
    exported: bool = True


@dataclass(slots=True, kw_only=True)
class Row:
    """One series and its scraped values; `phase` is when in the interval it is scraped."""

    name: str
    labels: Labels
    phase: float
    exported: bool
    values: NDArray[np.float64]


@dataclass(slots=True, kw_only=True)
class SeriesStore:
    """All rows of one run."""

    start_ms: int
    ticks: int
    interval: int
    rows: list[Row] = field(default_factory=list)

    def add(
        self, name: str, labels: dict[str, str], phase: float, *, exported: bool = True
    ) -> NDArray[np.float64]:
        """Add a row of nothing and return its values to be filled in."""
        values = np.full(self.ticks, np.nan)
        row = Row(
            name=name, labels=labels_of(labels), phase=phase, exported=exported, values=values
        )
        self.rows.append(row)
        return values

    def batch(self) -> MetricBatch:
        """Return all samples in the order of time, with a stale marker where a series ends."""
        rows = [row for row in self.rows if row.exported and _worth_sending(row)]
        matrix = np.array([row.values for row in rows]).reshape(len(rows), self.ticks)
        present = ~np.isnan(matrix)
        ended = np.zeros_like(present)
        ended[:, 1:] = present[:, :-1] & ~present[:, 1:]
        series, tick = np.nonzero(present | ended)
        phase = np.array([row.phase for row in rows])
        seconds = tick * self.interval + phase[series]
        time_ms = self.start_ms + np.rint(seconds * 1000.0).astype(np.int64)
        order = np.lexsort((series, time_ms))
        return MetricBatch(
            series=series[order].astype(np.int32),
            time_ms=time_ms[order],
            value=matrix[series, tick][order],
            table=tuple(Series(name=row.name, labels=row.labels) for row in rows),
        )


def _worth_sending(row: Row) -> bool:
    """Whether a series exists: one that counts a status code does once the code occurred."""
    values = row.values[~np.isnan(row.values)]
    if not len(values):
        return False
    rare = row.name == "http_requests_total" and ("code", "200") not in row.labels
    rare = rare or row.name in COUNTED_ONCE_SEEN
    return not rare or bool(values.any())
