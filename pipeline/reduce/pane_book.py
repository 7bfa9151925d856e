"""Totals of panes by component or by edge, in whole numbers, so that no order of adding shows.

Part of the span reducer. Invariant: a pane's totals are exact sums of what was added; sums are in
nanoseconds and become milliseconds only when they leave.
"""

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.reduce.span_rows import Contender
from pipeline.sketch import buckets_of
from schemas.signal import Exemplar, Sketch, StatementTotal

Ids = NDArray[np.int64]
LOWEST_BUCKET = -72
BUCKETS = 256
"""Buckets -72 to 183: up to ten hours; what is longer counts as that."""
OTHER_STATEMENTS = "(other)"
_FIRST_CAPACITY = 64
_ID_BITS, _PANE_BITS = 18, 28


@dataclass(slots=True)
class Shown:
    """The spans of a pane worth looking at, slowest first."""

    slow: list[Contender] = field(default_factory=list)
    failed: list[Contender] = field(default_factory=list)

    def chosen(self, limit: int) -> tuple[Exemplar, ...]:
        """Return the slowest failed one, then the slowest ones, then more failed ones."""
        unique = dict.fromkeys([*self.failed[:1], *self.slow, *self.failed[1:]])
        return tuple(_exemplar(contender) for contender in list(unique)[:limit])


