"""Spans of an overlay: per operation and pane, whole traces of the layer in which it suffers.

The union of all spans would be twice the traffic, and a fixed half of each layer's traces would
halve every fault's share of errors. So each kind of request (its root's resource and name) is
taken, pane by pane, from the layer in which it left its own past: slower, failing or gone. Where
several did, they share the traces evenly, which understates each and overstates none; where none
did, the first layer's are taken. Ids of other layers are changed, so that none is used twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.overlay_layer import Layer
from schemas.codecs.future import keep_spans
from schemas.telemetry import Labels, SpanBatch, SpanStatus

_PANE_MS = 30_000
_SLOWER = 1.5
_FAILING = 0.03
_GONE = 0.5
_ID_STEP = np.uint64(0x9E3779B97F4A7C15)

_Entry = TypeVar("_Entry", Labels, str)
_Operation = tuple[Labels, str]


@dataclass(frozen=True, slots=True)
class _Traces:
    """One layer's traces: its spans' traces, and of each trace what, when, how long, how well."""

    batch: SpanBatch
    trace_of_span: NDArray[np.int64]
    operation: NDArray[np.int64]
    pane: NDArray[np.int64]
    millis: NDArray[np.float64]
    failed: NDArray[np.bool_]
    lot: NDArray[np.uint64]


def lay_spans(layers: Sequence[Layer], start_ms: int, end_ms: int) -> SpanBatch | None:
    """Return the chosen traces of all layers as one batch; None when a layer has no spans."""
    numbers: dict[_Operation, int] = {}
    read: list[_Traces] = []
    for place, layer in enumerate(layers):
        batch = layer.recording.spans
        if batch is None or not len(batch):
            return None
        read.append(_traces(_moved(batch, layer.shift_ms, place), start_ms, numbers))
    width = -(-(end_ms - start_ms) // _PANE_MS)
    shape = (len(numbers), width)
    suffers = np.stack(
        [_suffers(t, x, shape, start_ms) for t, x in zip(read, layers, strict=True)]
    )
    parts = [
        keep_spans(t.batch, _kept(t, i, suffers)[t.trace_of_span]) for i, t in enumerate(read)
    ]
    return _joined([keep_spans(p, p.end_ns < end_ms * 1_000_000) for p in parts])


def _moved(batch: SpanBatch, shift_ms: int, place: int) -> SpanBatch:
    """Shift a layer's spans and give its ids to nobody else."""
    key = np.uint64(place * int(_ID_STEP) % 2**64)  # in Python's integers: no overflow to warn of
    shift_ns = shift_ms * 1_000_000
    return replace(
        batch,
        trace_lo=batch.trace_lo ^ key,
        span_id=batch.span_id ^ key,
        parent_id=np.where(batch.parent_id == 0, batch.parent_id, batch.parent_id ^ key),
        start_ns=batch.start_ns + shift_ns,
        end_ns=batch.end_ns + shift_ns,
        link_trace_lo=batch.link_trace_lo ^ key,
        link_span_id=batch.link_span_id ^ key,
    )


