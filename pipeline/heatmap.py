"""L2: the metrics that move with the incident, and how they move together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.case_view import CaseView
from pipeline.metric_reading import SeriesReading
from pipeline.timestamps import rfc3339
from schemas.incident import CorrelatedMetric

_MIN_Z = 3.0


def correlated_metrics(case: CaseView, *, first: Sequence[str]) -> tuple[CorrelatedMetric, ...]:
    """Return the metrics that left their baseline furthest, with their correlation matrix.

    Args:
        case: the incident.
        first: components in the order in which they matter (the ranking); each of the first few
            gets a place before the rest compete by z.
    """
    limit = case.scene.config.max_metrics
    rows = [
        (name, series)
        for name in case.candidates
        for series in case.scene.metrics(name).series
        if abs(series.peak_z) >= _MIN_Z
    ]
    rows.sort(key=lambda r: (-abs(r[1].peak_z), r[0], r[1].series_id))
    chosen = _spread(rows, first, limit)
    matrix = _correlations([series for _, series in chosen])
    return tuple(
        CorrelatedMetric(
            component=name,
            metric=series.metric + (f" ({series.holder})" if series.holder else ""),
            metric_class=series.metric_class,
            onset_at=rfc3339(series.onset_ms) if series.onset_ms is not None else None,
            z=tuple(None if z is None else round(z, 2) for z in series.z),
            correlation=tuple(round(float(r), 2) for r in matrix[i]),
        )
        for i, (name, series) in enumerate(chosen)
    )


def _spread(
    rows: list[tuple[str, SeriesReading]], first: Sequence[str], limit: int
) -> list[tuple[str, SeriesReading]]:
    """At most three rows per component for the leading ones, then the furthest of all."""
    chosen: list[tuple[str, SeriesReading]] = []
    for name in first[:3]:
        chosen += [r for r in rows if r[0] == name][:3]
    chosen += [r for r in rows if r not in chosen]
    return chosen[:limit]


def _correlations(series: Sequence[SeriesReading]) -> NDArray[np.float64]:
    """Pearson correlation of z rows; a gap counts as "at the baseline", a flat row as 0."""
    if not series:
        return np.zeros((0, 0))
    z = np.array([[0.0 if v is None else v for v in s.z] for s in series])
    z -= z.mean(axis=1, keepdims=True)
    norm = np.sqrt((z * z).sum(axis=1))
    scale = np.outer(norm, norm)
    matrix = np.divide(z @ z.T, scale, out=np.zeros_like(scale), where=scale > 1e-12)
    np.fill_diagonal(matrix, 1.0)
    clipped: NDArray[np.float64] = np.clip(matrix, -1.0, 1.0)
    return clipped
