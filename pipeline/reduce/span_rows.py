"""A span batch with its components found: columns of ids instead of names.

First step of the span reducer. A component is looked up once per distinct resource and once per
distinct attribute set, never per span.
"""

import zlib
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.roster import Roster
from pipeline.reduce.series_store import Place
from pipeline.reduce.span_facts import Mark, SpanFacts, facts_of, waits
from schemas.component import Component, ComponentKind
from schemas.resolve import Resolver
from schemas.telemetry import Labels, SpanBatch, SpanKind, SpanStatus

Ids = NDArray[np.int64]
Keys = NDArray[np.uint64]
Flags = NDArray[np.bool_]

Contender = tuple[int, int, int, int, int, str, str]
"""A span that may become an exemplar: minus its duration in ns, so that the slowest sorts first,
the halves of its trace id, its span id, its start in ns, its operation, how it failed."""

NOBODY = -1
_UNASKED = -2
_MIX_A = np.uint64(0x9E3779B97F4A7C15)
_MIX_B = np.uint64(0xC2B2AE3D27D4EB4F)
_SHIFT = np.uint64(29)
_LASTING = (ComponentKind.DATABASE, ComponentKind.CACHE, ComponentKind.QUEUE)


def _table(*kinds: SpanKind) -> Flags:
    return np.isin(np.arange(8), kinds)


