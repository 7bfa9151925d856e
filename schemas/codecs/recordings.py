"""Span and metric batches as the .npz files of a recording, and batches put together.

Every index is checked on reading, so a batch that was read can be used without care.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.codecs.npz import Unpacked, pack
from schemas.errors import SchemaError
from schemas.telemetry import Labels, MetricBatch, MetricForm, Series, SpanBatch

_SPAN_COLUMNS: dict[str, type[np.generic]] = {
    "trace_hi": np.uint64,
    "trace_lo": np.uint64,
    "span_id": np.uint64,
    "parent_id": np.uint64,
    "start_ns": np.int64,
    "end_ns": np.int64,
    "kind": np.uint8,
    "status": np.uint8,
    "resource": np.int32,
    "attributes": np.int32,
    "name": np.int32,
}
_LINK_COLUMNS: dict[str, type[np.generic]] = {
    "link_row": np.int32,
    "link_trace_hi": np.uint64,
    "link_trace_lo": np.uint64,
    "link_span_id": np.uint64,
}
_METRIC_COLUMNS: dict[str, type[np.generic]] = {
    "series": np.int32,
    "time_ms": np.int64,
    "value": np.float64,
}


def spans_to_npz(batch: SpanBatch) -> bytes:
    """Write spans.npz."""
    columns = {name: getattr(batch, name) for name in (*_SPAN_COLUMNS, *_LINK_COLUMNS)}
    tables = {
        "resources": batch.resources,
        "attribute_sets": batch.attribute_sets,
        "names": batch.names,
    }
    return pack(columns, tables)


def spans_from_npz(data: bytes) -> SpanBatch:
    """Read spans.npz; raise `SchemaError` for anything else."""
    unpacked = Unpacked(data)
    rows = _columns(unpacked, _SPAN_COLUMNS)
    links = _columns(unpacked, _LINK_COLUMNS)
    resources = _table(unpacked, "resources", _labels)
    attribute_sets = _table(unpacked, "attribute_sets", _labels)
    names = _table(unpacked, "names", _text)
    _check_index("resource", rows["resource"], len(resources))
    _check_index("attributes", rows["attributes"], len(attribute_sets))
    _check_index("name", rows["name"], len(names))
    _check_index("link_row", links["link_row"], len(rows["span_id"]))
    return SpanBatch(
        **rows, **links, resources=resources, attribute_sets=attribute_sets, names=names
    )


def metrics_to_npz(batch: MetricBatch) -> bytes:
    """Write metrics.npz."""
    columns = {name: getattr(batch, name) for name in _METRIC_COLUMNS}
    table = [[each.name, each.labels, int(each.form), each.unit] for each in batch.table]
    return pack(columns, {"table": table})


def metrics_from_npz(data: bytes) -> MetricBatch:
    """Read metrics.npz; raise `SchemaError` for anything else."""
    unpacked = Unpacked(data)
    columns = _columns(unpacked, _METRIC_COLUMNS)
    table = _table(unpacked, "table", _series)
    _check_index("series", columns["series"], len(table))
    return MetricBatch(**columns, table=table)


def _columns(unpacked: Unpacked, types: dict[str, type[np.generic]]) -> dict[str, NDArray[Any]]:
    columns = {name: unpacked.column(name, dtype) for name, dtype in types.items()}
    lengths = sorted({len(column) for column in columns.values()})
    if len(lengths) != 1:
        msg = (
            f"columns {', '.join(columns)} have lengths {lengths}, expected one length:"
            " make the file again"
        )
        raise SchemaError(msg)
    return columns


_Row = TypeVar("_Row")


def _table(
    unpacked: Unpacked, name: str, read: Callable[[object], _Row | None]
) -> tuple[_Row, ...]:
    table = unpacked.table(name)
    rows: list[_Row] = []
    for index, each in enumerate(table if isinstance(table, list) else [None]):
        row = read(each)
        if row is None:
            msg = f"table {name} of the .npz is wrong at row {index}: make the file again"
            raise SchemaError(msg)
        rows.append(row)
    return tuple(rows)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _labels(value: object) -> Labels | None:
    if not isinstance(value, list):
        return None
    pairs: list[tuple[str, str]] = []
    for each in value:
        match each:
            case [str(name), str(text)]:
                pairs.append((name, text))
            case _:
                return None
    return tuple(sorted(pairs))


def _series(value: object) -> Series | None:
    match value:
        case [str(name), list(pairs), int(form), str(unit)] if form in set(MetricForm):
            labels = _labels(pairs)
            if labels is not None:
                return Series(name=name, labels=labels, form=MetricForm(form), unit=unit)
    return None


def _check_index(name: str, column: NDArray[Any], length: int) -> None:
    if len(column) and not (column.min() >= 0 and column.max() < length):
        msg = (
            f"column {name} of the .npz points to rows {column.min()} to {column.max()} of a table"
            f" of {length}: make the file again"
        )
        raise SchemaError(msg)
