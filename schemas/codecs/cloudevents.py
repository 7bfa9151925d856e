"""CloudEvents on Kafka: binary headers and the structured JSON envelope, opened before decoding.

Binary mode leaves the value as it is. Structured mode is known by the content type, or by an
object with the mandatory attributes where a bridge lost the headers.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.codecs.json_text import describe, parse_json
from schemas.codecs.limits import CodecLimits
from schemas.errors import SchemaError

Headers = Sequence[tuple[str, bytes]]

_MANDATORY = ("specversion", "type", "source", "id")
_STRUCTURED = "application/cloudevents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A JSON document out of its envelope, with the envelope's time ("" where there is none)."""

    document: object
    time: str = ""


def header(headers: Headers, name: str) -> str:
    """Return a header's text by its name in any case; "" where it is absent."""
    for key, value in headers:
        if key.lower() == name:
            return (value or b"").decode("utf-8", "replace")
    return ""


def content_type(headers: Headers) -> str:
    """Return the lower-case media type without parameters."""
    return header(headers, "content-type").split(";", 1)[0].strip().lower()


def open_json(value: bytes, headers: Headers, limits: CodecLimits) -> Opened:
    """Parse JSON and open the envelope if there is one."""
    structured = _is_structured(headers)
    document = parse_json(value, limits)
    if structured or _looks_enveloped(document):
        return _open(document, limits)
    return Opened(document=document, time=_binary_time(headers))


def open_bytes(value: bytes, headers: Headers, limits: CodecLimits) -> bytes:
    """Return the bytes inside an envelope, or the value itself where there is none."""
    if not _is_structured(headers):
        if value[:1] != b"{" or b'"specversion"' not in value[:4096]:
            return value
        document = parse_json(value, limits)
        if not _looks_enveloped(document):
            return value
    else:
        document = parse_json(value, limits)
    envelope = _envelope(document)
    if "data_base64" in envelope:
        return _base64(envelope["data_base64"])
    return orjson.dumps(_data(envelope))


def _is_structured(headers: Headers) -> bool:
    media = content_type(headers)
    if media.startswith(f"{_STRUCTURED}-batch"):
        msg = (
            "the message is a CloudEvents batch, which Kafka's binding does not have:"
            " send one event a message"
        )
        raise SchemaError(msg)
    if not media.startswith(_STRUCTURED):
        _check_version(header(headers, "ce_specversion") or "1.0")
        return False
    if media not in (_STRUCTURED, f"{_STRUCTURED}+json"):
        msg = (
            f"the CloudEvents format is {media[:60]}, expected {_STRUCTURED}+json:"
            " send JSON envelopes or binary mode"
        )
        raise SchemaError(msg)
    return True


def _binary_time(headers: Headers) -> str:
    return header(headers, "ce_time")


def _looks_enveloped(document: object) -> bool:
    return isinstance(document, dict) and all(key in document for key in _MANDATORY)


def _open(document: object, limits: CodecLimits) -> Opened:
    envelope = _envelope(document)
    time = envelope.get("time")
    if "data_base64" in envelope:
        inner = parse_json(_base64(envelope["data_base64"]), limits)
    else:
        inner = _data(envelope)
    return Opened(document=inner, time=time if isinstance(time, str) else "")


def _envelope(document: object) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        msg = (
            f"the CloudEvents envelope is {describe(document)}, expected an object:"
            " check the content-type header"
        )
        raise SchemaError(msg)
    missing = [key for key in _MANDATORY if not document.get(key)]
    if missing:
        msg = (
            f"the CloudEvents envelope lacks {', '.join(missing)}:"
            " set all of specversion, type, source and id"
        )
        raise SchemaError(msg)
    _check_version(document["specversion"])
    return document


def _check_version(version: object) -> None:
    if not isinstance(version, str) or not version.startswith("1."):
        shown = repr(version[:60]) if isinstance(version, str) else describe(version)
        msg = f"CloudEvents specversion is {shown}, expected 1.0: send version 1.0"
        raise SchemaError(msg)


def _data(envelope: Mapping[str, Any]) -> object:
    if "data" not in envelope:
        msg = "the CloudEvents envelope has no data: put the message into data or data_base64"
        raise SchemaError(msg)
    return envelope["data"]


def _base64(text: object) -> bytes:
    try:
        return base64.b64decode(text if isinstance(text, str) else "", validate=True)
    except (binascii.Error, ValueError) as error:
        msg = "CloudEvents data_base64 is not base64: encode the data with the standard alphabet"
        raise SchemaError(msg) from error
