"""Collects finished spans in flat numbers and turns them into columns at the end of a run."""

import random
from array import array

import numpy as np
from numpy.typing import NDArray

from schemas.telemetry import Labels, SpanBatch, labels_of

COLUMNS = 10
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_STEP = np.uint64(0x9E3779B97F4A7C15)


def scramble(numbers: NDArray[np.uint64], salt: int) -> NDArray[np.uint64]:
    """Turn running numbers into ids that look like random ones (splitmix64); 0 stays 0."""
    with np.errstate(over="ignore"):
        mixed = (numbers + np.uint64(salt & 0xFFFFFFFF)) * _STEP
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_1
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
        mixed ^= mixed >> np.uint64(31)
    return np.where(numbers == 0, np.uint64(0), mixed | np.uint64(1))


class SpanRecorder:
    """Takes spans as they end. Trace number 0 means not sampled."""

    def __init__(self, rng: random.Random, sampling: float, salt: int) -> None:
        self._rng = rng
        self._sampling = sampling
        self._salt = salt
        self._traces = 0
        self._spans = 0
        self._rows = array("d")
        self._links: list[tuple[int, int, int]] = []
        self._resources: dict[Labels, int] = {}
        self._attributes: dict[Labels, int] = {}
        self._names: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._rows) // COLUMNS

    def new_trace(self) -> int:
        """Number a new trace, or return 0 when it is not sampled."""
        if self._sampling < 1.0 and self._rng.random() >= self._sampling:
            return 0
        self._traces += 1
        return self._traces

    def follow_trace(self) -> int:
        """Number a trace that is kept because the one it follows from was."""
        self._traces += 1
        return self._traces

    def new_span(self) -> int:
        """Number a new span."""
        self._spans += 1
        return self._spans

    def resource(self, mapping: dict[str, str]) -> int:
        """Return the number of a resource."""
        return self._resources.setdefault(labels_of(mapping), len(self._resources))

    def attributes(self, mapping: dict[str, str]) -> int:
        """Return the number of an attribute set."""
        return self._attributes.setdefault(labels_of(mapping), len(self._attributes))

    def name(self, text: str) -> int:
        """Return the number of a span name."""
        return self._names.setdefault(text, len(self._names))

    def add(self, row: tuple[float, ...]) -> None:
        """Record an ended span.

        The row is (trace, span, parent, start seconds, end seconds, kind, status, resource,
        attributes, name).
        """
        self._rows.extend(row)

    def link(self, trace: int, span: int) -> None:
        """Link the span recorded last to another one."""
        self._links.append((len(self) - 1, trace, span))

    def batch(self, start_ms: int) -> SpanBatch:
        """Return everything as columns, in the order in which spans ended."""
        table = np.frombuffer(self._rows, dtype=np.float64).reshape(-1, COLUMNS)
        links = np.array(self._links, dtype=np.int64).reshape(-1, 3)
        trace, span, parent = (table[:, i].astype(np.uint64) for i in range(3))
        origin = start_ms * 1_000_000
        return SpanBatch(
            trace_hi=scramble(trace, self._salt),
            trace_lo=scramble(trace, self._salt + 1),
            span_id=scramble(span, self._salt + 2),
            parent_id=scramble(parent, self._salt + 2),
            start_ns=origin + np.rint(table[:, 3] * 1e9).astype(np.int64),
            end_ns=origin + np.rint(table[:, 4] * 1e9).astype(np.int64),
            kind=table[:, 5].astype(np.uint8),
            status=table[:, 6].astype(np.uint8),
            resource=table[:, 7].astype(np.int32),
            attributes=table[:, 8].astype(np.int32),
            name=table[:, 9].astype(np.int32),
            resources=tuple(self._resources),
            attribute_sets=tuple(self._attributes),
            names=tuple(self._names),
            link_row=links[:, 0].astype(np.int32),
            link_trace_hi=scramble(links[:, 1].astype(np.uint64), self._salt),
            link_trace_lo=scramble(links[:, 1].astype(np.uint64), self._salt + 1),
            link_span_id=scramble(links[:, 2].astype(np.uint64), self._salt + 2),
        )
