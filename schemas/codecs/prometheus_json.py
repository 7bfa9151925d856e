"""prometheus-kafka-adapter's JSON, one sample a message, many messages at once.

`labels` stay raw bytes until a series is new: the adapter writes them in one order, so the same
bytes are the same series.
"""

from collections.abc import Sequence
from contextlib import suppress

import msgspec
import numpy as np

from schemas.codecs.cloudevents import Headers, open_bytes
from schemas.codecs.instants import read_instant
from schemas.codecs.json_text import check_shape, parse_json
from schemas.codecs.label_sets import read_labels
from schemas.codecs.limits import DEFAULT_LIMITS, CodecLimits, check_bytes, check_count
from schemas.codecs.series_memo import SeriesMemo, SeriesTable
from schemas.errors import SchemaError
from schemas.telemetry import Labels, MetricBatch, Series

_NAME = "__name__"
_VALUE_CHARS = 64


class _Sample(msgspec.Struct, gc=False):
    timestamp: str
    value: str | float
    labels: msgspec.Raw
    name: str = ""


_SAMPLE = msgspec.json.Decoder(_Sample)
_MEMO = SeriesMemo()

BadSample = tuple[int, SchemaError]


def decode_samples(
    values: Sequence[bytes],
    headers: Sequence[Headers] = (),
    *,
    limits: CodecLimits = DEFAULT_LIMITS,
) -> tuple[MetricBatch, tuple[BadSample, ...]]:
    """Decode many messages to one batch, and say by index which of them are bad.

    Args:
        values: the messages.
        headers: theirs, in the same order; may be left out where none has CloudEvents headers.
        limits: `samples_per_message` bounds the whole call.
    """
    check_count(len(values), limits.samples_per_message, "samples", "samples_per_message")
    _MEMO.begin_message(limits)
    table = SeriesTable(limits)
    rows: list[int] = []
    times: list[int] = []
    numbers: list[float] = []
    bad: list[BadSample] = []
    for index, value in enumerate(values):
        try:
            inner = open_bytes(value, headers[index] if headers else (), limits)
            time_ms, number, series = _decode(inner, limits)
            rows.append(table.row(series))
        except SchemaError as error:
            bad.append((index, error))
            continue
        times.append(time_ms)
        numbers.append(number)
    batch = MetricBatch(
        series=np.array(rows, np.int32),
        time_ms=np.array(times, np.int64),
        value=np.array(numbers, np.float64),
        table=tuple(table.series),
    )
    return batch, tuple(bad)


def _decode(value: bytes, limits: CodecLimits) -> tuple[int, float, Series]:
    check_bytes(value, limits)
    check_shape(value, limits)
    try:
        sample = _SAMPLE.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = (
            f"the message is no sample of prometheus-kafka-adapter ({str(error)[:200]}):"
            " expected an object with timestamp, value, name and labels"
        )
        raise SchemaError(msg) from error
    time_ms = read_instant(sample.timestamp, "timestamp")
    if time_ms is None:
        msg = (
            "timestamp is empty, expected an RFC 3339 time like 2026-09-01T10:00:00Z:"
            " correct the producer"
        )
        raise SchemaError(msg)
    return time_ms, _number(sample.value), _series(sample.name, bytes(sample.labels), limits)


def _number(value: str | float) -> float:
    """Read Go's way of writing a float, which Python shares: 2.1, NaN, +Inf, -Inf."""
    # Python also reads digits grouped by underscores, which nobody else writes.
    if isinstance(value, float) or (len(value) <= _VALUE_CHARS and "_" not in value):
        with suppress(ValueError):
            return float(value)
    msg = (
        f'value is "{str(value)[:60]}", expected a number as text like "2.1", "NaN" or "+Inf":'
        " correct the producer"
    )
    raise SchemaError(msg)


def _series(name: str, raw: bytes, limits: CodecLimits) -> Series:
    key = (name, raw)
    series = _MEMO.get(key)
    if series is not None:
        return series
    labels = read_labels(parse_json(raw, limits), "labels", limits)
    name = name or dict(labels).get(_NAME, "")
    if not name or len(name) > limits.label_name_chars:
        msg = (
            f"the metric's name has {len(name)} characters, expected 1 to"
            f" {limits.label_name_chars}: set name or the label {_NAME}"
        )
        raise SchemaError(msg)
    return _MEMO.add(key, Series(name=name, labels=_without_name(labels)), raw_bytes=len(raw))


def _without_name(labels: Labels) -> Labels:
    return tuple(pair for pair in labels if pair[0] != _NAME)
