"""Spans kept for a while so that parents and children meet, whatever message they came in.

Part of the span reducer. Invariant: a span is kept once, however often it came; at most
`span_limit` spans are kept, and the traces that were silent longest go first.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.reduce.span_rows import SpanRows

_SPEC: tuple[tuple[str, type[np.generic]], ...] = (
    ("key", np.uint64),
    ("trace", np.uint64),
    ("parent", np.uint64),
    ("link", np.uint64),
    ("start_ns", np.int64),
    ("end_ns", np.int64),
    ("component", np.int64),
    ("kind", np.uint8),
    ("failed", np.bool_),
    ("marks", np.uint8),
    ("peer", np.int64),
    ("alias", np.uint64),
    ("operation", np.uint64),
    # What was counted of it already:
    ("callee", np.int64),  # UNDECIDED, NO_CALL, or the callee of the edge it counts for
    ("served", np.bool_),
    ("lagged", np.bool_),
    ("folded", np.bool_),
    ("self_ns", np.int64),
    ("origin", np.bool_),
    ("sibling", np.uint64),  # the (parent, edge, pane) it was the first of, 0 for none
    ("asked", np.bool_),  # the request was counted
    ("went", np.bool_),  # the first call of its request to its callee
    ("broke", np.int64),  # 1 + whom the request called last before it broke off, 0 for none
)
UNDECIDED = -1
NO_CALL = -2


class TraceStore:
    """Columns of spans, in order of arrival."""

    key: NDArray[np.uint64]
    trace: NDArray[np.uint64]
    parent: NDArray[np.uint64]
    link: NDArray[np.uint64]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    component: NDArray[np.int64]
    kind: NDArray[np.uint8]
    failed: NDArray[np.bool_]
    marks: NDArray[np.uint8]
    peer: NDArray[np.int64]
    alias: NDArray[np.uint64]
    operation: NDArray[np.uint64]
    callee: NDArray[np.int64]
    served: NDArray[np.bool_]
    lagged: NDArray[np.bool_]
    folded: NDArray[np.bool_]
    self_ns: NDArray[np.int64]
    origin: NDArray[np.bool_]
    sibling: NDArray[np.uint64]
    asked: NDArray[np.bool_]
    went: NDArray[np.bool_]
    broke: NDArray[np.int64]

    def __init__(self, capacity: int = 4096) -> None:
        self._size = 0
        self._columns: dict[str, NDArray[Any]] = {
            name: np.zeros(capacity, kind) for name, kind in _SPEC
        }
        self._seen: set[int] = set()
        self._siblings: set[int] = set()
        self._show()

    def __len__(self) -> int:
        return self._size

    def unseen(self, key: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Say which keys are new; of a key that comes twice among them only the first is."""
        before = len(self._seen)
        keys = key.tolist()
        seen = self._seen
        fresh = np.array([k not in seen for k in keys], np.bool_)
        seen.update(keys)
        if len(seen) - before != int(fresh.sum()):
            first = np.zeros(len(key), np.bool_)
            first[np.unique(key, return_index=True)[1]] = True
            fresh &= first
        return fresh

    def append(self, rows: SpanRows) -> slice:
        """Keep new spans; return where."""
        start, end = self._size, self._size + len(rows)
        capacity = len(self._columns["key"])
        if end > capacity:
            capacity = max(end, 2 * capacity)
            for name, column in self._columns.items():
                larger = np.zeros(capacity, column.dtype)
                larger[:start] = column[:start]
                self._columns[name] = larger
        for name in _GIVEN:
            self._columns[name][start:end] = getattr(rows, name)
        for name in _COUNTED:
            self._columns[name][start:end] = 0
        self._columns["callee"][start:end] = NO_CALL
        self._size = end
        self._show()
        return slice(start, end)

    def first_siblings(self, marks: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Say which (parent, edge, pane) marks are new, and remember them.

        The caller notes a new one in the `sibling` column, so that it is forgotten with its span.
        """
        known = self._siblings
        keys = marks.tolist()
        fresh = np.array([k not in known for k in keys], np.bool_)
        known.update(keys)
        first = np.zeros(len(marks), np.bool_)
        first[np.unique(marks, return_index=True)[1]] = True
        return fresh & first

    def drop(self, gone: NDArray[np.bool_]) -> None:
        """Forget spans."""
        kept = ~gone
        self._seen.difference_update(self.key[gone].tolist())
        self._siblings.difference_update(self.sibling[gone].tolist())
        size = int(kept.sum())
        for column in self._columns.values():
            column[:size] = column[: self._size][kept]
        self._size = size
        self._show()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the columns."""
        return {name: column[: self._size] for name, column in self._columns.items()}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over the columns of a snapshot."""
        self._columns = dict(arrays)
        self._size = len(arrays["key"])
        self._show()
        self._seen = set(self.key.tolist())
        self._siblings = set(self.sibling[self.sibling != 0].tolist())

    def _show(self) -> None:
        for name, column in self._columns.items():
            setattr(self, name, column[: self._size])


_GIVEN = tuple(name for name, _ in _SPEC[:13])
_COUNTED = tuple(name for name, _ in _SPEC[14:])
