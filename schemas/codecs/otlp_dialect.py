"""The two encodings of OTLP behind one set of names, so that one walk reads both."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.codecs import otlp_json, otlp_messages
from schemas.codecs.cloudevents import Headers, content_type, open_bytes
from schemas.codecs.limits import CodecLimits, check_bytes
from schemas.codecs.otlp_attributes import Pair, PairMemo, point_pair, resource_pair, span_pair
from schemas.errors import SchemaError

PairsOf = Callable[[Iterable[Any]], Iterator[Pair]]
"""Raw attributes -> the kept (name, text) pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one encoding writes what protobuf and JSON write differently."""

    id_width: int  # characters or bytes that one byte of an id takes
    no_parent: Any  # how a parent id of zero is written in full
    unpack_ids: Callable[[Sequence[Any]], bytes]
    raw: Callable[[Iterable[Any]], Iterable[bytes]]  # attributes as hashable bytes
    span_pairs: PairsOf
    resource_pairs: PairsOf
    point_pairs: PairsOf
    optional: Callable[[Any, str], Any]  # a field's value, None where it is not set
    data_of: Callable[[Any], str | None]  # which of a metric's kinds of data is set


_KINDS_OF_DATA = ("gauge", "sum", "histogram", "exponential_histogram", "summary")


def _json_pairs(keep: Callable[[str, object], Pair | None]) -> PairsOf:
    get = PairMemo(otlp_json.parse_pair, keep).__getitem__
    return lambda attributes: filter(None, map(get, map(bytes, attributes)))


def _protobuf_pairs(keep: Callable[[str, object], Pair | None]) -> PairsOf:
    get = PairMemo(otlp_messages.parse_pair, keep).__getitem__
    return lambda attributes: filter(None, map(get, attributes))


def _json_data_of(metric: Any) -> str | None:
    for kind in _KINDS_OF_DATA:
        if getattr(metric, kind) is not None:
            return kind
    return None


JSON = Dialect(
    id_width=2,
    no_parent="0" * 16,
    unpack_ids=lambda ids: bytes.fromhex("".join(ids)),
    raw=lambda attributes: map(bytes, attributes),
    span_pairs=_json_pairs(span_pair),
    resource_pairs=_json_pairs(resource_pair),
    point_pairs=_json_pairs(point_pair),
    optional=getattr,
    data_of=_json_data_of,
)
PROTOBUF = Dialect(
    id_width=1,
    no_parent=b"\0" * 8,
    unpack_ids=b"".join,
    raw=lambda attributes: attributes,
    span_pairs=_protobuf_pairs(span_pair),
    resource_pairs=_protobuf_pairs(resource_pair),
    point_pairs=_protobuf_pairs(point_pair),
    optional=lambda message, name: getattr(message, name) if message.HasField(name) else None,
    data_of=lambda metric: metric.WhichOneof("data"),
)


def open_otlp(value: bytes, headers: Headers, limits: CodecLimits) -> tuple[bytes, Dialect]:
    """Take off a CloudEvents envelope and tell which encoding is inside.

    A protobuf message never begins with `{`; a JSON message may begin with a line break, which in
    protobuf is the tag of the first field, so that one needs the content type.
    """
    check_bytes(value, limits)
    inner = open_bytes(value, headers, limits)
    check_bytes(inner, limits)
    is_json = inner[:1] in (b"{", b" ", b"\t", b"\r") or (
        inner[:1] == b"\n"
        and content_type(headers) == "application/json"
        and inner.lstrip()[:1] == b"{"
    )
    return inner, JSON if is_json else PROTOBUF


def read_ids(ids: Sequence[Any], words: int, what: str, dialect: Dialect) -> NDArray[np.uint64]:
    """Return ids as rows of `words` big-endian 64-bit words."""
    size = words * 8 * dialect.id_width
    wrong = sorted(set(map(len, ids)) - {size})
    if wrong:
        unit = "hexadecimal digits" if dialect.id_width == 2 else "bytes"
        msg = f"found {what} of {wrong[0]} {unit}, expected {size}: correct the exporter"
        raise SchemaError(msg)
    try:
        packed = dialect.unpack_ids(ids)
    except ValueError as error:
        msg = f"found {what} that is no hexadecimal number: OTLP's JSON writes ids in hex"
        raise SchemaError(msg) from error
    if len(packed) != len(ids) * words * 8:
        msg = f"found {what} with blanks in it, expected hexadecimal digits: correct the exporter"
        raise SchemaError(msg)
    return np.frombuffer(packed, ">u8").reshape(-1, words).astype(np.uint64)
