"""What one message may hold at most. Larger input is refused with a sentence, never cut silently.

Every codec takes a `CodecLimits`; the configuration section is `limits`.
"""

from dataclasses import dataclass, field, fields

from schemas.errors import SchemaError


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecLimits:
    """Bounds of one message; every one names what it counts."""

    message_bytes: int = field(
        default=8 * 1024 * 1024, metadata={"doc": "Most bytes of one message."}
    )
    json_depth: int = field(default=64, metadata={"doc": "Deepest nesting of JSON."})
    json_containers: int = field(
        default=500_000, metadata={"doc": "Most objects and lists in a JSON message."}
    )
    alerts_per_message: int = field(default=10_000, metadata={"doc": "Most alerts in a message."})
    spans_per_message: int = field(default=200_000, metadata={"doc": "Most spans in a message."})
    links_per_message: int = field(
        default=200_000, metadata={"doc": "Most span links in a message."}
    )
    samples_per_message: int = field(
        default=400_000, metadata={"doc": "Most metric samples in a message."}
    )
    resources_per_message: int = field(
        default=50_000, metadata={"doc": "Most resources, and most scopes, in an OTLP message."}
    )
    attribute_sets_per_message: int = field(
        default=100_000,
        metadata={"doc": "Most distinct attribute sets, or series, in a message."},
    )
    labels_per_set: int = field(
        default=128, metadata={"doc": "Most labels, annotations or attributes of one thing."}
    )
    label_name_chars: int = field(default=256, metadata={"doc": "Longest label name."})
    label_value_chars: int = field(default=4096, metadata={"doc": "Longest label value."})
    label_set_chars: int = field(
        default=32_768,
        metadata={"doc": "Most characters of all names and values of one thing's labels."},
    )
    annotation_value_chars: int = field(
        default=65_536, metadata={"doc": "Longest annotation value or title."}
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value < 1:
                msg = f"limits.{each.name} is {value}; it has to be at least 1"
                raise ValueError(msg)


DEFAULT_LIMITS = CodecLimits()


def check_count(found: int, limit: int, what: str, key: str) -> None:
    """Refuse more than `limit` of something.

    >>> check_count(7, 5, "alerts", "alerts_per_message")
    Traceback (most recent call last):
    schemas.errors.SchemaError: found 7 alerts, at most 5 are accepted: send smaller messages or \
raise limits.alerts_per_message
    """
    if found > limit:
        msg = (
            f"found {found} {what}, at most {limit} are accepted:"
            f" send smaller messages or raise limits.{key}"
        )
        raise SchemaError(msg)


def check_bytes(value: bytes, limits: CodecLimits) -> None:
    """Refuse an oversized message before anything is parsed."""
    check_count(len(value), limits.message_bytes, "bytes", "message_bytes")
