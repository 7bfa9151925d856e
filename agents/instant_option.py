"""A time on the command line: RFC 3339, or how long ago, like 90s, 30m, 2h or 7d."""

import re
import time
from typing import Any

import click

from schemas.codecs.instants import parse_instant

_AGO = re.compile(r"(\d{1,9})([smhd])", re.ASCII)
_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


class Instant(click.ParamType):
    """Epoch milliseconds from a time, or from how long ago it was."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Read what was given."""
        if value is None or isinstance(value, int):
            return value
        found = read_instant_or_age(str(value), time.time_ns() // 1_000_000)
        if found is None:
            self.fail(
                f"{value!r} is no time; expected RFC 3339 like 2026-09-01T10:00:00Z, or how long "
                "ago, like 90s, 30m, 2h or 7d",
                param,
                ctx,
            )
        return found


def read_instant_or_age(text: str, now_ms: int) -> int | None:
    """Return epoch milliseconds; None where the text is neither a time nor an age.

    >>> read_instant_or_age("2h", 7_200_500), read_instant_or_age("1970-01-01T00:00:01Z", 0)
    (500, 1000)
    >>> read_instant_or_age("soon", 0) is None
    True
    """
    ago = _AGO.fullmatch(text.strip())
    if ago is not None:
        return max(0, now_ms - int(ago[1]) * _MS[ago[2]])
    return parse_instant(text.strip())
