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
from schemas.signal import Exemplar
from schemas.telemetry import Labels, SpanBatch, SpanKind, SpanStatus

Ids = NDArray[np.int64]
Keys = NDArray[np.uint64]
Flags = NDArray[np.bool_]

NOBODY = -1
_MIX_A = np.uint64(0x9E3779B97F4A7C15)
_MIX_B = np.uint64(0xC2B2AE3D27D4EB4F)
_SHIFT = np.uint64(29)
_LASTING = (ComponentKind.DATABASE, ComponentKind.CACHE, ComponentKind.QUEUE)
_INTERNAL = (SpanKind.INTERNAL, SpanKind.UNSPECIFIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRows:
    """n spans. Keys are 64-bit mixes of trace and span id, 0 for none.

    `certain` says that the peer's name is no alias: nothing behind it sends spans of its own.
    `text` indexes `texts`: the statement, else the operation. `row` is the row in the batch.
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

    def exemplar(self, at: int) -> Exemplar:
        """Describe one span for people."""
        row, batch = int(self.row[at]), self.batch
        return Exemplar(
            trace_id=f"{int(batch.trace_hi[row]):016x}{int(batch.trace_lo[row]):016x}",
            span_id=f"{int(batch.span_id[row]):016x}",
            operation=batch.names[int(batch.name[row])],
            start_ms=int(self.start_ns[at]) // 1_000_000,
            duration_ms=int(self.end_ns[at] - self.start_ns[at]) / 1e6,
            failure=self.failure(at),
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
        self._facts: dict[tuple[int, Labels], SpanFacts] = {}
        self._owners: dict[Labels, tuple[int, Component | None]] = {}
        self._waits: dict[str, bool] = {}

    def forget(self) -> None:
        """Look everything up anew: the places are others now."""
        self._owners.clear()

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
        owners = np.array([self.owner(r)[0] for r in batch.resources], np.int64)
        component = owners[batch.resource]
        kind = np.where(batch.kind > SpanKind.CONSUMER, SpanKind.INTERNAL, batch.kind)
        combined = batch.attributes.astype(np.int64) * 8 + kind
        combos, fact = np.unique(combined, return_inverse=True)
        facts = tuple(
            self._facts_of(combo % 8, batch.attribute_sets[combo // 8])
            for combo in combos.tolist()
        )
        peer, certain = self._peers(facts, fact, component)
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
            text=text,
            row=np.arange(len(batch)),
            fact=fact.astype(np.int64),
            texts=texts,
            facts=facts,
            batch=batch,
        )
        known = component != NOBODY
        return rows if known.all() else rows.where(known)

    def _facts_of(self, kind: int, attributes: Labels) -> SpanFacts:
        key = (kind, attributes)
        known = self._facts.get(key)
        if known is None:
            if len(self._facts) >= self._config.alias_limit:
                self._facts.clear()
            known = self._facts[key] = facts_of(SpanKind(kind), attributes, self._resolver)
        return known

    def _peers(self, facts: tuple[SpanFacts, ...], fact: Ids, component: Ids) -> tuple[Ids, Flags]:
        """Find peers in the environment of the span's own service."""
        count = len(self.places)
        if not count:
            return np.full(len(fact), NOBODY), np.zeros(len(fact), np.bool_)
        pairs, inverse = np.unique(fact * count + np.maximum(component, 0), return_inverse=True)
        peers, certain = [], []
        for pair in pairs.tolist():
            which, owner = divmod(pair, count)
            found = facts[which].peer
            environment = self.places.members[owner][0]
            peers.append(NOBODY if found is None else self.place(environment, found))
            certain.append(found is not None and found.kind in _LASTING)
        return np.array(peers, np.int64)[inverse], np.array(certain, np.bool_)[inverse]

    def _waiting(self, batch: SpanBatch, kind: NDArray[Any]) -> NDArray[np.uint8]:
        known = self._waits
        if len(known) > self._config.alias_limit:
            known.clear()
        for name in batch.names:
            if name not in known:
                known[name] = waits(name)
        named = np.array([known[name] for name in batch.names], np.bool_)[batch.name]
        named &= np.isin(kind, _INTERNAL)
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
