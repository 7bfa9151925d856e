"""OTLP in JSON: typed structs with the field names of the protobuf messages.

So one walk reads both encodings. 64-bit integers come as text or numbers, enums as integers, ids
as hexadecimal text; unknown fields are ignored. Attributes stay raw bytes, as in `otlp_messages`.
"""

from typing import Any

import msgspec

from schemas.codecs.json_text import check_shape
from schemas.codecs.limits import CodecLimits
from schemas.errors import SchemaError

_Raw = list[msgspec.Raw]


class _Struct(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """Base: lowerCamelCase on the wire."""


class _Resource(_Struct, frozen=True):
    attributes: _Raw = []


class _Status(_Struct, frozen=True):
    code: int = 0
    message: str = ""


class _Event(_Struct, frozen=True):
    name: str = ""
    attributes: _Raw = []


class _Link(_Struct, frozen=True):
    trace_id: str = ""
    span_id: str = ""


class _Span(_Struct, frozen=True):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    kind: int = 0
    start_time_unix_nano: int = 0
    end_time_unix_nano: int = 0
    attributes: _Raw = []
    events: list[_Event] = []
    links: list[_Link] = []
    status: _Status = _Status()


class _ScopeSpans(_Struct, frozen=True):
    spans: list[_Span] = []


class _ResourceSpans(_Struct, frozen=True):
    resource: _Resource = _Resource()
    scope_spans: list[_ScopeSpans] = []


class _Traces(_Struct, frozen=True):
    resource_spans: list[_ResourceSpans] | msgspec.UnsetType = msgspec.UNSET


class _NumberPoint(_Struct, frozen=True):
    attributes: _Raw = []
    time_unix_nano: int = 0
    flags: int = 0
    as_double: float | None = None
    as_int: int | None = None


class _HistogramPoint(_Struct, frozen=True):
    attributes: _Raw = []
    time_unix_nano: int = 0
    flags: int = 0
    count: int = 0
    sum: float | None = None
    max: float | None = None


class _Quantile(_Struct, frozen=True):
    quantile: float = 0.0
    value: float = 0.0


class _SummaryPoint(_Struct, frozen=True):
    attributes: _Raw = []
    time_unix_nano: int = 0
    flags: int = 0
    count: int = 0
    sum: float = 0.0
    quantile_values: list[_Quantile] = []


class _Gauge(_Struct, frozen=True):
    data_points: list[_NumberPoint] = []


class _Sum(_Struct, frozen=True):
    data_points: list[_NumberPoint] = []
    aggregation_temporality: int = 0
    is_monotonic: bool = False


class _Histogram(_Struct, frozen=True):
    data_points: list[_HistogramPoint] = []
    aggregation_temporality: int = 0


class _Summary(_Struct, frozen=True):
    data_points: list[_SummaryPoint] = []


class _Metric(_Struct, frozen=True):
    name: str = ""
    unit: str = ""
    gauge: _Gauge | None = None
    sum: _Sum | None = None
    histogram: _Histogram | None = None
    exponential_histogram: _Histogram | None = None
    summary: _Summary | None = None


class _ScopeMetrics(_Struct, frozen=True):
    metrics: list[_Metric] = []


class _ResourceMetrics(_Struct, frozen=True):
    resource: _Resource = _Resource()
    scope_metrics: list[_ScopeMetrics] = []


class _Metrics(_Struct, frozen=True):
    resource_metrics: list[_ResourceMetrics] | msgspec.UnsetType = msgspec.UNSET


class _Values(_Struct, frozen=True):
    values: list["_AnyValue"] = []


class _AnyValue(_Struct, frozen=True):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | None = None
    double_value: float | None = None
    array_value: _Values | None = None


class _KeyValue(_Struct, frozen=True):
    key: str = ""
    value: _AnyValue = _AnyValue()


# Not strict: protobuf's JSON writes 64-bit integers and NaN as text.
_TRACES = msgspec.json.Decoder(_Traces, strict=False)
_METRICS = msgspec.json.Decoder(_Metrics, strict=False)
_KEY_VALUE = msgspec.json.Decoder(_KeyValue, strict=False)


def parse_traces(value: bytes, limits: CodecLimits) -> Any:
    """Parse a TracesData to its resource spans."""
    return _expect(_parse(_TRACES, value, limits).resource_spans, "resourceSpans", value)


def parse_metrics(value: bytes, limits: CodecLimits) -> Any:
    """Parse a MetricsData to its resource metrics."""
    return _expect(_parse(_METRICS, value, limits).resource_metrics, "resourceMetrics", value)


def parse_pair(raw: bytes) -> tuple[str, object]:
    """Parse one KeyValue to its key and a plain value (None for what has no text)."""
    try:
        pair = _KEY_VALUE.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"an attribute is no OTLP KeyValue ({str(error)[:200]}): correct the exporter"
        raise SchemaError(msg) from error
    return pair.key, _plain(pair.value)


def _plain(value: _AnyValue) -> object:
    for scalar in (value.string_value, value.bool_value, value.int_value, value.double_value):
        if scalar is not None:
            return scalar
    if value.array_value is not None:
        return [_plain(each) for each in value.array_value.values]
    return None


def _parse(decoder: Any, value: bytes, limits: CodecLimits) -> Any:
    check_shape(value, limits)
    try:
        return decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"the message is no OTLP in JSON ({str(error)[:200]}): correct the exporter"
        raise SchemaError(msg) from error


def _expect(found: Any, key: str, value: bytes) -> Any:
    if found is not msgspec.UNSET:
        return found
    if value.strip() != b"{}":
        msg = (
            f"the message is JSON without {key}: check that this topic gets this kind of"
            " OTLP and that the encoding is otlp_json"
        )
        raise SchemaError(msg)
    return ()
