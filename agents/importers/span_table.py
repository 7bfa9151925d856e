"""Spans as sets write them down: who, whose child, from when to when; and spans as we read them.

Sets name no span kinds, so they are found out from the relations: a span whose parent is in
another service serves a call, and the parent, where it does nothing else, is that call.
Invariant: every call from one service to another comes out as a client span with a server span.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.reduce.self_time import rows_of
from pipeline.reduce.span_rows import mix
from schemas.telemetry import Labels, SpanBatch, SpanKind, SpanStatus, labels_of

_HEX = re.compile(r"^[0-9a-fA-F]{1,32}$")
_LOW = (1 << 64) - 1
_HTTP_CLIENT = re.compile(r"^(HTTP )?(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$")
"""What OpenTelemetry's HTTP client instrumentations call their spans."""
_STATEMENT = re.compile(r"^(SELECT|INSERT|UPDATE|DELETE|MERGE|REPLACE) ([\w$-]+)\.([\w$-]+)$")
"""What OpenTelemetry's SQL instrumentations call theirs: `<operation> <database>.<table>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanTable:
    """n spans as columns; parent 0 is none.

    `owner` points into `resources`, `name` into `names`.
    """

    trace_hi: NDArray[np.uint64]
    trace_lo: NDArray[np.uint64]
    span_id: NDArray[np.uint64]
    parent_id: NDArray[np.uint64]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    failed: NDArray[np.bool_]
    owner: NDArray[np.int32]
    name: NDArray[np.int32]
    resources: tuple[Labels, ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.span_id)

    def where(self, chosen: Any) -> "SpanTable":
        """Return some of the rows, by flags or by numbers."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _COLUMNS})

    def moved(self, by_ms: int) -> "SpanTable":
        """Return the same spans at other times."""
        by_ns = by_ms * 1_000_000
        return replace(self, start_ns=self.start_ns + by_ns, end_ns=self.end_ns + by_ns)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """A 64-bit key a span, of its trace's and its own id."""
        return mix(mix(self.trace_hi, self.trace_lo), self.span_id)

    @property
    def parents(self) -> NDArray[np.int64]:
        """The row of each span's parent, -1 where it has none or it is not there."""
        above = mix(mix(self.trace_hi, self.trace_lo), self.parent_id)
        return np.where(self.parent_id == 0, -1, rows_of(self.keys, above))

    @property
    def services(self) -> tuple[str, ...]:
        """The services by resource."""
        return tuple(dict(labels)["service.name"] for labels in self.resources)

    @property
    def service(self) -> NDArray[np.int64]:
        """The number of each span's service, in order of the services' names."""
        names = np.array(self.services, dtype=np.str_)
        return np.unique(names, return_inverse=True)[1][self.owner]

    @property
    def entry(self) -> NDArray[np.bool_]:
        """Which spans a service was entered by: their parent is elsewhere or not known."""
        parent, service = self.parents, self.service
        entered: NDArray[np.bool_] = (parent < 0) | (service[parent] != service)
        return entered


_COLUMNS = (
    "trace_hi",
    "trace_lo",
    "span_id",
    "parent_id",
    "start_ns",
    "end_ns",
    "failed",
    "owner",
    "name",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanNote:
    """One span of a set; ids as it spells them, "" for no parent."""

    trace: str
    span: str
    parent: str
    resource: Labels
    name: str
    start_ns: int
    end_ns: int
    failed: bool = False


class SpanNotes:
    """Collects spans row by row; the same span twice is one."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], tuple[int, ...]] = {}
        self._resources: dict[Labels, int] = {}
        self._names: dict[str, int] = {}
        self._traces: dict[str, tuple[int, int]] = {}

    def add(self, note: SpanNote) -> None:
        """Take one span."""
        key = (note.trace, note.span)
        if key in self._rows:
            return
        trace = self._traces.get(note.trace)
        if trace is None:
            number = id_number(note.trace)
            trace = self._traces[note.trace] = (number >> 64, number & _LOW)
        self._rows[key] = (
            *trace,
            id_number(note.span) & _LOW,
            id_number(note.parent) & _LOW if note.parent else 0,
            note.start_ns,
            max(note.start_ns, note.end_ns),
            int(note.failed),
            self._resources.setdefault(note.resource, len(self._resources)),
            self._names.setdefault(note.name, len(self._names)),
        )

    def table(self) -> SpanTable:
        """Return all of them, in order of start."""
        rows = sorted(self._rows.values(), key=lambda row: (row[4], row[2]))
        columns = list(zip(*rows, strict=True)) or [()] * len(_COLUMNS)
        types = (*[np.uint64] * 4, np.int64, np.int64, np.bool_, np.int32, np.int32)
        arrays: dict[str, Any] = {
            name: np.array(column, dtype)
            for name, column, dtype in zip(_COLUMNS, columns, types, strict=True)
        }
        return SpanTable(**arrays, resources=tuple(self._resources), names=tuple(self._names))


def id_number(text: str) -> int:
    """Return an id as a number of up to 128 bits: hexadecimal as it is, other text hashed.

    >>> id_number("0a"), id_number("no hex") == id_number("no hex"), id_number("no hex") > 0
    (10, True, True)
    """
    if _HEX.match(text):
        return int(text, 16)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")


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


def calls_of(table: SpanTable) -> set[tuple[str, str]]:
    """Return the calls between services as (caller, callee)."""
    parent, services = table.parents, table.services
    rows = np.flatnonzero(parent >= 0)
    pairs = np.unique(np.stack((table.owner[parent[rows]], table.owner[rows])), axis=1)
    named = {(services[a], services[b]) for a, b in pairs.T.tolist()}
    return {(a, b) for a, b in named if a != b}


def _with_calls(table: SpanTable) -> tuple[SpanTable, NDArray[np.uint8]]:
    """Say each span's kind; where a call has no client span of its own, make one as long."""
    parent, entry = table.parents, table.entry
    foreign = np.flatnonzero(entry & (parent >= 0))
    children = np.bincount(parent[parent >= 0], minlength=len(table))
    calling = np.bincount(parent[foreign], minlength=len(table))
    client = ~entry & (children == 1) & (calling == 1)
    client |= ~entry & (children == 0) & _named(table, _says_call)
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
    whole = _joined(replace(table, parent_id=parent_id), made)
    order = np.argsort(whole.start_ns, kind="stable")
    return whole.where(order), kind[order]


def joined(tables: list[SpanTable]) -> SpanTable:
    """Put tables of one origin (the same resources and names) together, in order of start."""
    whole = tables[0]
    for table in tables[1:]:
        whole = _joined(whole, table)
    return whole.where(np.argsort(whole.start_ns, kind="stable"))


def _joined(one: SpanTable, other: SpanTable) -> SpanTable:
    columns: dict[str, Any] = {
        name: np.concatenate((getattr(one, name), getattr(other, name))) for name in _COLUMNS
    }
    return replace(one, **columns)


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
