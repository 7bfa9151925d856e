"""A dead letter as it is read from its topic, and the message that it was made of.

A message that is sent again carries, beside its own headers, which letter it comes from and how
often it was tried; whatever dead-letters it again keeps those, so that the count goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from agents.worker.stage import Headers, Incoming, Outgoing

_ADDED = ("rootline.error.", "__streams.errors.", "rootline.redrive.")
LETTER_HEADER = "rootline.redrive.letter"
ATTEMPT_HEADER = "rootline.redrive.attempt"
ORIGIN_HEADER = "rootline.redrive.origin"
_PLACE = ("topic", "partition", "offset")
_NOWHERE = ("-1", "-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a message was read that could not be used.

    Partition and offset are -1 where it never was on its topic: the gateway refused it.
    """

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}" if self.was_read else self.topic

    @property
    def was_read(self) -> bool:
        """Whether it was a record of its topic."""
        return self.offset >= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One dead letter.

    `origin` is None where its headers do not say where it came from. `first` is where it was read
    the very first time, `attempt` how often it was sent again before. `cut_from` is the size that
    the message had, where the letter holds only its beginning.
    """

    place: Origin
    timestamp_ms: int
    origin: Origin | None
    first: str
    stage: str
    kind: str
    reason: str
    attempt: int
    cut_from: int | None
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def name(self) -> str:
        """What the ledger and the headers call it."""
        return str(self.place)


def read_letter(record: Incoming) -> Letter:
    """Read a record of the dead-letter topic; one that is no letter of ours has no origin."""
    told = {name: (text or b"").decode("utf-8", "replace") for name, text in record.headers}
    origin = _origin(told, "rootline.error.") or _origin(told, "__streams.errors.")
    return Letter(
        place=Origin(topic=record.topic, partition=record.partition, offset=record.offset),
        timestamp_ms=record.timestamp,
        origin=origin,
        first=told.get(ORIGIN_HEADER, str(origin) if origin is not None else ""),
        stage=told.get("rootline.error.stage", ""),
        kind=told.get("rootline.error.kind", told.get("__streams.errors.exception", "")),
        reason=told.get("rootline.error.reason", told.get("__streams.errors.message", "")),
        attempt=_number(told.get(ATTEMPT_HEADER)) or 0,
        cut_from=_number(told.get("rootline.error.cut_from_bytes")),
        key=record.key,
        value=record.value,
        headers=tuple(
            (name, text or b"") for name, text in record.headers if not name.startswith(_ADDED)
        ),
    )


def restored(
    letter: Letter, value: bytes | None, *, partition: int | None, attempt: int
) -> Outgoing:
    """Return the original message: its bytes, key and headers, and what tells it is sent again.

    Args:
        letter: one with an origin.
        value: the original bytes.
        partition: where it goes; None lets the key decide.
        attempt: how often it was sent again, this time included.
    """
    assert letter.origin is not None
    added = {
        LETTER_HEADER: letter.name,
        ORIGIN_HEADER: letter.first,
        ATTEMPT_HEADER: str(attempt),
    }
    headers = (*letter.headers, *((name, text.encode()) for name, text in added.items()))
    return Outgoing(letter.origin.topic, letter.key, value, headers, partition)


def _origin(told: Mapping[str, str], prefix: str) -> Origin | None:
    topic, partition, offset = (told.get(f"{prefix}{name}", "") for name in _PLACE)
    if topic and (partition, offset) == _NOWHERE:
        return Origin(topic=topic, partition=-1, offset=-1)
    numbers = _number(partition), _number(offset)
    if not topic or numbers[0] is None or numbers[1] is None:
        return None
    return Origin(topic=topic, partition=numbers[0], offset=numbers[1])


def _number(text: str | None) -> int | None:
    """Read a count; None for what is none.

    >>> _number("12"), _number("-1"), _number("²"), _number(None)
    (12, None, None, None)
    """
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 18:
        return None
    return int(text)
