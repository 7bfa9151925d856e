"""What alert rules look at where a set has spans: each service's answers per pane.

Answers are the spans by which a service was entered. Invariant: a pane without enough of them has
no latency, and none within the time of the spans has no traffic of zero.
"""

import numpy as np
from numpy.typing import NDArray

from agents.importers.rule_pack import RuleSeries
from agents.importers.span_table import SpanTable
from pipeline.metric_meaning import MetricClass

PANE_MS = 30_000
LATENCY_QUANTILE = 0.9
LEAST_ANSWERS = 3
"""The fewest answers of a pane that give a latency or a share of errors."""


def rule_series(table: SpanTable) -> tuple[RuleSeries, ...]:
    """Return latency, errors and traffic of every service; a pane's sample is at its end."""
    if not len(table):
        return ()
    entry = table.where(table.entry)
    ends = entry.end_ns // 1_000_000
    first = int(table.start_ns.min() // 1_000_000) // PANE_MS
    # The last pane is mostly cut off by the end of the spans.
    panes = np.arange(first + 1, int(table.end_ns.max() // 1_000_000) // PANE_MS)
    if not len(panes):
        return ()
    slot = ends // PANE_MS - panes[0]
    inside = (slot >= 0) & (slot < len(panes))
    names = sorted(set(table.services))
    found: list[RuleSeries] = []
    for number, name in enumerate(names):
        rows = inside & (entry.service == number)
        seconds = (entry.end_ns - entry.start_ns)[rows] / 1e9
        found += _of_service(name, panes, slot[rows], seconds=seconds, failed=entry.failed[rows])
    return tuple(found)


def _of_service(
    name: str,
    panes: NDArray[np.int64],
    slot: NDArray[np.int64],
    *,
    seconds: NDArray[np.float64],
    failed: NDArray[np.bool_],
) -> list[RuleSeries]:
    count = np.bincount(slot, minlength=len(panes)).astype(np.float64)
    enough = count >= LEAST_ANSWERS
    errors = np.bincount(slot, weights=failed, minlength=len(panes))
    share = np.where(enough, errors / np.maximum(count, 1.0), np.nan)
    latency = np.full(len(panes), np.nan)
    for pane in np.flatnonzero(enough).tolist():
        latency[pane] = np.quantile(seconds[slot == pane], LATENCY_QUANTILE)
    values = {
        MetricClass.LATENCY: latency,
        MetricClass.ERRORS: share,
        MetricClass.TRAFFIC: count / (PANE_MS / 1000),
    }
    times = (panes + 1) * PANE_MS
    return [
        RuleSeries(component=name, metric_class=each, times_ms=times, values=column)
        for each, column in values.items()
    ]
