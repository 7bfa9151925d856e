"""Takes rows out of columnar batches: those whose event time lies too far ahead of arrival."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from schemas.telemetry import MetricBatch, SpanBatch

_NS_PER_MS = 1_000_000
_SPAN_COLUMNS = (
    "trace_hi",
    "trace_lo",
    "span_id",
    "parent_id",
    "start_ns",
    "end_ns",
    "kind",
    "status",
    "resource",
    "attributes",
    "name",
)
_LINK_COLUMNS = ("link_row", "link_trace_hi", "link_trace_lo", "link_span_id")


def spans_until(batch: SpanBatch, limit_ms: int) -> SpanBatch:
    """Return the spans that start and end at `limit_ms` or before; the batch itself if all do."""
    keep = np.maximum(batch.start_ns, batch.end_ns) <= limit_ms * _NS_PER_MS
    if keep.all():
        return batch
    columns = {name: getattr(batch, name)[keep] for name in _SPAN_COLUMNS}
    linked = keep[batch.link_row]
    links = {name: getattr(batch, name)[linked] for name in _LINK_COLUMNS}
    # Rows moved up, and links point at rows.
    moved: NDArray[np.int32] = (np.cumsum(keep) - 1).astype(np.int32)
    links["link_row"] = moved[links["link_row"]]
    return replace(batch, **columns, **links)


def samples_until(batch: MetricBatch, limit_ms: int) -> MetricBatch:
    """Return the samples taken at `limit_ms` or before; the batch itself if all are."""
    return samples_where(batch, batch.time_ms <= limit_ms)


def samples_where(batch: MetricBatch, keep: NDArray[np.bool_]) -> MetricBatch:
    """Return the samples that `keep` marks; the batch itself if it marks all."""
    if keep.all():
        return batch
    return replace(
        batch,
        series=batch.series[keep],
        time_ms=batch.time_ms[keep],
        value=batch.value[keep],
    )
