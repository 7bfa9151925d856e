"""Signals into records: telemetry of one source merged, what is too large split.

Telemetry signals are totals so far, so of two about the same thing the later one says it all.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from agents.worker.stage import Outgoing
from schemas.alert import Alert
from schemas.codecs.signals import encode_signal
from schemas.signal import (
    AlertSignal,
    EdgePane,
    GraphEdge,
    SeriesPane,
    ServicePane,
    Sighting,
    Signal,
    TelemetrySignal,
)

T = TypeVar("T")
_FIELDS = ("services", "edges", "series", "sightings", "declared")
PROSE_CHARS = 16_384
"""Most characters of an alert's annotations that go on: every alert is remembered for hours."""
URL_CHARS = 2_048
"""Longest link of an alert that goes on; a cut one would lead nowhere."""


class Packer:
    """Makes records of the signals topic, none larger than the limit."""

    def __init__(self, topic: str, max_bytes: int) -> None:
        self._topic = topic
        self._max_bytes = max_bytes
        # A character takes up to four bytes.
        self._prose_chars = min(PROSE_CHARS, max_bytes // 8)

    def pack(self, signals: Iterable[tuple[str, Signal]]) -> list[Outgoing]:
        """Return the records of (environment, signal) pairs.

        Telemetry of one environment and source becomes one record where it fits.
        """
        telemetry: dict[tuple[str, str], list[TelemetrySignal]] = {}
        records: list[Outgoing] = []
        for environment, signal in signals:
            if isinstance(signal, TelemetrySignal):
                telemetry.setdefault((environment, signal.source), []).append(signal)
            else:
                records.append(self._record(environment, self._single(signal)))
        for (environment, _source), group in telemetry.items():
            records += [self._record(environment, value) for value in self._split(merge(group))]
        return records

    def _record(self, environment: str, value: bytes) -> Outgoing:
        return Outgoing(self._topic, environment.encode(), value)

    def _single(self, signal: Signal) -> bytes:
        if isinstance(signal, AlertSignal):
            signal = replace(signal, alert=_with_short_prose(signal.alert, self._prose_chars))
        return encode_signal(signal)

    def _split(self, signal: TelemetrySignal) -> Iterator[bytes]:
        value = encode_signal(signal)
        if len(value) <= self._max_bytes:
            yield value
            return
        items = [(name, item) for name in _FIELDS for item in getattr(signal, name)]
        if len(items) < 2:
            yield encode_signal(_slim(signal))
            return
        half = len(items) // 2
        for part in (items[:half], items[half:]):
            chosen: dict[str, Any] = {
                name: tuple(item for at, item in part if at == name) for name in _FIELDS
            }
            yield from self._split(replace(signal, **chosen))


def _with_short_prose(alert: Alert, chars: int) -> Alert:
    """Cut annotations that are long in all, each to its share; identity is never touched."""
    if len(alert.generator_url) > URL_CHARS:
        alert = replace(alert, generator_url="")
    if sum(len(text) for _, text in alert.annotations) <= chars:
        return alert
    share = chars // len(alert.annotations)
    return replace(
        alert, annotations=tuple((name, text[:share]) for name, text in alert.annotations)
    )


def merge(signals: Sequence[TelemetrySignal]) -> TelemetrySignal:
    """Return what several signals of one source say together; later ones supersede."""
    last = signals[-1]
    if len(signals) == 1:
        return last
    return TelemetrySignal(
        source=last.source,
        observed_ms=max(signal.observed_ms for signal in signals),
        services=_latest((s.services for s in signals), _service_key),
        edges=_latest((s.edges for s in signals), _edge_key),
        series=_latest((s.series for s in signals), _series_key),
        sightings=_united(s.sightings for s in signals),
        declared=_latest((s.declared for s in signals), _declared_key),
    )


def _latest(groups: Iterable[tuple[T, ...]], key: Callable[[T], Hashable]) -> tuple[T, ...]:
    return tuple({key(item): item for group in groups for item in group}.values())


def _service_key(pane: ServicePane) -> Hashable:
    return pane.component, pane.start_ms


def _edge_key(pane: EdgePane) -> Hashable:
    return pane.caller, pane.callee, pane.start_ms


def _series_key(pane: SeriesPane) -> Hashable:
    return pane.component, pane.series_id, pane.start_ms


def _declared_key(edge: GraphEdge) -> Hashable:
    return edge.caller, edge.callee, edge.source


def _united(groups: Iterable[tuple[Sighting, ...]]) -> tuple[Sighting, ...]:
    known: dict[Any, Sighting] = {}
    for group in groups:
        for seen in group:
            before = known.get(seen.component)
            known[seen.component] = seen if before is None else _join(before, seen)
    return tuple(known.values())


def _join(one: Sighting, other: Sighting) -> Sighting:
    return Sighting(
        component=one.component,
        metric_classes=tuple(sorted({*one.metric_classes, *other.metric_classes})),
        has_spans=one.has_spans or other.has_spans,
        runs_on=tuple(sorted({*one.runs_on, *other.runs_on})),
    )


def _slim(signal: TelemetrySignal) -> TelemetrySignal:
    """Leave the numbers of a single oversized pane and drop its examples."""
    return replace(
        signal,
        services=tuple(replace(pane, exemplars=()) for pane in signal.services),
        edges=tuple(replace(pane, exemplars=(), statements=()) for pane in signal.edges),
    )
