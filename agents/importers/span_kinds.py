"""Spans with kinds, for sets that name none: found out from who is whose child.

A span whose parent is in another service serves a call; the parent, where it does nothing else, is
that call. Invariant: every call from one service to another comes out as a client span
with a server span.
"""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agents.importers.span_table import SpanTable, put_together
from pipeline.reduce.span_rows import mix
from schemas.telemetry import Labels, SpanBatch, SpanKind, SpanStatus, labels_of

_HTTP_CLIENT = re.compile(r"^(HTTP )?(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$")
"""What OpenTelemetry's HTTP client instrumentations call their spans."""
_STATEMENT = re.compile(r"^(SELECT|INSERT|UPDATE|DELETE|MERGE|REPLACE) ([\w$-]+)\.([\w$-]+)$")
"""What OpenTelemetry's SQL instrumentations call theirs: `<operation> <database>.<table>`."""
_CALL_NS = 1_000_000
_CALL_SHARE = 0.1
"""How much longer than what it calls, in itself or as a share, an operation is that only calls."""


def spans_of(table: SpanTable) -> SpanBatch:
    """Return the spans with kinds, so that calls between services can be seen."""
    table, kind = _with_calls(table)
    sets: dict[Labels, int] = {(): 0}
    by_name = [sets.setdefault(_asked(name), len(sets)) for name in table.names]
    attributes = np.array(by_name, np.int32)[table.name] if len(table) else table.name
    return SpanBatch(
        trace_hi=table.trace_hi,
        trace_lo=table.trace_lo,
        span_id=table.span_id,
        parent_id=table.parent_id,
        start_ns=table.start_ns,
        end_ns=table.end_ns,
        kind=kind,
        status=np.where(table.failed, SpanStatus.ERROR, SpanStatus.UNSET).astype(np.uint8),
        resource=table.owner,
        attributes=np.where(kind == SpanKind.CLIENT, attributes, 0).astype(np.int32),
        name=table.name,
        resources=table.resources,
        attribute_sets=tuple(sets),
        names=table.names,
    )


def _with_calls(table: SpanTable) -> tuple[SpanTable, NDArray[np.uint8]]:
    """Say each span's kind; where a call has no client span of its own, make one as long."""
    parent, entry = table.parents, table.entry
    foreign = np.flatnonzero(entry & (parent >= 0))
    children = np.bincount(parent[parent >= 0], minlength=len(table))
    calling = np.bincount(parent[foreign], minlength=len(table))
    lone = foreign[((children == 1) & (calling == 1) & ~entry)[parent[foreign]]]
    client = ~entry & (children == 0) & _named(table, _says_call)
    client[_calls(table, parent[lone], lone)] = True
    bare = foreign[~client[parent[foreign]]]
    made = replace(
        table.where(bare),
        span_id=mix(table.keys[bare], np.ones(len(bare), np.uint64)),
        owner=table.owner[parent[bare]],
    )
    parent_id = table.parent_id.copy()
    parent_id[bare] = made.span_id
    kind = np.where(entry, SpanKind.SERVER, np.where(client, SpanKind.CLIENT, SpanKind.INTERNAL))
    kind = np.concatenate((kind, np.full(len(bare), SpanKind.CLIENT))).astype(np.uint8)
    order = np.argsort(np.concatenate((table.start_ns, made.start_ns)), kind="stable")
    return put_together((replace(table, parent_id=parent_id), made)), kind[order]


def _calls(
    table: SpanTable, above: NDArray[np.int64], below: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return those of some spans, each with one span of another service below, that only call it.

    They are called like calls, or like what they call; or their operation, over all of these
    spans, takes hardly longer than what it calls. One that works besides is no call.
    """
    if not len(above):
        return above
    length = table.end_ns - table.start_ns
    operation = table.service[above] * len(table.names) + table.name[above]
    calling = _named(table, _says_call)[above] | (table.name[above] == table.name[below])
    for each in np.unique(operation).tolist():
        rows = operation == each
        callee_ns = float(np.median(length[below[rows]]))
        excess_ns = float(np.median(length[above[rows]] - length[below[rows]]))
        calling[rows] |= excess_ns <= max(_CALL_NS, _CALL_SHARE * callee_ns)
    only_calls: NDArray[np.int64] = above[calling]
    return only_calls


def _named(table: SpanTable, says: Callable[[str], bool]) -> NDArray[np.bool_]:
    by_name = np.array([says(name) for name in table.names], np.bool_)
    return by_name[table.name] if len(table) else np.zeros(0, np.bool_)


def _says_call(name: str) -> bool:
    return bool(_HTTP_CLIENT.match(name) or _STATEMENT.match(name))


def _asked(name: str) -> Labels:
    """Return what a client span of a name says of whom it asked for what."""
    match = _STATEMENT.match(name)
    if match is None:
        return ()
    operation, database, table = match.groups()
    return labels_of(
        {
            "db.system.name": "other_sql",
            "peer.service": database,
            "db.operation.name": operation,
            "db.collection.name": table,
        }
    )
