"""JSON text to plain objects, with depth and size checked before parsing.

Under every JSON codec. Invariant: whatever the bytes are, `SchemaError` is all that is raised.
"""

import re
from typing import Any

import numpy as np
import orjson

from schemas.codecs.limits import CodecLimits, check_bytes, check_count
from schemas.errors import SchemaError

# The closing quote is optional, so an unfinished string ends at the end of input and no start is
# ever tried twice: the scan stays linear.
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_TYPE_WORDS = {dict: "an object", list: "a list", str: "text", bool: "true or false"}


def check_depth(value: bytes, limit: int) -> None:
    """Refuse JSON that nests deeper than `limit`, without parsing it.

    >>> check_depth(b"[[1]]", 2)
    >>> check_depth(b"[[[1]]]", 2)
    Traceback (most recent call last):
    schemas.errors.SchemaError: found JSON nested 3 deep, at most 2 levels are accepted: flatten \
the message or raise limits.json_depth
    """
    # Most messages have fewer brackets than levels allowed and need no closer look.
    if _containers(value) <= limit:
        return
    text = np.frombuffer(_STRINGS.sub(b"", value), np.uint8)
    # Setting bit 5 maps [ to { and ] to }; no other character of bare JSON lands there.
    folded = text | 0x20
    steps = (folded == 0x7B).astype(np.int32) - (folded == 0x7D)
    depth = int(np.cumsum(steps).max(initial=0))
    if depth > limit:
        msg = (
            f"found JSON nested {depth} deep, at most {limit} levels are accepted:"
            " flatten the message or raise limits.json_depth"
        )
        raise SchemaError(msg)


def check_shape(value: bytes, limits: CodecLimits) -> None:
    """Refuse JSON that is too deep, or that holds so many objects that they outweigh the text.

    >>> check_shape(b"[{}, {}]", CodecLimits(json_containers=2))
    Traceback (most recent call last):
    schemas.errors.SchemaError: found 3 objects and lists, at most 2 are accepted: send smaller \
messages or raise limits.json_containers
    """
    check_count(_containers(value), limits.json_containers, "objects and lists", "json_containers")
    check_depth(value, limits.json_depth)


def _containers(value: bytes) -> int:
    """Count what opens an object or a list; inside of text it counts too, which is rare."""
    return value.count(b"[") + value.count(b"{")


def parse_json(value: bytes, limits: CodecLimits) -> object:
    """Parse JSON bytes.

    >>> parse_json(b'{"a": [1]}', CodecLimits())
    {'a': [1]}
    """
    check_bytes(value, limits)
    if not value.strip():
        msg = "the message is empty, expected JSON: check what the producer writes"
        raise SchemaError(msg)
    check_shape(value, limits)
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        msg = f"the message is no JSON ({str(error)[:200]}): send UTF-8 encoded JSON"
        raise SchemaError(msg) from error


def describe(value: object) -> str:
    """Say in a few words what a JSON value is, for an error sentence.

    >>> describe({"a": 1}), describe(None), describe(7)
    ('an object', 'null', 'the number 7')
    """
    if value is None:
        return "null"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"the number {value}"
    return _TYPE_WORDS.get(type(value), type(value).__name__)


def as_object(value: object, where: str) -> dict[str, Any]:
    """Expect a JSON object."""
    if not isinstance(value, dict):
        msg = f"{where} is {describe(value)}, expected an object: correct the producer"
        raise SchemaError(msg)
    return value


def as_list(value: object, where: str) -> list[Any]:
    """Expect a JSON list."""
    if not isinstance(value, list):
        msg = f"{where} is {describe(value)}, expected a list: correct the producer"
        raise SchemaError(msg)
    return value


def as_text(value: object, where: str, limit: int) -> str:
    """Expect text of at most `limit` characters; null and absence read as ""."""
    if value is None:
        return ""
    if not isinstance(value, str):
        msg = f"{where} is {describe(value)}, expected text: correct the producer"
        raise SchemaError(msg)
    if len(value) > limit:
        msg = (
            f"{where} has {len(value)} characters, at most {limit} are accepted:"
            " shorten it or raise the limit in limits"
        )
        raise SchemaError(msg)
    return value
