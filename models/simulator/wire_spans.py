"""Spans as processes export them: OTLP protobuf, one resource and a few seconds a message."""

from collections.abc import Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import (
    ResourceSpans,
    ScopeSpans,
    Span,
    Status,
    TracesData,
)

from schemas.telemetry import Labels, SpanBatch

EXPORT_SECONDS = 5
MAX_SPANS = 512
"""A batch processor's limits: it exports when it is full or its time is up."""
COLLECTOR_MS = 200
INTEGERS = frozenset({"http.response.status_code", "server.port"})

Rows = NDArray[np.int64]


def exports(batch: SpanBatch) -> Iterator[tuple[int, Rows]]:
    """Return the rows of each export and when it arrives, in the order of arrival."""
    end_ms = batch.end_ns // 1_000_000
    # Every process flushes at its own phase of the interval.
    interval = EXPORT_SECONDS * 1000
    phase = (batch.resource.astype(np.int64) * 1_637) % interval
    flush_ms = ((end_ms - phase) // interval + 1) * interval + phase
    order = np.lexsort((batch.end_ns, batch.resource, flush_ms))
    keys = np.stack((flush_ms[order], batch.resource[order].astype(np.int64)))
    changed = np.any(keys[:, 1:] != keys[:, :-1], axis=0)
    starts = np.concatenate(([0], np.flatnonzero(changed) + 1)) if len(order) else np.array([])
    found: list[tuple[int, Rows]] = []
    for begin, end in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True):
        for at in range(begin, end, MAX_SPANS):
            rows = order[at : min(at + MAX_SPANS, end)]
            full = at + MAX_SPANS < end
            moment = int(end_ms[rows[-1]]) if full else int(flush_ms[rows[0]])
            found.append((moment + COLLECTOR_MS, rows))
    found.sort(key=lambda item: item[0])
    yield from found


class SpanEncoder:
    """Encodes rows of one batch; what repeats is encoded once."""

    def __init__(self, batch: SpanBatch) -> None:
        self._batch = batch
        self._resources = [Resource(attributes=_pairs(r)) for r in batch.resources]
        self._attributes = [
            Span(attributes=_pairs(a)).SerializeToString() for a in batch.attribute_sets
        ]
        self._links = _links(batch)

    def encode(self, rows: Rows) -> bytes:
        """Return the OTLP message of these rows, which share their resource."""
        batch = self._batch
        columns = (
            rows.tolist(),
            batch.trace_hi[rows].tolist(),
            batch.trace_lo[rows].tolist(),
            batch.span_id[rows].tolist(),
            batch.parent_id[rows].tolist(),
            batch.start_ns[rows].tolist(),
            batch.end_ns[rows].tolist(),
            batch.kind[rows].tolist(),
            batch.status[rows].tolist(),
            batch.attributes[rows].tolist(),
            batch.name[rows].tolist(),
        )
        spans = [self._span(row) for row in zip(*columns, strict=True)]
        resource = self._resources[int(batch.resource[rows[0]])]
        scope = ScopeSpans(scope=InstrumentationScope(name="io.opentelemetry.auto"), spans=spans)
        return TracesData(
            resource_spans=[ResourceSpans(resource=resource, scope_spans=[scope])]
        ).SerializeToString(deterministic=True)

    def _span(self, row: tuple[int, ...]) -> Span:
        index, hi, lo, span_id, parent, start, end, kind, status, attributes, name = row
        span = Span.FromString(self._attributes[attributes])
        span.trace_id = hi.to_bytes(8, "big") + lo.to_bytes(8, "big")
        span.span_id = span_id.to_bytes(8, "big")
        if parent:
            span.parent_span_id = parent.to_bytes(8, "big")
        span.name = self._batch.names[name]
        span.kind = cast("Span.SpanKind.ValueType", kind)
        span.start_time_unix_nano = start
        span.end_time_unix_nano = end
        if status:
            span.status.code = cast("Status.StatusCode.ValueType", status)
        for trace_id, linked in self._links.get(index, ()):
            span.links.add(trace_id=trace_id, span_id=linked)
        return span


def _links(batch: SpanBatch) -> dict[int, list[tuple[bytes, bytes]]]:
    found: dict[int, list[tuple[bytes, bytes]]] = {}
    columns = (batch.link_row, batch.link_trace_hi, batch.link_trace_lo, batch.link_span_id)
    for row, hi, lo, span in zip(*(column.tolist() for column in columns), strict=True):
        trace = hi.to_bytes(8, "big") + lo.to_bytes(8, "big")
        found.setdefault(row, []).append((trace, span.to_bytes(8, "big")))
    return found


def _pairs(labels: Labels) -> list[KeyValue]:
    return [_pair(key, text) for key, text in labels]


def _pair(key: str, text: str) -> KeyValue:
    if key == "url.host":
        # Recordings keep the host of a URL only; producers send the whole.
        return KeyValue(key="url.full", value=AnyValue(string_value=f"https://{text}/"))
    return KeyValue(key=key, value=_value(key, text))


def _value(key: str, text: str) -> AnyValue:
    if key in INTEGERS:
        return AnyValue(int_value=int(text))
    return AnyValue(string_value=text)
