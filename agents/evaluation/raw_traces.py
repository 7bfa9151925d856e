"""Raw spans for baselines: who calls whom, which traces are bad, and latency by component."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.evaluation.raw_series import Cut
from models.baselines.case import RawSeries, Visits
from schemas.resolve import Resolver
from schemas.telemetry import SpanBatch, SpanKind, SpanStatus

Ids = NDArray[np.int64]
_BIN_MS = 15_000
_SIGMAS = 3.0
_NOBODY = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTraces:
    """Spans with their components found: `own` and `peer` index `names`, -1 for nobody."""

    spans: SpanBatch
    names: tuple[str, ...]
    own: Ids
    peer: Ids
    trace: Ids
    parent: Ids

    @property
    def end_ms(self) -> Ids:
        """Give when each span ended."""
        return self.spans.end_ns // 1_000_000


def raw_traces(spans: SpanBatch, resolver: Resolver) -> RawTraces:
    """Find the components of spans and the rows of their parents."""
    places: dict[str, int] = {}

    def place(name: str | None) -> int:
        return _NOBODY if name is None else places.setdefault(name, len(places))

    resources = [resolver.resource(resource) for resource in spans.resources]
    owners = np.array([place(c.name if c else None) for c in resources], np.int64)
    pairs, back = np.unique(
        np.stack([spans.attributes.astype(np.int64), spans.kind.astype(np.int64)]),
        axis=1,
        return_inverse=True,
    )
    peers = []
    for attributes, kind in pairs.T.tolist():
        found = resolver.peer(spans.attribute_sets[attributes], SpanKind(kind))
        peers.append(place(found.name if found else None))
    _, trace = np.unique(np.stack([spans.trace_hi, spans.trace_lo]), axis=1, return_inverse=True)
    return RawTraces(
        spans=spans,
        names=tuple(places),
        own=owners[spans.resource],
        peer=np.array(peers, np.int64)[back.ravel()],
        trace=trace.ravel().astype(np.int64),
        parent=_parents(spans),
    )


def _parents(spans: SpanBatch) -> Ids:
    """Give the row of each span's parent, by span id; -1 where it is not there."""
    order = np.argsort(spans.span_id, kind="stable")
    ordered = spans.span_id[order]
    at = np.minimum(np.searchsorted(ordered, spans.parent_id), len(order) - 1)
    known = (ordered[at] == spans.parent_id) & (spans.parent_id != 0)
    return np.where(known, order[at], _NOBODY)


def edges_of(traces: RawTraces) -> set[tuple[str, str]]:
    """List calls between components: by the parent's component, and by the peer that is named."""
    callers = np.where(traces.parent >= 0, traces.own[traces.parent], _NOBODY)
    pairs = np.concatenate(
        [np.stack([callers, traces.own], axis=1), np.stack([traces.own, traces.peer], axis=1)]
    )
    known = (pairs >= 0).all(axis=1) & (pairs[:, 0] != pairs[:, 1])
    return {
        (traces.names[caller], traces.names[callee])
        for caller, callee in np.unique(pairs[known], axis=0).tolist()
    }


def visits_of(traces: RawTraces, cut: Cut) -> Visits | None:
    """Count bad and good traces by component; bad has an error or is slow for its entry.

    Slow is over mean + 3 standard deviations of the traces with the same first span before.
    """
    spans = traces.spans
    count = int(traces.trace.max()) + 1 if len(spans) else 0
    roots = np.flatnonzero(traces.parent < 0)
    if not len(roots):
        return None
    duration = np.zeros(count)
    np.maximum.at(duration, traces.trace, (spans.end_ns - spans.start_ns) / 1e6)
    failed = np.zeros(count, np.bool_)
    failed[traces.trace[spans.status == SpanStatus.ERROR]] = True
    entry = np.full(count, _NOBODY, np.int64)
    entry[traces.trace[roots]] = spans.name[roots]
    ended = np.zeros(count, np.int64)
    np.maximum.at(ended, traces.trace, traces.end_ms)
    before = (ended >= cut.start_ms) & (ended < cut.onset_ms)
    after = (ended >= cut.onset_ms) & (ended <= cut.until_ms)
    slow = _slow(duration, entry, before)
    bad = after & (failed | slow)
    good = after & ~bad
    return Visits(
        bad=_by_component(traces, bad),
        good=_by_component(traces, good),
        all_bad=int(bad.sum()),
        all_good=int(good.sum()),
    )


def _slow(
    duration: NDArray[np.float64], entry: Ids, before: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    slow = np.zeros(len(duration), np.bool_)
    for name in np.unique(entry).tolist():
        normal = duration[before & (entry == name)]
        if len(normal) >= 2:
            limit = normal.mean() + _SIGMAS * normal.std()
            slow |= (entry == name) & (duration > limit)
    return slow


def _by_component(traces: RawTraces, chosen: NDArray[np.bool_]) -> dict[str, int]:
    pairs = np.concatenate(
        [np.stack([traces.trace, part], axis=1) for part in (traces.own, traces.peer)]
    )
    pairs = np.unique(pairs[(pairs[:, 1] >= 0) & chosen[pairs[:, 0]]], axis=0)
    numbers, counts = np.unique(pairs[:, 1], return_counts=True)
    return {traces.names[n]: c for n, c in zip(numbers.tolist(), counts.tolist(), strict=True)}


def latency_series(traces: RawTraces, cut: Cut) -> list[RawSeries]:
    """Give p90 latency by component in bins of 15 s, for systems whose metrics have none."""
    spans = traces.spans
    serving = np.isin(spans.kind, (SpanKind.SERVER, SpanKind.CONSUMER)) & (traces.own >= 0)
    calling = (traces.peer >= 0) & ~np.isin(traces.peer, np.unique(traces.own[serving]))
    owner = np.where(serving, traces.own, np.where(calling, traces.peer, _NOBODY))
    duration = (spans.end_ns - spans.start_ns) / 1e6
    inside = (traces.end_ms >= cut.start_ms) & (traces.end_ms <= cut.until_ms)
    found = []
    for number in np.unique(owner[owner >= 0]).tolist():
        rows = np.flatnonzero((owner == number) & inside)
        times, values = _p90(traces.end_ms[rows] - cut.onset_ms, duration[rows])
        found.append(
            RawSeries(
                component=traces.names[number],
                metric_class="latency",
                before=values[times < 0],
                after=values[times >= 0],
                quantile=True,
            )
        )
    return found


def _p90(since_ms: Ids, duration: NDArray[np.float64]) -> tuple[Ids, NDArray[np.float64]]:
    # Bins start at the onset, so that none holds both sides of it.
    bins = since_ms // _BIN_MS
    order = np.argsort(bins, kind="stable")
    which, starts = np.unique(bins[order], return_index=True)
    parts = np.split(duration[order], starts[1:])
    return which * _BIN_MS, np.array([np.percentile(part, 90) for part in parts])