CALLING = _table(SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER)
SERVING = _table(SpanKind.SERVER, SpanKind.CONSUMER)
INTERNAL = _table(SpanKind.INTERNAL, SpanKind.UNSPECIFIED)
"""Flags by span kind: who calls somebody, who serves somebody, who is at work within a service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRows:
    """n spans. Keys are 64-bit mixes of trace and span id, 0 for none.

    `operation` is one of component and name. `certain` says that the peer's name is no alias:
    nothing behind it sends spans of its own. `text` indexes `texts`: the statement, else the
    operation. `row` is the row in the batch.
    """

    key: Keys
    trace: Keys
    parent: Keys
    link: Keys
    start_ns: Ids
    end_ns: Ids
    component: Ids
    kind: NDArray[np.uint8]
    failed: Flags
    marks: NDArray[np.uint8]
    peer: Ids
    certain: Flags
    alias: Keys
    operation: Keys
    text: Ids
    row: Ids
    fact: Ids
    texts: tuple[str, ...]
    facts: tuple[SpanFacts, ...]
    batch: SpanBatch

    def __len__(self) -> int:
        return len(self.key)

    def where(self, chosen: Any) -> "SpanRows":
        """Return some of the rows, by flags or by numbers."""
        parts = {name: getattr(self, name)[chosen] for name in _COLUMNS}
        return replace(self, **parts)

    def contender(self, at: int) -> Contender:
        """Describe one span, in case people should see it."""
        row, batch = int(self.row[at]), self.batch
        start_ns = int(self.start_ns[at])
        return (
            start_ns - int(self.end_ns[at]),
            int(batch.trace_hi[row]),
            int(batch.trace_lo[row]),
            int(batch.span_id[row]),
            start_ns,
            batch.names[int(batch.name[row])],
            self.failure(at),
        )

    def failure(self, at: int) -> str:
        """Say how a span failed; "" when it did not."""
        if not self.failed[at]:
            return ""
        return self.facts[int(self.fact[at])].failure or "error"


_COLUMNS = tuple(f.name for f in fields(SpanRows) if f.name not in ("texts", "facts", "batch"))


def mix(a: Keys, b: Keys) -> Keys:
    """Mix two columns of numbers into one of well-spread 64-bit keys."""
    mixed = (a * _MIX_A) ^ (b * _MIX_B + _MIX_A)
    result: Keys = (mixed ^ (mixed >> _SHIFT)) * _MIX_B
    return result ^ (result >> _SHIFT)


class SpanReader:
    """Finds the components of batches; `places` gives them ids."""

    def __init__(self, resolver: Resolver, config: ReduceConfig) -> None:
        self._resolver = resolver
        self._config = config
        self.places: Roster[Place] = Roster()
        self._numbers: dict[tuple[int, Labels], int] = {}
        self._facts: list[SpanFacts] = []
        self._tables: dict[str, Ids] = {}
        self._owners: dict[Labels, tuple[int, Component | None]] = {}
        self._waits: dict[str, bool] = {}

    def forget(self) -> None:
        """Look everything up anew: the places are others now."""
        self._owners.clear()
        self._numbers.clear()
        self._facts.clear()
        self._tables.clear()

    def owner(self, resource: Labels) -> tuple[int, Component | None]:
        """Return the id of the service that a resource describes, and its node."""
        known = self._owners.get(resource)
        if known is None:
            component = self._resolver.resource(resource)
            environment = self._resolver.environment(resource)
            found = NOBODY if component is None else self.place(environment, component)
            if len(self._owners) >= self._config.component_limit:
                self._owners.clear()
            node = self._resolver.node(resource) if found != NOBODY else None
            known = self._owners[resource] = (found, node)
        return known

    def place(self, environment: str, component: Component) -> int:
        """Return a component's id; NOBODY for a stranger when the limit is reached."""
        place = (environment, component)
        known = self.places.find(place)
        if known is None and len(self.places) >= self._config.component_limit:
            return NOBODY
        return self.places.add(place)

    def read(self, batch: SpanBatch) -> SpanRows:
        """Return the batch's spans whose service is known."""
        if len(self._facts) >= self._config.alias_limit:
            self.forget()
        owners = np.array([self.owner(r)[0] for r in batch.resources], np.int64)
        component = owners[batch.resource]
        known = component != NOBODY
        kind = np.where(batch.kind > SpanKind.CONSUMER, SpanKind.INTERNAL, batch.kind)
        combined = batch.attributes.astype(np.int64) * 8 + kind
        combos, fact = np.unique(combined, return_inverse=True)
        numbers = [self._number(c % 8, batch.attribute_sets[c // 8]) for c in combos.tolist()]
        facts = tuple(self._facts[number] for number in numbers)
        peer = np.full(len(batch), NOBODY)
        peer[known] = self._peers(np.array(numbers, np.int64)[fact[known]], component[known])
        certain = np.array([f.peer is not None and f.peer.kind in _LASTING for f in facts])[fact]
        marks = np.array([int(f.marks) for f in facts], np.uint8)[fact]
        marks |= self._waiting(batch, kind)
        trace = mix(batch.trace_hi, batch.trace_lo)
        text, texts = _texts(batch, facts, fact)
        crc = np.array([zlib.crc32(name.encode()) for name in batch.names], np.uint64)
        # Without a peer's name the operation has to do to tell callees apart.
        said = np.where(peer >= 0, peer.astype(np.uint64) << np.uint64(33), 0) | crc[batch.name]
        failed = (batch.status == SpanStatus.ERROR) & (marks & Mark.CALLER_FAULT == 0)
        failed |= (marks & Mark.FAILED) != 0
        rows = SpanRows(
            key=mix(trace, batch.span_id),
            trace=trace,
            parent=np.where(batch.parent_id == 0, np.uint64(0), mix(trace, batch.parent_id)),
            link=_links(batch),
            start_ns=np.minimum(batch.start_ns, batch.end_ns),
            end_ns=batch.end_ns,
            component=component,
            kind=kind.astype(np.uint8),
            failed=failed,
            marks=marks,
            peer=peer,
            certain=certain,
            alias=mix(component.astype(np.uint64), said),
            operation=mix(component.astype(np.uint64), crc[batch.name]),
            text=text,
            row=np.arange(len(batch)),
            fact=fact.astype(np.int64),
            texts=texts,
            facts=facts,
            batch=batch,
        )
        return rows if known.all() else rows.where(known)

    def _number(self, kind: int, attributes: Labels) -> int:
        """Return the number of what an attribute set says."""
        key = (kind, attributes)
        known = self._numbers.get(key)
        if known is None:
            known = self._numbers[key] = len(self._facts)
            self._facts.append(facts_of(SpanKind(kind), attributes, self._resolver))
        return known

    def _peers(self, numbers: Ids, component: Ids) -> Ids:
        """Find peers in the environment of the span's own service."""
        peer = np.full(len(numbers), NOBODY)
        owners = {place: self.places.members[place][0] for place in np.unique(component).tolist()}
        for environment in sorted(set(owners.values())):
            of = [place for place, name in owners.items() if name == environment]
            here = np.isin(component, of) if len(of) < len(owners) else np.True_
            table = self._peer_table(environment)
            for number in np.unique(numbers[here & (table[numbers] == _UNASKED)]).tolist():
                found = self._facts[number].peer
                table[number] = NOBODY if found is None else self.place(environment, found)
            peer = np.where(here, table[numbers], peer)
        return peer

    def _peer_table(self, environment: str) -> Ids:
        """Return peers by the number of what is said, for one environment."""
        table = self._tables.get(environment, np.zeros(0, np.int64))
        if len(table) < len(self._facts):
            room = np.full(2 * len(self._facts) - len(table), _UNASKED)
            table = self._tables[environment] = np.concatenate([table, room])
        return table

    def _waiting(self, batch: SpanBatch, kind: NDArray[Any]) -> NDArray[np.uint8]:
        known = self._waits
        if len(known) > self._config.alias_limit:
            known.clear()
        for name in batch.names:
            if name not in known:
                known[name] = waits(name)
        named = np.array([known[name] for name in batch.names], np.bool_)[batch.name]
        named &= INTERNAL[kind]
        return np.where(named, np.uint8(Mark.WAIT), np.uint8(0))


def _texts(
    batch: SpanBatch, facts: tuple[SpanFacts, ...], fact: Ids
) -> tuple[Ids, tuple[str, ...]]:
    """Return what each span asked for: its statement if it has one, else its name."""
    stated = np.array([f.statement != "" for f in facts], np.bool_)[fact]
    text = np.where(stated, len(batch.names) + fact, batch.name)
    return text, (*batch.names, *(f.statement for f in facts))


def _links(batch: SpanBatch) -> Keys:
    """Return the key of each span's first link, 0 where it has none."""
    links = np.zeros(len(batch), np.uint64)
    if len(batch.link_row):
        rows, first = np.unique(batch.link_row, return_index=True)
        trace = mix(batch.link_trace_hi[first], batch.link_trace_lo[first])
        links[rows] = mix(trace, batch.link_span_id[first])
    return links
