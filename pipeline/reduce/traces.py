"""Spans among their relatives: who was called, was it served, whose time and whose error it was.

Part of the span reducer. Invariant: what was counted of a span stands beside it in the store, so
that news from a late relative is counted as the difference.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.reduce.aliases import Aliases
from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.requests import Requests
from pipeline.reduce.roster import NEVER
from pipeline.reduce.self_time import failed_below, rows_of, self_times
from pipeline.reduce.span_books import Calls, SpanBooks
from pipeline.reduce.span_rows import (
    CALLING,
    INTERNAL,
    SERVING,
    Contender,
    SpanReader,
    SpanRows,
    mix,
)
from pipeline.reduce.trace_store import NO_CALL, UNDECIDED, TraceStore
from schemas.telemetry import SpanKind

Ids = NDArray[np.int64]
Keys = NDArray[np.uint64]
Flags = NDArray[np.bool_]

_CROWDED = 0.75
"""Share of the span limit that is left when it was reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a call that is not counted yet will need when it is."""

    text: str
    contender: Contender


class Traces:
    """The spans of the last minute and what their relations add to the books."""

    def __init__(self, config: ReduceConfig, reader: SpanReader, books: SpanBooks) -> None:
        self._config = config
        self._reader = reader
        self._books = books
        self.store = TraceStore()
        self.requests = Requests(config, self.store, books)
        self.aliases = Aliases(config.alias_limit)
        self.waiting: dict[int, Waiting] = {}
        known = max(config.component_limit, len(reader.places))
        self.speaking = np.zeros(known + 1, np.bool_)
        self.crowded_out = 0

    def admit(self, rows: SpanRows) -> SpanRows:
        """Keep the spans that are new, count the calls that are clear, return the new ones."""
        fresh = self.store.unseen(rows.key)
        if not fresh.all():
            rows = rows.where(fresh)
        if not len(rows):
            return rows
        at = self.store.append(rows)
        # The last place is NOBODY's and stays empty.
        self.speaking[rows.component] = True
        callee = self._callees(rows)
        self.store.callee[at] = callee
        self._count(rows, np.flatnonzero(callee >= 0), callee, at.start)
        for row in np.flatnonzero(callee == UNDECIDED).tolist():
            text = rows.texts[int(rows.text[row])]
            self.waiting[int(rows.key[row])] = Waiting(text=text, contender=rows.contender(row))
        return rows

    def fold(self, event_ms: int, *, everything: bool) -> None:
        """Bring relatives together; count what that tells; forget what is too old.

        Args:
            event_ms: Event time, by which a trace is quiet or too old.
            everything: Whether to count traces that may still be going on, too.
        """
        store = self.store
        if not len(store):
            return
        event_ns = event_ms * 1_000_000
        parent = rows_of(store.key, store.parent)
        self._join(parent)
        self._measure_lags(parent)
        traces, trace = np.unique(store.trace, return_inverse=True)
        last = np.full(len(traces), NEVER, np.int64)
        np.maximum.at(last, trace, store.end_ns)
        crowd = self._crowd(trace, last)
        quiet = last <= event_ns - int(self._config.trace_hold_seconds * 1e9)
        news = np.zeros(len(traces), np.bool_)
        news[trace[~store.folded]] = True
        due = (news & (quiet | crowd | everything))[trace]
        self._decide(np.flatnonzero(due & (store.callee == UNDECIDED)))
        entry = SERVING[store.kind] | (INTERNAL[store.kind] & (store.parent == 0))
        self._own(parent, due, entry)
        self.requests.follow(parent, due, entry)
        store.folded[due] = True
        old = last <= event_ns - int(self._config.trace_keep_seconds * 1e9)
        self._forget((old | crowd)[trace])

    def _callees(self, rows: SpanRows) -> Ids:
        """Decide at once whom a span calls, where that takes no server span."""
        client = rows.kind == SpanKind.CLIENT
        named = rows.peer >= 0
        # Who sends spans under the peer's name is no alias of another.
        clear = rows.certain | (named & self.speaking[rows.peer])
        meant = np.where(clear, rows.peer, UNDECIDED)
        open_ = np.flatnonzero(client & ~clear)
        if len(open_):
            meant[open_] = self.aliases.guess(rows.alias[open_], UNDECIDED)
        callee = np.where(client, meant, np.where(named, rows.peer, NO_CALL))
        calling = CALLING[rows.kind] & (callee != rows.component)
        return np.where(calling & self._books.in_time(rows.end_ns), callee, NO_CALL)

    def _count(self, rows: SpanRows, at: Ids, callee: Ids, first: int) -> None:
        if not len(at):
            return
        part = rows.where(at)
        chosen = callee[at]
        self._books.call(
            Calls(
                caller=part.component,
                callee=chosen,
                start_ns=part.start_ns,
                end_ns=part.end_ns,
                kind=part.kind,
                failed=part.failed,
                marks=part.marks,
                parents=self._first_of_parent(first + at, chosen),
                text=part.text,
                texts=part.texts,
                contender=part.contender,
            )
        )

    def _count_waiting(self, at: Ids) -> None:
        """Count calls of the store that were decided only now."""
        store = self.store
        held = [self.waiting.pop(key) for key in store.key[at].tolist()]
        counted = (store.callee[at] >= 0) & self._books.in_time(store.end_ns[at])
        held = [waiting for waiting, counts in zip(held, counted.tolist(), strict=True) if counts]
        at = at[counted]
        if not len(at):
            return
        self._books.call(
            Calls(
                caller=store.component[at],
                callee=store.callee[at],
                start_ns=store.start_ns[at],
                end_ns=store.end_ns[at],
                kind=store.kind[at],
                failed=store.failed[at],
                marks=store.marks[at],
                parents=self._first_of_parent(at, store.callee[at]),
                text=np.arange(len(at)),
                texts=tuple(waiting.text for waiting in held),
                contender=lambda row: held[row].contender,
            )
        )

    def _first_of_parent(self, at: Ids, callee: Ids) -> Flags:
        """Say which calls are the first of their parent to this callee in their pane."""
        store = self.store
        pane = store.end_ns[at] // (self._config.pane_ms * 1_000_000)
        edge = (store.component[at] << 46) | (callee << 28) | pane
        # A call without a parent is its own.
        above = np.where(store.parent[at] == 0, store.key[at], store.parent[at])
        marks = mix(above, edge.astype(np.uint64))
        first = store.first_siblings(marks)
        store.sibling[at[first]] = marks[first]
        return first

    def _join(self, parent: Ids) -> None:
        """Match calls with the server spans that answer them."""
        store = self.store
        child = np.flatnonzero((store.kind == SpanKind.SERVER) & (parent >= 0))
        above = parent[child]
        new = (store.kind[above] == SpanKind.CLIENT) & ~store.served[above]
        # Behind a proxy two server spans may answer one call; the first to come stands for both.
        above, first = np.unique(above[new], return_index=True)
        child = child[new][first]
        if not len(above):
            return
        callee = self._same_environment(store.component[child], store.component[above])
        foreign = callee != store.component[above]
        self.aliases.learn(store.alias[above[foreign]], callee[foreign])
        undecided = store.callee[above] == UNDECIDED
        store.callee[above[undecided]] = np.where(foreign, callee, NO_CALL)[undecided]
        self._count_waiting(above[undecided])
        store.served[above] = True
        counted = above[store.callee[above] >= 0]
        self._books.serve_call(
            store.component[counted], store.callee[counted], store.end_ns[counted]
        )

    def _same_environment(self, component: Ids, caller: Ids) -> Ids:
        """Name callees in the environment of their callers."""
        members = self._reader.places.members
        moved = component.copy()
        pairs = np.unique(np.stack((component, caller)), axis=1)
        for callee_id, caller_id in pairs.T.tolist():
            environment = members[caller_id][0]
            if members[callee_id][0] != environment:
                place = self._reader.place(environment, members[callee_id][1])
                moved[(component == callee_id) & (caller == caller_id)] = place
        return moved

    def _measure_lags(self, parent: Ids) -> None:
        """Measure how long consumed messages lay in their queue, by parent or link."""
        store = self.store
        rows = np.flatnonzero(
            (store.kind == SpanKind.CONSUMER) & (store.callee >= 0) & ~store.lagged
        )
        if not len(rows):
            return
        above = parent[rows]
        produced = (above >= 0) & (store.kind[above] == SpanKind.PRODUCER)
        linked = rows_of(store.key, store.link[rows])
        above = np.where(produced, above, linked)
        found = (above >= 0) & (store.kind[above] == SpanKind.PRODUCER)
        rows, above = rows[found], above[found]
        lag_ns = np.maximum(store.start_ns[rows] - store.end_ns[above], 0)
        self._books.lag(store.component[rows], store.callee[rows], store.end_ns[rows], lag_ns)
        store.lagged[rows] = True

    def _decide(self, at: Ids) -> None:
        """Take peers by their names where no server span came in time."""
        store = self.store
        if not len(at):
            return
        peer = store.peer[at]
        named = peer >= 0
        self.aliases.assume(store.alias[at[named]], peer[named])
        meant = np.where(named, peer, self.aliases.guess(store.alias[at], NO_CALL))
        store.callee[at] = np.where(meant == store.component[at], NO_CALL, meant)
        self._count_waiting(at)

    def _own(self, parent: Ids, due: Flags, entry: Flags) -> None:
        """Count self times and origins of errors of the traces that are due."""
        store = self.store
        internal = INTERNAL[store.kind]
        rows = np.flatnonzero(due & (internal | entry))
        if not len(rows):
            return
        self_ns = self_times(store.start_ns, store.end_ns, parent, rows)
        below = failed_below(parent, internal, store.failed)
        origin = (entry & store.failed & ~below)[rows]
        self._books.own(
            store.component[rows],
            store.end_ns[rows],
            self_ns - store.self_ns[rows],
            origin.astype(np.int64) - store.origin[rows],
        )
        store.self_ns[rows] = self_ns
        store.origin[rows] = origin

    def _crowd(self, trace: Ids, last: Ids) -> Flags:
        """Choose the traces that make room when there are too many spans."""
        crowd = np.zeros(len(last), np.bool_)
        if len(trace) <= self._config.span_limit:
            return crowd
        order = np.lexsort((np.arange(len(last)), last))
        left = len(trace) - np.cumsum(np.bincount(trace, minlength=len(last))[order])
        enough = int(np.argmax(left <= self._config.span_limit * _CROWDED))
        crowd[order[: enough + 1]] = True
        self.crowded_out += len(trace) - int(left[enough])
        return crowd

    def _forget(self, gone: Flags) -> None:
        if not gone.any():
            return
        young = gone & ~self.store.folded
        assert not young.any(), "a trace was forgotten before it was counted"
        for key in self.store.key[gone & (self.store.callee == UNDECIDED)].tolist():
            del self.waiting[key]
        self.store.drop(gone)
