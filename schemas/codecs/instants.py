"""Times on the wire to integer epoch milliseconds, and the range in which a time makes sense."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from schemas.errors import SchemaError

EARLIEST_MS = 946_684_800_000
"""2000-01-01: what is earlier is a unit mistaken or a clock never set."""
LATEST_MS = 7_258_118_400_000
"""2200-01-01: what is later is a unit mistaken."""

_RFC_3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,12})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


_TEXT_CHARS = 64


def parse_instant(text: str) -> int | None:
    """Read an RFC 3339 time; None where it is no such thing.

    >>> parse_instant("2026-09-01T10:00:00.123456789Z"), parse_instant("yesterday")
    (1788256800123, None)
    """
    # What is longer is never remembered: a few thousand long texts would fill the memory.
    return _remembered(text) if len(text) <= _TEXT_CHARS else None


@lru_cache(maxsize=4096)
def _remembered(text: str) -> int | None:
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        instant = datetime.fromisoformat(text.upper())
        return (instant - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        return None


def read_instant(value: object, where: str) -> int | None:
    """Read a time field; None where it is absent or Go's zero time.

    >>> read_instant("0001-01-01T00:00:00Z", "endsAt") is None
    True
    >>> read_instant("10 o'clock", "startsAt")
    Traceback (most recent call last):
    schemas.errors.SchemaError: startsAt is "10 o'clock", expected an RFC 3339 time like \
2026-09-01T10:00:00Z: correct the producer
    """
    if value is None or value == "":
        return None
    # Go writes the zero of its time type for "none", in whatever zone it happens to be in.
    if isinstance(value, str) and value.startswith("0001-01-01T"):
        return None
    instant = parse_instant(value) if isinstance(value, str) else None
    if instant is None:
        shown = f'"{value[:60]}"' if isinstance(value, str) else f"of type {type(value).__name__}"
        msg = (
            f"{where} is {shown}, expected an RFC 3339 time like 2026-09-01T10:00:00Z:"
            " correct the producer"
        )
        raise SchemaError(msg)
    return check_instant(instant, where)


def check_instant(instant_ms: int, where: str) -> int:
    """Refuse a time that no clock shows.

    >>> check_instant(1788256800, "at")
    Traceback (most recent call last):
    schemas.errors.SchemaError: at is 1788256800 ms since 1970, expected a time between the years \
2000 and 2200: check the unit and the producer's clock
    """
    if not EARLIEST_MS <= instant_ms < LATEST_MS:
        msg = (
            f"{where} is {instant_ms} ms since 1970, expected a time between the years 2000 and"
            " 2200: check the unit and the producer's clock"
        )
        raise SchemaError(msg)
    return instant_ms
