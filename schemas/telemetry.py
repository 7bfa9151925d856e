"""Spans and metric samples as numpy columns (struct of arrays), never one object per row.

Attribute dictionaries repeat from row to row, so each distinct one is held once in a table and
rows point into it. A batch holds what one Kafka message (or one recording) carried, undigested:
which component a row belongs to is decided later, once per distinct attribute set.
"""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Labels = tuple[tuple[str, str], ...]
"""Label or attribute pairs, sorted by name, values as text."""


def labels_of(mapping: dict[str, str]) -> Labels:
    """Freeze a mapping into sorted pairs.

    >>> labels_of({"b": "2", "a": "1"})
    (('a', '1'), ('b', '2'))
    """
    return tuple(sorted(mapping.items()))


class SpanKind(IntEnum):
    """OTLP's `SpanKind`."""

    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class SpanStatus(IntEnum):
    """OTLP's `Status.StatusCode`."""

    UNSET = 0
    OK = 1
    ERROR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanBatch:
    """n spans. Row columns have length n, link columns one row per link.

    `trace_hi`/`trace_lo` are the halves of the 16-byte trace id, big-endian; `parent_id` is 0 for
    a root span. `resource`, `attributes` and `name` are indices into the tables of that name
    (attribute sets hold only what identifies peers, operations, statements and failures).
    """

    trace_hi: NDArray[np.uint64]
    trace_lo: NDArray[np.uint64]
    span_id: NDArray[np.uint64]
    parent_id: NDArray[np.uint64]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    kind: NDArray[np.uint8]
    status: NDArray[np.uint8]
    resource: NDArray[np.int32]
    attributes: NDArray[np.int32]
    name: NDArray[np.int32]
    resources: tuple[Labels, ...]
    attribute_sets: tuple[Labels, ...]
    names: tuple[str, ...]
    link_row: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    link_trace_hi: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    link_trace_lo: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    link_span_id: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))

    def __len__(self) -> int:
        return len(self.span_id)


class MetricForm(IntEnum):
    """How the values of a series are to be read."""

    GAUGE = 0  # the value is the measurement
    COUNTER = 1  # monotonic since a start; the measurement is the rate; resets to 0
    DELTA = 2  # the increase since the last sample of the series
    UNKNOWN = 3  # the dialect does not say (Prometheus): the name's suffix decides


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One time series: a metric name and the labels that tell it from its siblings.

    OTLP resource attributes and data point attributes are merged into `labels`. A histogram comes
    as three series: `<name>_sum` and `<name>_count` and, where it says so, `<name>_max`.
    """

    name: str
    labels: Labels
    form: MetricForm = MetricForm.UNKNOWN
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricBatch:
    """n samples: `series[i]` indexes `table`; `value` may be NaN (Prometheus' stale marker)."""

    series: NDArray[np.int32]
    time_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    table: tuple[Series, ...]

    def __len__(self) -> int:
        return len(self.series)
