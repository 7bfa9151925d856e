"""OTLP's protobuf messages with attributes left as bytes.

The classes are made from opentelemetry-proto's own descriptors with one change: attributes of
spans, events and data points are `bytes` (the same on the wire as the message). Equal attributes
then decode once and are looked up after, which is about twice as fast as reading each.

An empty message takes two bytes on the wire and up to 160 in memory, so a large one is first read
level by level, each time with the next level left as bytes, and what is there is counted.
"""

from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from schemas.codecs.limits import CodecLimits, check_count
from schemas.errors import SchemaError

SMALL_BYTES = 1024 * 1024
"""Not worth counting: whatever is in it takes less than a hundred megabytes."""
ARRAY_VALUES = 5_000
"""Values of an array attribute that are read; that many make a text too long to be accepted."""
_TRACE = "opentelemetry.proto.trace.v1.TracesData"
_METRICS = "opentelemetry.proto.metrics.v1.MetricsData"


def _as_bytes(message: descriptor_pb2.DescriptorProto, names: frozenset[str]) -> None:
    for field in message.field:
        if field.name in names:
            field.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")
    for nested in message.nested_type:
        _as_bytes(nested, names)


def _message_class(file: Any, name: str, *more: str) -> Any:
    """Make the class of a message in which attributes, and fields called `more`, are bytes."""
    names = frozenset({"attributes", *more})
    pool = descriptor_pool.DescriptorPool()
    for module in (common_pb2, resource_pb2, file):
        description = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(description)
        if module is not common_pb2:
            for message in description.message_type:
                _as_bytes(message, names)
        pool.Add(description)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


_TRACES_DATA = _message_class(trace_pb2, _TRACE)
_METRICS_DATA = _message_class(metrics_pb2, _METRICS)


@dataclass(frozen=True, slots=True)
class _Level:
    """One level of a message: what it is called, its limit, and the class that leaves it bytes."""

    field: str
    word: str
    limit: str
    shallow: Any


_TRACE_LEVELS = tuple(
    _Level(field, word, limit, _message_class(trace_pb2, _TRACE, field))
    for field, word, limit in (
        ("resource_spans", "resources", "resources_per_message"),
        ("scope_spans", "scopes", "resources_per_message"),
        ("spans", "spans", "spans_per_message"),
    )
)
_METRIC_LEVELS = tuple(
    _Level(field, word, limit, _message_class(metrics_pb2, _METRICS, field))
    for field, word, limit in (
        ("resource_metrics", "resources", "resources_per_message"),
        ("scope_metrics", "scopes", "resources_per_message"),
        ("metrics", "metrics", "samples_per_message"),
        ("data_points", "samples", "samples_per_message"),
    )
)


def parse_traces(value: bytes, limits: CodecLimits) -> Any:
    """Parse a TracesData (an ExportTraceServiceRequest is the same) to its resource spans."""
    _check_levels(_TRACE_LEVELS, value, "spans", limits)
    return _parse(_TRACES_DATA, value, "spans").resource_spans


def parse_metrics(value: bytes, limits: CodecLimits) -> Any:
    """Parse a MetricsData (or an ExportMetricsServiceRequest) to its resource metrics."""
    _check_levels(_METRIC_LEVELS, value, "metrics", limits)
    return _parse(_METRICS_DATA, value, "metrics").resource_metrics


def _check_levels(
    levels: tuple[_Level, ...], value: bytes, what: str, limits: CodecLimits
) -> None:
    if len(value) <= SMALL_BYTES:
        return
    above: list[str] = []
    for level in levels:
        messages = [_parse(level.shallow, value, what)]
        for name in above:
            messages = [each for message in messages for each in getattr(message, name)]
        found = sum(_count(message, level.field) for message in messages)
        check_count(found, getattr(limits, level.limit), level.word, level.limit)
        above.append(level.field)


def _count(message: Any, field: str) -> int:
    if field != "data_points":
        return len(getattr(message, field))
    kind = message.WhichOneof("data")
    return len(getattr(message, kind).data_points) if kind else 0


def parse_pair(raw: bytes) -> tuple[str, object]:
    """Parse one KeyValue to its key and a plain value (None for what has no text)."""
    try:
        pair = common_pb2.KeyValue.FromString(raw)
    except DecodeError as error:
        msg = (
            "an attribute is no OTLP KeyValue: the message is cut or not OTLP;"
            " check the exporter's encoding"
        )
        raise SchemaError(msg) from error
    return pair.key, _plain(pair.value)


def _plain(value: Any) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(each) for each in value.array_value.values[:ARRAY_VALUES]]
    # Maps, bytes and references to a profile's string table have no use as labels.
    return getattr(value, kind) if kind in _SCALARS else None


_SCALARS = frozenset({"string_value", "bool_value", "int_value", "double_value"})


def _parse(message_class: Any, value: bytes, what: str) -> Any:
    try:
        return message_class.FromString(value)
    except DecodeError as error:
        msg = (
            f"the message is no OTLP {what} in protobuf ({len(value)} bytes, cut or of another"
            " format): check the exporter's encoding (otlp_proto or otlp_json) and the topic"
        )
        raise SchemaError(msg) from error
