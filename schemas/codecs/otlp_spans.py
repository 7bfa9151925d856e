"""OTLP spans, protobuf or JSON, to `SpanBatch` columns.

Columns are built list by list from the parsed message; no object per span outlives the call.
"""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.codecs import otlp_json, otlp_messages
from schemas.codecs.cloudevents import Headers
from schemas.codecs.instants import EARLIEST_MS, LATEST_MS
from schemas.codecs.limits import DEFAULT_LIMITS, CodecLimits, check_count
from schemas.codecs.otlp_attributes import Pair, freeze
from schemas.codecs.otlp_dialect import JSON, Dialect, open_otlp, read_ids
from schemas.errors import SchemaError
from schemas.telemetry import Labels, SpanBatch, SpanKind, SpanStatus

SPAN_NAME_CHARS = 256
"""Span names are cut to this: the tail of a longer one is an id or a statement."""

_FAILURES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"time[d ]*-?out|deadline", re.IGNORECASE), "timeout"),
    (re.compile(r"refused", re.IGNORECASE), "connection_refused"),
    (re.compile(r"\btls\b|\bssl\b|certificate|x509|handshake", re.IGNORECASE), "tls"),
    (re.compile(r"connection reset|broken pipe|\beof\b", re.IGNORECASE), "connection_reset"),
)


def decode_spans(
    value: bytes, headers: Headers = (), *, limits: CodecLimits = DEFAULT_LIMITS
) -> SpanBatch:
    """Decode one message of the OpenTelemetry Collector's Kafka exporter."""
    inner, dialect = open_otlp(value, headers, limits)
    if dialect is JSON:
        found = otlp_json.parse_traces(inner, limits)
    else:
        found = otlp_messages.parse_traces(inner, limits)
    columns = _Columns(dialect, limits)
    check_count(len(found), limits.resources_per_message, "resources", "resources_per_message")
    scopes = sum(len(each.scope_spans) for each in found)
    check_count(scopes, limits.resources_per_message, "scopes", "resources_per_message")
    for resource_spans in found:
        resource = columns.resource_index(resource_spans.resource)
        for scope_spans in resource_spans.scope_spans:
            columns.extend(scope_spans.spans, resource)
    return columns.batch()


def failure_word(text: str) -> str:
    """Tell from an error message how a call failed; "" where it does not say.

    >>> failure_word("context deadline exceeded"), failure_word("dial tcp: connection refused")
    ('timeout', 'connection_refused')
    """
    for pattern, word in _FAILURES:
        if pattern.search(text[:2000]):
            return word
    return ""


