"""Sums of panes: what several sources (partitions) saw of one key in one pane, as one pane."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.sketch import merge
from schemas.signal import EdgePane, Exemplar, SeriesPane, ServicePane, Sketch, StatementTotal

_EXEMPLARS = 6
_STATEMENTS = 10


def sum_services(panes: Sequence[ServicePane]) -> ServicePane:
    """Sum panes of one component; exemplars are the slowest and the failed."""
    if len(panes) == 1:
        return panes[0]
    return replace(
        panes[0],
        count=sum(p.count for p in panes),
        errors=sum(p.errors for p in panes),
        origin_errors=sum(p.origin_errors for p in panes),
        duration_ms=sum(p.duration_ms for p in panes),
        self_ms=sum(p.self_ms for p in panes),
        wait_ms=sum(p.wait_ms for p in panes),
        sketch=merge_sketches(p.sketch for p in panes),
        exemplars=best_exemplars(e for p in panes for e in p.exemplars),
    )


def sum_edges(panes: Sequence[EdgePane]) -> EdgePane:
    """Sum panes of one edge."""
    if len(panes) == 1:
        return panes[0]
    return replace(
        panes[0],
        count=sum(p.count for p in panes),
        errors=sum(p.errors for p in panes),
        timeouts=sum(p.timeouts for p in panes),
        refused=sum(p.refused for p in panes),
        tls_errors=sum(p.tls_errors for p in panes),
        duration_ms=sum(p.duration_ms for p in panes),
        parents=sum(p.parents for p in panes),
        served=sum(p.served for p in panes),
        expected=sum(p.expected for p in panes),
        made=sum(p.made for p in panes),
        broke=sum(p.broke for p in panes),
        sketch=merge_sketches(p.sketch for p in panes),
        statements=sum_statements(s for p in panes for s in p.statements),
        exemplars=best_exemplars(e for p in panes for e in p.exemplars),
    )


def sum_series(panes: Sequence[SeriesPane]) -> SeriesPane:
    """Average what several partitions sampled of one series, weighted by samples.

    Each partition sees a share of the samples of a keyless series, so each has a baseline of its
    own; the one with most samples lends its centre and scale.
    """
    if len(panes) == 1:
        return panes[0]
    samples = sum(p.samples for p in panes)
    weight = max(samples, 1)
    fullest = max(panes, key=lambda p: (p.samples, p.z, p.value))
    return replace(
        fullest,
        samples=samples,
        value=sum(p.value * p.samples for p in panes) / weight if samples else fullest.value,
        z=sum(p.z * p.samples for p in panes) / weight if samples else fullest.z,
        stale=all(p.stale for p in panes),
    )


def sum_statements(statements: Iterable[StatementTotal]) -> tuple[StatementTotal, ...]:
    """Sum totals by statement text and keep those with most time."""
    totals: dict[str, tuple[int, float]] = {}
    for statement in statements:
        count, duration = totals.get(statement.text, (0, 0.0))
        totals[statement.text] = (count + statement.count, duration + statement.duration_ms)
    ranked = sorted(totals.items(), key=lambda item: (-item[1][1], item[0]))[:_STATEMENTS]
    return tuple(StatementTotal(text=t, count=c, duration_ms=d) for t, (c, d) in ranked)


def merge_sketches(sketches: Iterable[Sketch]) -> Sketch:
    """Merge any number of latency sketches."""
    merged: Sketch = ()
    for sketch in sketches:
        merged = merge(merged, sketch) if merged else sketch
    return merged


def best_exemplars(exemplars: Iterable[Exemplar]) -> tuple[Exemplar, ...]:
    """Keep the failed ones first, then the slowest."""
    ranked = sorted(
        exemplars, key=lambda e: (not e.failure, -e.duration_ms, e.trace_id, e.span_id)
    )
    return tuple(ranked[:_EXEMPLARS])
