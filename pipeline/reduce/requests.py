"""Requests and the calls they go on to: how many are usual, how many were made, where they broke.

Part of the span reducer. A request is an entry span; its calls are the client and producer spans
below it in the same component. Invariant: what was counted of a request stands in the store, so
a late span adds what is missing, and the last call before a break is moved, not counted twice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.self_time import MISSING
from pipeline.reduce.span_books import SpanBooks
from pipeline.reduce.span_rows import mix
from pipeline.reduce.trace_store import TraceStore
from pipeline.reduce.usual_calls import ALWAYS, REQUEST, UsualCalls, UsualState
from schemas.telemetry import SpanKind

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]

_GOING_ON = np.isin(np.arange(8), (SpanKind.CLIENT, SpanKind.PRODUCER))
_ID_BITS = 18
_DEEPEST = 64
"""Spans that are climbed over at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calls:
    """Calls by their rows in the store, and the rows of the requests they belong to.

    `first` are the places of the first call of each request to each callee, `group` says of each
    call which of these it repeats.
    """

    at: Ids
    of: Ids
    first: Ids
    group: Ids


class Requests:
    """Follows the requests of traces that are complete enough."""

    def __init__(self, config: ReduceConfig, store: TraceStore, books: SpanBooks) -> None:
        self._pane_ns = config.pane_ms * 1_000_000
        self._store = store
        self._books = books
        self._usual = UsualCalls(config.pane_seconds)

    def follow(self, parent: Ids, due: Flags, entry: Flags) -> None:
        """Count the requests of the traces that are due and the calls they went on to.

        Args:
            parent: row of each span's parent, MISSING where it is not known.
            due: spans of traces that are due, whole traces.
            entry: spans that serve a request.
        """
        store = self._store
        asked = np.flatnonzero(due & entry & self._books.in_time(store.end_ns))
        if not len(asked):
            return
        new = asked[~store.asked[asked]]
        store.asked[new] = True
        calls = self._calls(parent, due, entry)
        gone = self._newly_gone(calls)
        rows = np.r_[new, calls.of[gone]]
        callee = np.r_[np.full(len(new), REQUEST), store.callee[calls.at[gone]]]
        said = self._usual.count(
            store.component[rows],
            store.operation[rows],
            store.end_ns[rows] // self._pane_ns,
            callee,
        )
        self._books.expect(said)
        self._follow_breaks(asked, calls)

    def learn(self, event_ms: int) -> None:
        """Learn what is usual from the panes that are over for long enough."""
        self._usual.learn(event_ms)

    def state(self) -> UsualState:
        """Freeze what is usual."""
        return self._usual.state()

    def restore(self, state: UsualState) -> None:
        """Take over a snapshot."""
        self._usual.restore(state)

    def _calls(self, parent: Ids, due: Flags, entry: Flags) -> _Calls:
        store = self._store
        at = np.flatnonzero(due & _GOING_ON[store.kind] & (store.callee >= 0))
        of = entries_of(parent, entry, store.component, at)
        known = (of >= 0) & store.asked[of]
        at, of = at[known], of[known]
        marks = mix(store.key[of], store.callee[at].astype(np.uint64))
        _, first, group = np.unique(marks, return_index=True, return_inverse=True)
        return _Calls(at=at, of=of, first=first, group=group)

    def _newly_gone(self, calls: _Calls) -> Ids:
        """Return the first calls of requests to their callees, each only once, in order."""
        went = self._store.went
        told = np.bincount(calls.group, went[calls.at], minlength=len(calls.first)) > 0
        gone: Ids = np.sort(calls.first[~told])
        went[calls.at[gone]] = True
        return gone

    def _follow_breaks(self, asked: Ids, calls: _Calls) -> None:
        """Note whom each request that lacks a call it always makes called last."""
        store = self._store
        lacking = self._lacking(asked, calls)
        broken = lacking[calls.of]
        at, of = calls.at[broken], calls.of[broken]
        last = np.zeros(len(store), np.int64)
        order = np.lexsort((store.callee[at], store.end_ns[at]))
        last[of[order]] = store.callee[at[order]] + 1
        moved = asked[last[asked] != store.broke[asked]]
        for callees, amount in ((store.broke[moved], -1), (last[moved], 1)):
            some = callees > 0
            rows = moved[some]
            self._books.break_off(
                store.component[rows], callees[some] - 1, store.end_ns[rows], amount
            )
        store.broke[moved] = last[moved]

    def _lacking(self, asked: Ids, calls: _Calls) -> Flags:
        """Say of each row of the store whether it is a request without a call it always makes."""
        store = self._store
        lacking = np.zeros(len(store), np.bool_)
        operations, number = np.unique(store.operation[asked], return_inverse=True)
        always = [
            place << _ID_BITS | callee
            for place, operation in enumerate(operations.tolist())
            for callee, share in sorted(self._usual.usual(operation).items())
            if share >= ALWAYS
        ]
        if not always:
            return lacking
        pairs = np.array(always, np.int64)
        number_of = np.full(len(store), MISSING)
        number_of[asked] = number
        of = calls.of[calls.first]
        made = number_of[of] << _ID_BITS | store.callee[calls.at[calls.first]]
        kept = pairs[np.minimum(np.searchsorted(pairs, made), len(pairs) - 1)] == made
        due = np.bincount(pairs >> _ID_BITS, minlength=len(operations))
        lacking[asked] = np.bincount(of[kept], minlength=len(store))[asked] < due[number]
        return lacking


def entries_of(parent: Ids, entry: Flags, component: Ids, rows: Ids) -> Ids:
    """Return the row of the request that each of some spans belongs to, MISSING without one.

    >>> parent, entry = np.array([MISSING, 0, 1, MISSING]), np.array([True, False, False, False])
    >>> entries_of(parent, entry, np.zeros(4, np.int64), np.array([2, 3])).tolist()
    [0, -1]
    """
    above = parent[rows]
    for _ in range(_DEEPEST):
        climbing = (above >= 0) & ~entry[above]
        if not climbing.any():
            break
        above = np.where(climbing, parent[above], above)
    found = (above >= 0) & entry[above] & (component[above] == component[rows])
    return np.where(found, above, MISSING)
