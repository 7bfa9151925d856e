"""What alert rules look at where a set has spans: each service's answers in panes of 30 s.

Answers are the spans by which a service was entered. Invariant: a sample stands at the end of a
pane that lies wholly within the time of the spans, and is of nothing later.
"""

import numpy as np
from numpy.typing import NDArray

from agents.importers.rule_pack import RuleSeries
from agents.importers.span_table import SpanTable
from pipeline.metric_meaning import MetricClass

PANE_MS = 30_000
LATENCY_QUANTILE = 0.9


def rule_series(table: SpanTable) -> tuple[RuleSeries, ...]:
    """Return latency, errors and traffic of every service, with how many answers they rest on."""
    if not len(table):
        return ()
    entry = table.where(table.entry)
    order = np.argsort(entry.end_ns, kind="stable")
    entry = entry.where(order)
    first_ms = int(table.start_ns.min() // 1_000_000) + PANE_MS
    last_ms = int(table.start_ns.max() // 1_000_000)
    times = np.arange(-(-first_ms // PANE_MS), last_ms // PANE_MS + 1) * PANE_MS
    service = entry.service
    found: list[RuleSeries] = []
    for number, name in enumerate(sorted(set(table.services))):
        found += _of_service(name, times, entry.where(service == number))
    return tuple(found)


def _of_service(name: str, times_ms: NDArray[np.int64], answers: SpanTable) -> list[RuleSeries]:
    """Return one service's series; its answers are in order of their ends."""
    ends_ms = answers.end_ns // 1_000_000
    seconds = (answers.end_ns - answers.start_ns) / 1e9
    begin = np.searchsorted(ends_ms, times_ms - PANE_MS)
    until = np.searchsorted(ends_ms, times_ms)
    windows = list(zip(begin.tolist(), until.tolist(), strict=True))
    latency = [
        np.quantile(seconds[a:b], LATENCY_QUANTILE) if a < b else np.nan for a, b in windows
    ]
    failed = [answers.failed[a:b].mean() if a < b else np.nan for a, b in windows]
    calls = (until - begin).astype(np.float64)
    values = {
        MetricClass.LATENCY: np.array(latency, np.float64),
        MetricClass.ERRORS: np.array(failed, np.float64),
        MetricClass.TRAFFIC: calls / (PANE_MS / 1000),
    }
    return [
        RuleSeries(
            component=name,
            metric_class=each,
            times_ms=times_ms,
            values=column,
            calls=None if each is MetricClass.TRAFFIC else calls,
        )
        for each, column in values.items()
    ]
