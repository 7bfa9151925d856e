"""OTLP's protobuf messages with attributes left as bytes.

The classes are made from opentelemetry-proto's own descriptors with one change: attributes of
spans, events and data points are `bytes` (the same on the wire as the message). Equal attributes
then decode once and are looked up after, which is about twice as fast as reading each.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from schemas.errors import SchemaError

_TRACE = "opentelemetry.proto.trace.v1.TracesData"
_METRICS = "opentelemetry.proto.metrics.v1.MetricsData"


def _attributes_as_bytes(message: descriptor_pb2.DescriptorProto) -> None:
    for field in message.field:
        if field.name == "attributes":
            field.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")
    for nested in message.nested_type:
        _attributes_as_bytes(nested)


def _message_class(file: Any, name: str) -> Any:
    pool = descriptor_pool.DescriptorPool()
    for module in (common_pb2, resource_pb2, file):
        description = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(description)
        if module is not common_pb2:
            for message in description.message_type:
                _attributes_as_bytes(message)
        pool.Add(description)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


_TRACES_DATA = _message_class(trace_pb2, _TRACE)
_METRICS_DATA = _message_class(metrics_pb2, _METRICS)


def parse_traces(value: bytes) -> Any:
    """Parse a TracesData (an ExportTraceServiceRequest is the same) to its resource spans."""
    return _parse(_TRACES_DATA, value, "spans").resource_spans


def parse_metrics(value: bytes) -> Any:
    """Parse a MetricsData (or an ExportMetricsServiceRequest) to its resource metrics."""
    return _parse(_METRICS_DATA, value, "metrics").resource_metrics


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
        return [_plain(each) for each in value.array_value.values]
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
