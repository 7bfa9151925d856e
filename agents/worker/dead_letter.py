"""Dead letters: the original message, unchanged, with headers that say whence and why.

The `__streams.errors.*` headers say the same under the names that Kafka Streams uses, so that
tools made for those find their way.
"""

from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import Counter

from agents.worker.stage import Headers, Incoming, Outgoing

_OURS = ("rootline.error.", "__streams.errors.")
_REASON_CHARS = 2_000


class Rejection(StrEnum):
    """Why a message could not be used: a closed set, each counted."""

    UNDECODABLE = "undecodable"
    EMPTY = "empty"
    FUTURE_DATED = "future_dated"
    CODEC_BUG = "codec_bug"
    UNKNOWN_INCIDENT = "unknown_incident"
    UNFIT_VERDICT = "unfit_verdict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What is wrong with a message, for the machine and as a sentence."""

    rejection: Rejection
    reason: str
    stage: str
    exception: str = "SchemaError"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """Where dead letters go, how large one may be, and where they are counted."""

    topic: str
    max_bytes: int
    counter: Counter

    def letter(self, record: Incoming, complaint: Complaint) -> Outgoing:
        """Return the dead letter of a message, and count it.

        A value too large for one record (it arrived compressed) is cut, and a header says so:
        its coordinates still lead to the original.
        """
        self.counter.labels(topic=record.topic, reason=complaint.rejection.value).inc()
        value = record.value
        headers = (*_original(record), *_explanation(record, complaint))
        if value is not None and len(value) > self.max_bytes:
            size = b"%d" % len(value)
            headers = (*headers, ("rootline.error.cut_from_bytes", size))
            value = value[: self.max_bytes]
        return Outgoing(self.topic, record.key, value, headers)


def _original(record: Incoming) -> Headers:
    # A message that was sent again and failed again carries only its latest story.
    return tuple(
        (name, value or b"") for name, value in record.headers if not name.startswith(_OURS)
    )


def _explanation(record: Incoming, complaint: Complaint) -> Headers:
    reason = complaint.reason[:_REASON_CHARS]
    place = {
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
    }
    own = place | {
        "timestamp": str(record.timestamp),
        "stage": complaint.stage,
        "kind": complaint.rejection.value,
        "reason": reason,
    }
    alias = {"exception": complaint.exception, "message": reason} | place
    return tuple(
        (f"{prefix}{name}", text.encode("utf-8", "replace"))
        for prefix, pairs in zip(_OURS, (own, alias), strict=True)
        for name, text in pairs.items()
    )
