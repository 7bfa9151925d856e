"""Dead letters of the notifier: incident records that cannot be read, and messages nobody took.

The record goes out as it came in, with headers that say whence and why, so that it can be sent to
the incidents topic again.
"""

from enum import StrEnum

from agents.worker.stage import Incoming, Outgoing

_STAGE = "notify"
_PREFIXES = ("rootline.error.", "__streams.errors.")
_REASON_CHARS = 2_000


class Failing(StrEnum):
    """Why something was given up; a closed set, each counted."""

    UNDECODABLE = "undecodable"
    REFUSED = "refused"
    EXPIRED = "expired"


def dead_letter(topic: str, record: Incoming, failing: Failing, reason: str) -> Outgoing:
    """Return the dead letter of a consumed record."""
    # A record that was sent again and failed again carries only its latest story.
    kept = [(name, value) for name, value in record.headers if not name.startswith(_PREFIXES)]
    told = _explanation(record, failing, reason[:_REASON_CHARS])
    return Outgoing(topic, record.key, record.value, (*kept, *told))


def _explanation(record: Incoming, failing: Failing, reason: str) -> list[tuple[str, bytes]]:
    place = {
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
    }
    own = place | {
        "timestamp": str(record.timestamp),
        "stage": _STAGE,
        "kind": failing.value,
        "reason": reason,
    }
    alias = place | {"exception": failing.value, "message": reason}
    pairs = zip(_PREFIXES, (own, alias), strict=True)
    return [
        (f"{prefix}{name}", text.encode("utf-8", "replace"))
        for prefix, entries in pairs
        for name, text in entries.items()
    ]