def _traces(batch: SpanBatch, start_ms: int, numbers: dict[_Operation, int]) -> _Traces:
    key = batch.trace_lo ^ (batch.trace_hi * _ID_STEP)
    ids, trace_of_span = np.unique(key, return_inverse=True)
    count = len(ids)
    begin = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(begin, trace_of_span, batch.start_ns)
    end = np.zeros(count, np.int64)
    np.maximum.at(end, trace_of_span, batch.end_ns)
    failed = np.zeros(count, np.bool_)
    failed[trace_of_span[batch.status == SpanStatus.ERROR]] = True
    # The earliest span stands for the trace: its root, or what is left of it.
    order = np.lexsort((batch.span_id, batch.start_ns, batch.parent_id != 0))
    root = np.zeros(count, np.int64)
    root[trace_of_span[order[::-1]]] = order[::-1]
    kinds = np.stack([batch.resource[root], batch.name[root]], axis=1)
    distinct, which = np.unique(kinds, axis=0, return_inverse=True)
    known = [
        numbers.setdefault((_service(batch.resources[r]), batch.names[n]), len(numbers))
        for r, n in distinct.tolist()
    ]
    return _Traces(
        batch=batch,
        trace_of_span=trace_of_span,
        operation=np.array(known, np.int64)[which.reshape(-1)],
        pane=(begin // 1_000_000 - start_ms) // _PANE_MS,
        millis=(end - begin) / 1e6,
        failed=failed,
        lot=ids >> np.uint64(8),
    )


def _service(resource: Labels) -> Labels:
    """What a resource is, without what tells its instances apart."""
    named = tuple(pair for pair in resource if pair[0] in {"service.name", "service.namespace"})
    return named or resource


def _suffers(
    traces: _Traces, layer: Layer, shape: tuple[int, int], start_ms: int
) -> NDArray[np.int8]:
    """By operation and pane: 1 where it left its past, 0 where not, -1 outside the layer."""
    operations, width = shape
    result = np.zeros(shape, np.int8)
    result[:, : max(0, (layer.start_ms - start_ms) // _PANE_MS)] = -1
    fault = max(1, (layer.fault.start_ms - start_ms) // _PANE_MS)
    order = np.argsort(traces.operation, kind="stable")
    bounds = np.searchsorted(traces.operation[order], np.arange(operations + 1))
    for number in range(operations):
        mine = order[bounds[number] : bounds[number + 1]]
        if len(mine):
            result[number, fault:width] = _left(traces, mine, fault, width)
    return result


def _left(traces: _Traces, mine: NDArray[np.int64], fault: int, width: int) -> NDArray[np.int8]:
    """Whether one operation left its past, in each pane from the fault on."""
    past = mine[traces.pane[mine] < fault]
    panes = max(1, len(np.unique(traces.pane[past])))
    usual = len(past) / panes
    median = float(np.median(traces.millis[past])) if len(past) else 0.0
    failing = float(traces.failed[past].mean()) if len(past) else 0.0
    result = np.zeros(max(0, width - fault), np.int8)
    for pane in range(fault, width):
        here = mine[traces.pane[mine] == pane]
        if len(here) < _GONE * usual:
            result[pane - fault] = 1
        elif len(here):
            slow = float(np.median(traces.millis[here])) > _SLOWER * median
            result[pane - fault] = slow or traces.failed[here].mean() > failing + _FAILING
    return result


def _kept(traces: _Traces, place: int, suffers: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Which of a layer's traces are taken."""
    width = suffers.shape[2]
    inside = (traces.pane >= 0) & (traces.pane < width)
    states = suffers[:, traces.operation, np.clip(traces.pane, 0, width - 1)]
    worst = states.max(axis=0)
    # Healthy panes have one owner, the first layer there is; suffering ones are shared.
    owner = (states == worst).argmax(axis=0)
    sharing = (states == 1).sum(axis=0)
    turn = np.cumsum(states == 1, axis=0)[place] - 1
    shared = (traces.lot % np.maximum(1, sharing).astype(np.uint64)) == turn
    mine: NDArray[np.bool_] = np.where(worst == 1, (states[place] == 1) & shared, owner == place)
    taken: NDArray[np.bool_] = inside & mine
    return taken


def _joined(parts: Sequence[SpanBatch]) -> SpanBatch:
    """Put batches one after another; tables are put together, rows point into the new ones."""
    resources, resource = _merged([(p.resources, p.resource) for p in parts])
    sets, attributes = _merged([(p.attribute_sets, p.attributes) for p in parts])
    names, name = _merged([(p.names, p.name) for p in parts])
    firsts = np.cumsum([0, *(len(p) for p in parts[:-1])])
    links = [p.link_row + first for p, first in zip(parts, firsts.tolist(), strict=True)]
    return SpanBatch(
        trace_hi=np.concatenate([p.trace_hi for p in parts]),
        trace_lo=np.concatenate([p.trace_lo for p in parts]),
        span_id=np.concatenate([p.span_id for p in parts]),
        parent_id=np.concatenate([p.parent_id for p in parts]),
        start_ns=np.concatenate([p.start_ns for p in parts]),
        end_ns=np.concatenate([p.end_ns for p in parts]),
        kind=np.concatenate([p.kind for p in parts]),
        status=np.concatenate([p.status for p in parts]),
        resource=resource,
        attributes=attributes,
        name=name,
        resources=resources,
        attribute_sets=sets,
        names=names,
        link_row=np.concatenate(links).astype(np.int32),
        link_trace_hi=np.concatenate([p.link_trace_hi for p in parts]),
        link_trace_lo=np.concatenate([p.link_trace_lo for p in parts]),
        link_span_id=np.concatenate([p.link_span_id for p in parts]),
    )


def _merged(
    tables: Sequence[tuple[tuple[_Entry, ...], NDArray[np.int32]]],
) -> tuple[tuple[_Entry, ...], NDArray[np.int32]]:
    """Merge tables and point their rows' indices into the merged one."""
    numbers: dict[_Entry, int] = {}
    rows = []
    for table, index in tables:
        places = [numbers.setdefault(entry, len(numbers)) for entry in table]
        rows.append(np.array(places, np.int32)[index])
    return tuple(numbers), np.concatenate(rows)
