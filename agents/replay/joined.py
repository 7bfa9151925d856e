"""Many batches of columns as one, each distinct label set held once."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.telemetry import Labels, MetricBatch, Series, SpanBatch

E = TypeVar("E")


def joined_spans(batches: Sequence[SpanBatch]) -> SpanBatch | None:
    """Return many batches as one, each distinct attribute set held once."""
    if not batches:
        return None
    resources, attributes = _Table[Labels](), _Table[Labels]()
    names = _Table[str]()
    starts = np.cumsum([0, *(len(batch) for batch in batches[:-1])])
    columns = {
        name: np.concatenate([getattr(batch, name) for batch in batches]) for name in _SPAN_COLUMNS
    }
    return SpanBatch(
        **columns,
        resource=np.concatenate([resources.rows(b.resources, b.resource) for b in batches]),
        attributes=np.concatenate(
            [attributes.rows(b.attribute_sets, b.attributes) for b in batches]
        ),
        name=np.concatenate([names.rows(b.names, b.name) for b in batches]),
        link_row=np.concatenate(
            [
                (b.link_row + start).astype(np.int32)
                for b, start in zip(batches, starts, strict=True)
            ]
        ),
        resources=tuple(resources.entries),
        attribute_sets=tuple(attributes.entries),
        names=tuple(names.entries),
    )


def joined_metrics(batches: Sequence[MetricBatch]) -> MetricBatch | None:
    """Return many batches as one, each series held once."""
    if not batches:
        return None
    table = _Table[Series]()
    return MetricBatch(
        series=np.concatenate([table.rows(b.table, b.series) for b in batches]),
        time_ms=np.concatenate([b.time_ms for b in batches]),
        value=np.concatenate([b.value for b in batches]),
        table=tuple(table.entries),
    )


_SPAN_COLUMNS = (
    "trace_hi",
    "trace_lo",
    "span_id",
    "parent_id",
    "start_ns",
    "end_ns",
    "kind",
    "status",
    "link_trace_hi",
    "link_trace_lo",
    "link_span_id",
)


class _Table(Generic[E]):
    """Distinct entries of the tables of many batches, in the order in which they came."""

    def __init__(self) -> None:
        self.entries: dict[E, int] = {}

    def rows(self, table: Sequence[E], rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return a batch's rows as rows of this table."""
        places = [self.entries.setdefault(entry, len(self.entries)) for entry in table]
        return np.array(places, np.int32)[rows] if places else rows
