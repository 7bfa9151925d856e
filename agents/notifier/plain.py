"""Text from telemetry made fit to show: one line, no control characters, a named length.

Every chat target gets its text through here; what a target needs besides (escaping) is its own.
"""

import math
import unicodedata
from datetime import UTC, datetime

# Controls, separators and private characters become a space; formats (bidirectional overrides,
# zero-width) and surrogates go, since they only make text read as something that it is not.
_SPACES = frozenset({"Cc", "Zl", "Zp", "Zs", "Co", "Cn"})
_NOTHING = frozenset({"Cf", "Cs"})


def plain(text: str, limit: int) -> str:
    r"""Return one clean line of at most `limit` characters; a cut shows as an ellipsis.

    >>> plain("a\tb\u202e\x1b[31m  c", 20), plain("abcdef", 4)
    ('a b [31m c', 'abc…')
    """
    # What lies far beyond the limit is not looked at: an alert's text may have any length.
    head = text[: 4 * limit + 64]
    line = " ".join("".join(_shown(char) for char in head).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _shown(char: str) -> str:
    if char.isascii() and char.isprintable():
        return char
    category = unicodedata.category(char)
    if category in _NOTHING:
        return ""
    return " " if category in _SPACES else char


def percent(share: float) -> str:
    """Write a probability as people read it; certainty is never claimed.

    >>> percent(0.863), percent(0.9999), percent(0.0)
    ('86 %', '>99 %', '<1 %')
    """
    if not math.isfinite(share):
        return "? %"
    if share > 0.99:
        return ">99 %"
    return "<1 %" if share < 0.01 else f"{round(100 * share)} %"


def count(number: int, noun: str) -> str:
    """Write a number with its noun.

    >>> count(1, "alert"), count(1500, "alert")
    ('1 alert', '1500 alerts')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def moment(text: str | None) -> datetime | None:
    """Read an RFC 3339 time; None when there is none or it is not one."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def clock(text: str) -> str:
    """Write a time of day, in UTC.

    >>> clock("2026-11-11T12:01:05.120Z"), clock("yesterday")
    ('12:01:05 UTC', 'yesterday')
    """
    found = moment(text)
    return plain(text, 40) if found is None else found.strftime("%H:%M:%S UTC")


def elapsed(start: str | None, end: str | None) -> str:
    """Write the time between two moments in its two largest units; "" when one is unknown.

    >>> elapsed("2026-11-11T12:01:05Z", "2026-11-11T12:24:09Z")
    '23 min 4 s'
    >>> elapsed("2026-11-11T12:00:00Z", "2026-11-12T14:00:30Z")
    '1 d 2 h'
    """
    first, last = moment(start), moment(end)
    if first is None or last is None:
        return ""
    seconds = max(0, round((last - first).total_seconds()))
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        if number or parts:
            parts.append(f"{number} {unit}" if number else "")
    shown = [part for part in parts[:2] if part]
    return " ".join(shown) if shown else "0 s"
