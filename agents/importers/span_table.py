"""Spans as sets write them down, as columns: who, whose child, from when to when.

Invariant: what a set says and no more; kinds and calls are found out by `span_kinds`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.reduce.self_time import rows_of
from pipeline.reduce.span_rows import mix
from schemas.telemetry import Labels


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
        return replace(self, **{name: getattr(self, name)[chosen] for name in COLUMNS})

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


COLUMNS = (
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


def put_together(tables: Sequence[SpanTable]) -> SpanTable:
    """Put tables of one origin (the same resources and names) into one, in order of start."""
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(table, name) for table in tables]) for name in COLUMNS
    }
    whole = replace(tables[0], **columns)
    return whole.where(np.argsort(whole.start_ns, kind="stable"))
