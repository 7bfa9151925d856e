"""Per-topic settings under their Kafka names: parsed, checked, described."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from agents.broker.config import BrokerConfig
from agents.broker.errors import BrokerError, ErrorCode

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicConfig:
    """What a topic's partitions obey; each field is a Kafka key with dots as underscores."""

    cleanup_policy: str = "delete"
    retention_ms: int
    retention_bytes: int
    segment_bytes: int
    segment_ms: int
    max_message_bytes: int
    delete_retention_ms: int = _DAY_MS
    min_cleanable_dirty_ratio: float = 0.5
    message_timestamp_after_max_ms: int = _HOUR_MS

    @property
    def is_compacted(self) -> bool:
        """Tell whether only the last record of each key has to stay."""
        return "compact" in self.cleanup_policy.split(",")

    @property
    def is_deleted_by_age(self) -> bool:
        """Tell whether old segments go, by age and size."""
        return "delete" in self.cleanup_policy.split(",")


def broker_defaults(config: BrokerConfig) -> TopicConfig:
    """Return what a topic obeys whose creator sets nothing."""
    return TopicConfig(
        retention_ms=config.retention_ms,
        retention_bytes=config.retention_bytes,
        segment_bytes=config.segment_bytes,
        segment_ms=config.segment_ms,
        max_message_bytes=config.max_message_bytes,
    )


# Kafka keys that clients set by habit and that have no meaning on one node; kept, not obeyed.
ACCEPTED_WITHOUT_EFFECT = frozenset(
    {
        "compression.type",
        "file.delete.delay.ms",
        "flush.messages",
        "flush.ms",
        "index.interval.bytes",
        "max.compaction.lag.ms",
        "message.timestamp.before.max.ms",
        "message.timestamp.type",
        "min.compaction.lag.ms",
        "min.insync.replicas",
        "preallocate",
        "segment.index.bytes",
        "segment.jitter.ms",
        "unclean.leader.election.enable",
    }
)


def effective(defaults: TopicConfig, overrides: Mapping[str, str]) -> TopicConfig:
    """Return the settings with a topic's own laid over the defaults.

    Raises:
        BrokerError: a key is unknown or a value cannot be.
    """
    parsed: dict[str, Any] = {}
    for key, text in overrides.items():
        if key in ACCEPTED_WITHOUT_EFFECT:
            continue
        parser = _PARSERS.get(key)
        if parser is None:
            sentence = f"unknown topic setting {key!r}; known are {', '.join(sorted(_PARSERS))}"
            raise BrokerError(ErrorCode.INVALID_CONFIG, sentence)
        parsed[key.replace(".", "_")] = parser(key, text)
    return replace(defaults, **parsed)


def as_text(config: TopicConfig) -> dict[str, str]:
    """Return the settings under their Kafka keys."""
    return {f.name.replace("_", "."): str(getattr(config, f.name)) for f in fields(config)}


def _policy(key: str, text: str) -> str:
    words = [word.strip() for word in text.split(",")]
    if not words or not set(words) <= {"compact", "delete"}:
        raise _invalid(key, text, "compact, delete or both")
    return ",".join(words)


def _whole(minimum: int) -> Callable[[str, str], int]:
    def parse(key: str, text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise _invalid(key, text, "a whole number") from None
        if not minimum <= number < 2**63:
            raise _invalid(key, text, f"at least {minimum}")
        return number

    return parse


def _ratio(key: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise _invalid(key, text, "a number from 0 to 1") from None
    if not 0 <= number <= 1:
        raise _invalid(key, text, "a number from 0 to 1")
    return number


def _invalid(key: str, text: str, expected: str) -> BrokerError:
    return BrokerError(ErrorCode.INVALID_CONFIG, f"{key} is {text!r}; expected {expected}")


_PARSERS: Mapping[str, Callable[[str, str], Any]] = {
    "cleanup.policy": _policy,
    "retention.ms": _whole(-1),
    "retention.bytes": _whole(-1),
    "segment.bytes": _whole(1),
    "segment.ms": _whole(1),
    "max.message.bytes": _whole(0),
    "delete.retention.ms": _whole(0),
    "min.cleanable.dirty.ratio": _ratio,
    "message.timestamp.after.max.ms": _whole(0),
}
