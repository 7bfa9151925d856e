"""A later version of the engines, as a rolling restart meets it: its states look different.

It reads the states of the version before it and writes its own, which that version cannot read.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from agents.worker.assembly import Engines
from agents.worker.stage import StateFormats

_MARK = b"version 2\n"


class Rewritten:
    """An engine or a reducer whose snapshots are written backwards behind a mark."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    def snapshot(self) -> bytes:
        """Write the new format."""
        return _MARK + bytes(self._wrapped.snapshot())[::-1]

    def restore(self, data: bytes) -> None:
        """Read the new format, and the one before it."""
        body = data.removeprefix(_MARK)
        self._wrapped.restore(body if body is data else body[::-1])


def later(engines: Engines) -> Engines:
    """Return the next version of the engines."""

    def rewritten(make: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *source: Rewritten(make(*source))

    return replace(
        engines,
        span_reducer=rewritten(engines.span_reducer),
        metric_reducer=rewritten(engines.metric_reducer),
        correlator=rewritten(engines.correlator),
        formats=StateFormats(written="2", read=frozenset({"1", "2"})),
    )
