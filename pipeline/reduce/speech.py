"""Cuts what a reducer has to say into signals of bounded size."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import TypeVar

from schemas.signal import TelemetrySignal

Part = TypeVar("Part")


def cut(whole: TelemetrySignal, limit: int) -> list[TelemetrySignal]:
    """Cut a signal into ones with at most `limit` panes of each sort; an empty one stays whole.

    >>> len(cut(TelemetrySignal(source="s", observed_ms=0), 10))
    1
    """
    parts = zip_longest(
        _slices(whole.services, limit),
        _slices(whole.edges, limit),
        _slices(whole.series, limit),
        _slices(whole.sightings, limit),
        _slices(whole.declared, limit),
        fillvalue=(),
    )
    cuts = [
        replace(
            whole,
            services=part[0],
            edges=part[1],
            series=part[2],
            sightings=part[3],
            declared=part[4],
        )
        for part in parts
    ]
    return cuts or [whole]


def says_nothing(signal: TelemetrySignal) -> bool:
    """Say whether a signal tells nothing but the time."""
    return not (
        signal.services or signal.edges or signal.series or signal.sightings or signal.declared
    )


def _slices(parts: tuple[Part, ...], limit: int) -> Iterator[tuple[Part, ...]]:
    for start in range(0, len(parts), limit):
        yield parts[start : start + limit]
