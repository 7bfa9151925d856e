"""What a request becomes: one message for one topic, its value the sender's bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

Headers = tuple[tuple[str, bytes], ...]
RECEIVED_HEADER = "rootline-received-ms"
SOURCE_HEADER = "rootline-source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as it is produced."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A body as the dead-letter rules see it: a record that has no place in its topic yet."""

    topic: str
    timestamp: int
    value: bytes
    headers: Headers
    key: bytes | None = None
    partition: int = -1
    offset: int = -1


def record_headers(
    http: Mapping[str, str], media_type: str, received_ms: int, source: str = ""
) -> Headers:
    """The Kafka headers of a body: content-type, CloudEvents attributes, when and whence it came.

    >>> record_headers({"Ce-Id": "a%20b"}, "application/json", 7)
    (('content-type', b'application/json'), ('ce_id', b'a b'), ('rootline-received-ms', b'7'))
    """
    named = ((SOURCE_HEADER, source.encode()),) if source else ()
    events = sorted(
        ("ce_" + name[3:].lower(), unquote_to_bytes(value))
        for name, value in http.items()
        if name.lower().startswith("ce-") and name[3:].isascii() and name[3:].isalnum()
    )
    return (
        ("content-type", media_type.encode()),
        *events,
        (RECEIVED_HEADER, b"%d" % received_ms),
        *named,
    )