class _Columns:
    """Lists that grow scope by scope and become one batch."""

    def __init__(self, dialect: Dialect, limits: CodecLimits) -> None:
        self._dialect = dialect
        self._limits = limits
        self._trace_ids: list[Any] = []
        self._span_ids: list[Any] = []
        self._parent_ids: list[Any] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._kinds: list[int] = []
        self._statuses: list[int] = []
        self._resource_rows: list[int] = []
        self._attribute_rows: list[int] = []
        self._name_rows: list[int] = []
        self._link_rows: list[int] = []
        self._link_traces: list[Any] = []
        self._link_spans: list[Any] = []
        self._resources: dict[Labels, int] = {}
        self._sets: dict[Labels, int] = {}
        self._set_of_pairs: dict[tuple[Pair, ...], int] = {}
        self._names: dict[str, int] = {}

    def resource_index(self, resource: Any) -> int:
        """Return the row of a resource in the table, adding it if it is new."""
        pairs = tuple(self._dialect.resource_pairs(resource.attributes))
        labels = freeze(pairs, "resource", self._limits)
        return self._resources.setdefault(labels, len(self._resources))

    def extend(self, spans: Any, resource: int) -> None:
        """Append the spans of one scope."""
        total = len(self._starts) + len(spans)
        check_count(total, self._limits.spans_per_message, "spans", "spans_per_message")
        # Held while it is read column by column: each access would wrap every span anew.
        rows = list(spans)
        none, pairs_of = self._dialect.no_parent, self._dialect.span_pairs
        self._trace_ids += [span.trace_id for span in rows]
        self._span_ids += [span.span_id for span in rows]
        self._parent_ids += [span.parent_span_id or none for span in rows]
        self._starts += [span.start_time_unix_nano for span in rows]
        self._ends += [span.end_time_unix_nano for span in rows]
        self._kinds += [span.kind for span in rows]
        self._resource_rows += [resource] * len(rows)
        names = self._names
        self._name_rows += [names.setdefault(span.name, len(names)) for span in rows]
        statuses = [span.status.code for span in rows]
        self._statuses += statuses
        pairs = [tuple(pairs_of(span.attributes)) for span in rows]
        if SpanStatus.ERROR in statuses:
            for row, span in enumerate(rows):
                if statuses[row] == SpanStatus.ERROR:
                    pairs[row] = self._with_failure(pairs[row], span)
        known = self._set_of_pairs
        self._attribute_rows += [
            known[each] if each in known else self._set_index(each) for each in pairs
        ]
        self._add_links(rows, total - len(rows))

    def batch(self) -> SpanBatch:
        """Turn the lists into columns, checking what is checked column-wise."""
        trace = read_ids(self._trace_ids, 2, "a trace id", self._dialect)
        span = read_ids(self._span_ids, 1, "a span id", self._dialect)[:, 0]
        if len(span) and not (span.all() and (trace[:, 0] | trace[:, 1]).all()):
            msg = (
                "found a trace or span id of zero, which OTLP calls invalid: correct the exporter"
            )
            raise SchemaError(msg)
        start, end = _instants(self._starts, self._ends)
        link_trace = read_ids(self._link_traces, 2, "a linked trace id", self._dialect)
        return SpanBatch(
            trace_hi=trace[:, 0].copy(),
            trace_lo=trace[:, 1].copy(),
            span_id=span,
            parent_id=read_ids(self._parent_ids, 1, "a parent id", self._dialect)[:, 0],
            start_ns=start,
            end_ns=end,
            kind=_enum(self._kinds, max(SpanKind)),
            status=_enum(self._statuses, max(SpanStatus)),
            resource=np.array(self._resource_rows, np.int32),
            attributes=np.array(self._attribute_rows, np.int32),
            name=np.array(self._name_rows, np.int32),
            resources=tuple(self._resources),
            attribute_sets=tuple(self._sets),
            names=tuple(name[:SPAN_NAME_CHARS] for name in self._names),
            link_row=np.array(self._link_rows, np.int32),
            link_trace_hi=link_trace[:, 0].copy(),
            link_trace_lo=link_trace[:, 1].copy(),
            link_span_id=read_ids(self._link_spans, 1, "a linked span id", self._dialect)[:, 0],
        )

    def _set_index(self, pairs: tuple[Pair, ...]) -> int:
        labels = freeze(pairs, "span attributes", self._limits)
        index = self._sets.setdefault(labels, len(self._sets))
        self._set_of_pairs[pairs] = index
        limit = self._limits.attribute_sets_per_message
        check_count(len(self._sets), limit, "attribute sets", "attribute_sets_per_message")
        return index

    def _with_failure(self, pairs: tuple[Pair, ...], span: Any) -> tuple[Pair, ...]:
        """Add what a failed span's exception and status message say about the failure."""
        texts = [span.status.message]
        added: list[Pair] = []
        for event in span.events:
            if event.name == "exception":
                said = self._exception(event)
                added += [("exception.type", said[0])] if said[0] else []
                texts += said
        given = dict(pairs).get("error.type", "")
        if not failure_word(given):
            word = failure_word(" ".join(text for text in texts if text))
            if word:
                # In front, because of two with one name the first stands.
                return (("error.type", word), *pairs, *added)
        return (*pairs, *added)

    def _exception(self, event: Any) -> list[str]:
        kept = dict(self._dialect.point_pairs(event.attributes))
        return [kept.get("exception.type", ""), kept.get("exception.message", "")]

    def _add_links(self, rows: list[Any], first: int) -> None:
        limit = self._limits.links_per_message
        for row, span in enumerate(rows, first):
            links = span.links
            if links:
                found = len(self._link_rows) + len(links)
                check_count(found, limit, "span links", "links_per_message")
                self._link_rows += [row] * len(links)
                self._link_traces += [link.trace_id for link in links]
                self._link_spans += [link.span_id for link in links]


def _instants(starts: list[int], ends: list[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    try:
        start, end = np.array(starts, np.uint64), np.array(ends, np.uint64)
    except (OverflowError, ValueError) as error:
        msg = "found a span time outside 64 bits, expected nanoseconds since 1970: correct it"
        raise SchemaError(msg) from error
    # A span without an end, or with a clock set back in between, took no time.
    end = np.maximum(start, end)
    low, high = np.uint64(EARLIEST_MS * 1_000_000), np.uint64(LATEST_MS * 1_000_000)
    wrong = (start < low) | (end >= high)
    if wrong.any():
        row = int(wrong.argmax())
        msg = (
            f"span {row} is from {start[row]} to {end[row]} ns since 1970, expected times between"
            " the years 2000 and 2200: check the unit and the producer's clock"
        )
        raise SchemaError(msg)
    return start.astype(np.int64), end.astype(np.int64)


def _enum(values: list[int], highest: int) -> NDArray[np.uint8]:
    """Read an enum; a value that is newer than this code counts as unspecified."""
    try:
        column = np.array(values, np.int64)
    except OverflowError as error:
        msg = "found an enum value outside 64 bits: correct the exporter"
        raise SchemaError(msg) from error
    return np.where((column >= 0) & (column <= highest), column, 0).astype(np.uint8)