def _exemplar(contender: Contender) -> Exemplar:
    negative_ns, trace_hi, trace_lo, span_id, start_ns, operation, failure = contender
    return Exemplar(
        trace_id=f"{trace_hi:016x}{trace_lo:016x}",
        span_id=f"{span_id:016x}",
        operation=operation,
        start_ms=start_ns // 1_000_000,
        duration_ms=-negative_ns / 1e6,
        failure=failure,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BookState:
    """A snapshot of a book; row by row."""

    keys: list[int]
    totals: bytes
    sketches: bytes
    shown: list[Shown]
    statements: list[dict[str, list[int]]]
    changed: list[int]


class PaneBook:
    """Rows of totals, found by (first id, second id, pane)."""

    def __init__(self, columns: tuple[str, ...], exemplars: int) -> None:
        self._place = {name: place for place, name in enumerate(columns)}
        self._limit = exemplars
        self.keys: list[int] = []
        self._index: dict[int, int] = {}
        self._totals = np.zeros((_FIRST_CAPACITY, len(columns)), np.int64)
        self._sketches = np.zeros((_FIRST_CAPACITY, BUCKETS), np.int32)
        self._slow_floor = np.full(_FIRST_CAPACITY, -1, np.int64)
        self._failed_floor = np.full(_FIRST_CAPACITY, -1, np.int64)
        self._shown: list[Shown] = []
        self._statements: list[dict[str, list[int]]] = []
        self._changed: set[int] = set()

    def rows(self, first: Ids, second: Ids, pane: Ids) -> Ids:
        """Return the row of each (first, second, pane), making it where there is none."""
        keys = (first << (_ID_BITS + _PANE_BITS)) | (second << _PANE_BITS) | pane
        found, inverse = np.unique(keys, return_inverse=True)
        numbers = [self._row(key) for key in found.tolist()]
        self._changed.update(numbers)
        rows: Ids = np.array(numbers, np.int64)[inverse]
        return rows

    def add(self, rows: Ids, column: str, amounts: NDArray[Any] | int = 1) -> None:
        """Add amounts to rows; a row may come many times."""
        np.add.at(self._totals[:, self._place[column]], rows, amounts)

    def add_durations(self, rows: Ids, durations_ns: Ids) -> None:
        """Count durations in the rows' sketches."""
        buckets = np.clip(buckets_of(durations_ns / 1e6) - LOWEST_BUCKET, 0, BUCKETS - 1)
        np.add.at(self._sketches, (rows, buckets), 1)

    def add_statements(
        self, rows: Ids, text: Ids, texts: tuple[str, ...], durations_ns: Ids, limit: int
    ) -> None:
        """Add up time and count by statement; beyond the limit statements are one."""
        pairs, inverse = np.unique(rows * len(texts) + text, return_inverse=True)
        counts = np.bincount(inverse, minlength=len(pairs))
        spent = np.zeros(len(pairs), np.int64)
        np.add.at(spent, inverse, durations_ns)
        for pair, count, ns in zip(pairs.tolist(), counts.tolist(), spent.tolist(), strict=True):
            row, which = divmod(pair, len(texts))
            known = self._statements[row]
            name = texts[which]
            if name not in known and len(known) >= limit:
                name = OTHER_STATEMENTS
            total = known.setdefault(name, [0, 0])
            total[0] += count
            total[1] += ns

    def show(
        self,
        rows: Ids,
        durations_ns: Ids,
        failed: NDArray[np.bool_],
        contender: Callable[[int], Contender],
    ) -> None:
        """Keep the slowest spans and the slowest failed ones of each row."""
        slow = durations_ns >= self._slow_floor[rows]
        bad = failed & (durations_ns >= self._failed_floor[rows])
        for at in self._contenders(rows, durations_ns, slow):
            shown = self._shown[int(rows[at])]
            self._slow_floor[rows[at]] = self._keep(shown.slow, contender(at))
        for at in self._contenders(rows, durations_ns, bad):
            shown = self._shown[int(rows[at])]
            self._failed_floor[rows[at]] = self._keep(shown.failed, contender(at))

    def _contenders(self, rows: Ids, durations_ns: Ids, wanted: NDArray[np.bool_]) -> list[int]:
        """Return the wanted spans; of many in a row only the slowest."""
        at = np.flatnonzero(wanted)
        if len(at) <= self._limit:
            return at.tolist()
        at = at[np.lexsort((-durations_ns[at], rows[at]))]
        ordered, durations = rows[at], durations_ns[at]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        first = np.repeat(starts, np.diff(np.r_[starts, len(ordered)]))
        rank = np.arange(len(ordered)) - first
        # Ties with the last one of a row are left to `_keep`, which knows their ids.
        last = np.minimum(first + self._limit - 1, len(ordered) - 1)
        tied = (durations == durations[last]) & (ordered == ordered[last])
        contenders: list[int] = at[(rank < self._limit) | tied].tolist()
        return contenders

    def _keep(self, shown: list[Contender], new: Contender) -> int:
        insort(shown, new)
        del shown[self._limit :]
        return self._floor(shown)

    def _floor(self, shown: list[Contender]) -> int:
        """Return the duration that a span has to reach to be shown."""
        return -1 if len(shown) < self._limit else -shown[-1][0]

    def changed(self) -> list[int]:
        """Return the rows that changed since they were last taken, and leave them changed."""
        return sorted(self._changed)

    def told(self, row: int) -> None:
        """Note that a row's totals were sent."""
        self._changed.discard(row)

    def place_of(self, row: int) -> tuple[int, int, int]:
        """Return (first id, second id, pane) of a row."""
        key = self.keys[row]
        ids = (1 << _ID_BITS) - 1
        return (
            key >> (_ID_BITS + _PANE_BITS),
            (key >> _PANE_BITS) & ids,
            key & ((1 << _PANE_BITS) - 1),
        )

    def totals(self, row: int) -> dict[str, int]:
        """Return a row's totals by column."""
        values = self._totals[row].tolist()
        return {name: values[place] for name, place in self._place.items()}

    def sketch(self, row: int) -> Sketch:
        """Return a row's latency sketch."""
        filled = np.flatnonzero(self._sketches[row])
        counts = self._sketches[row][filled]
        return tuple(zip((filled + LOWEST_BUCKET).tolist(), counts.tolist(), strict=True))

    def exemplars(self, row: int) -> tuple[Exemplar, ...]:
        """Return a row's exemplars."""
        return self._shown[row].chosen(self._limit)

    def statements(self, row: int, limit: int) -> tuple[StatementTotal, ...]:
        """Return a row's statements by time spent."""
        ranked = sorted(self._statements[row].items(), key=lambda item: (-item[1][1], item[0]))
        return tuple(
            StatementTotal(text=text, count=total[0], duration_ms=total[1] / 1e6)
            for text, total in ranked[:limit]
        )

    def expire(self, before_pane: int) -> None:
        """Forget the panes before one."""
        panes = [self.place_of(row)[2] for row in range(len(self.keys))]
        kept = [row for row, pane in enumerate(panes) if pane >= before_pane]
        if len(kept) == len(self.keys):
            return
        moved = {row: place for place, row in enumerate(kept)}
        self._changed = {moved[row] for row in self._changed if row in moved}
        self.keys = [self.keys[row] for row in kept]
        self._index = {key: row for row, key in enumerate(self.keys)}
        self._shown = [self._shown[row] for row in kept]
        self._statements = [self._statements[row] for row in kept]
        for name, empty in _EMPTY:
            column = getattr(self, name)
            column[: len(kept)] = column[kept]
            column[len(kept) :] = empty

    def _row(self, key: int) -> int:
        row = self._index.get(key)
        if row is None:
            row = self._index[key] = len(self.keys)
            self.keys.append(key)
            self._shown.append(Shown())
            self._statements.append({})
            if row >= len(self._totals):
                self._grow(2 * len(self._totals))
        return row

    def _grow(self, capacity: int) -> None:
        for name, empty in _EMPTY:
            old = getattr(self, name)
            new = np.full((capacity, *old.shape[1:]), empty, old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def state(self) -> BookState:
        """Freeze the book."""
        size = len(self.keys)
        return BookState(
            keys=self.keys,
            totals=self._totals[:size].tobytes(),
            sketches=self._sketches[:size].tobytes(),
            shown=self._shown,
            statements=self._statements,
            changed=sorted(self._changed),
        )

    def restore(self, state: BookState) -> None:
        """Take over a snapshot."""
        self.keys = list(state.keys)
        self._index = {key: row for row, key in enumerate(self.keys)}
        size = len(self.keys)
        self._grow(max(size, _FIRST_CAPACITY))
        width = self._totals.shape[1]
        self._totals[:size] = np.frombuffer(state.totals, np.int64).reshape(size, width)
        self._sketches[:size] = np.frombuffer(state.sketches, np.int32).reshape(size, BUCKETS)
        self._shown = list(state.shown)
        self._statements = list(state.statements)
        self._changed = set(state.changed)
        for row, shown in enumerate(self._shown):
            self._slow_floor[row] = self._floor(shown.slow)
            self._failed_floor[row] = self._floor(shown.failed)


_EMPTY: tuple[tuple[str, int], ...] = (
    ("_totals", 0),
    ("_sketches", 0),
    ("_slow_floor", -1),
    ("_failed_floor", -1),
)
