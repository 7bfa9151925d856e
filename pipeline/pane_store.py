"""What CORRELATE remembers of telemetry: panes per component, per edge and per anomalous series.

Panes are totals so far of one source; of two copies the fuller one stands, so adding is
idempotent and order-free. Panes of several sources (partitions) are summed when read.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pipeline.config import EvidenceConfig
from pipeline.pane_sums import sum_edges, sum_series, sum_services
from schemas.signal import EdgePane, SeriesPane, ServicePane, Sighting, TelemetrySignal

K = TypeVar("K", str, tuple[str, str])
P = TypeVar("P", bound=ServicePane | EdgePane | SeriesPane)


def _fullness(pane: EdgePane) -> tuple[float, ...]:
    """Order copies of an edge's pane; what is expected of it may grow without a call."""
    return (pane.count, pane.served, pane.duration_ms, pane.expected, pane.made)


class PaneTable(Generic[K, P]):
    """Panes by key, start and source; the longest silent key goes when the limit is hit."""

    def __init__(
        self, *, limit: int, fuller: Callable[[P], Any], total: Callable[[list[P]], P]
    ) -> None:
        self._limit = limit
        self._fuller = fuller
        self._total = total
        self._panes: dict[K, dict[int, dict[str, P]]] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._panes

    def keys(self) -> list[K]:
        """Return all keys, sorted."""
        return sorted(self._panes)

    def put(self, key: K, source: str, pane: P) -> None:
        """Keep the fuller of this pane and the one already held of the same source."""
        panes = self._panes.get(key)
        if panes is None:
            if len(self._panes) >= self._limit:
                del self._panes[min(self._panes, key=lambda k: (max(self._panes[k]), k))]
            panes = self._panes[key] = {}
        sources = panes.setdefault(pane.start_ms, {})
        held = sources.get(source)
        if held is None or self._fuller(pane) >= self._fuller(held):
            sources[source] = pane

    def row(self, key: K, starts: range) -> list[P | None]:
        """Return the key's panes at these starts, summed over sources; None where absent."""
        panes = self._panes.get(key, {})
        return [self._sum(panes[start]) if start in panes else None for start in starts]

    def expire(self, oldest_ms: int) -> None:
        """Forget panes that start before this time, and keys that have no panes left."""
        for key in list(self._panes):
            panes = self._panes[key]
            for start in [s for s in panes if s < oldest_ms]:
                del panes[start]
            if not panes:
                del self._panes[key]

    def dump(self) -> list[tuple[str, P]]:
        """Return every (source, pane), in a fixed order."""
        return [
            (source, panes[start][source])
            for _, panes in sorted(self._panes.items())
            for start in sorted(panes)
            for source in sorted(panes[start])
        ]

    def _sum(self, sources: dict[str, P]) -> P:
        return self._total([sources[source] for source in sorted(sources)])


@dataclass(slots=True, kw_only=True)
class PaneState:
    """The store as plain data: (source, pane) pairs and sightings."""

    services: list[tuple[str, ServicePane]] = field(default_factory=list)
    edges: list[tuple[str, EdgePane]] = field(default_factory=list)
    series: list[tuple[str, SeriesPane]] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    newest_ms: int = 0
    newest_span_ms: int = 0


class PaneStore:
    """The panes of one environment within a horizon (window, baseline and half as much again)."""

    def __init__(self, config: EvidenceConfig) -> None:
        self._config = config
        self.pane_ms = config.pane_seconds * 1000
        span = config.window_seconds + config.baseline_seconds + config.baseline_gap_seconds
        self._horizon_ms = int(span * 1500)
        self.generation = 0
        self.newest_ms: int = 0
        self.newest_span_ms: int = 0
        self._clear()

    def add(self, signal: TelemetrySignal) -> None:
        """Take in what one source saw."""
        self.generation += 1
        self.newest_ms = max(self.newest_ms, signal.observed_ms)
        for service in signal.services:
            self.services.put(service.component.name, signal.source, service)
            self.newest_span_ms = max(self.newest_span_ms, service.start_ms)
        for edge in signal.edges:
            self.edges.put((edge.caller.name, edge.callee.name), signal.source, edge)
            if edge.count:
                self.newest_span_ms = max(self.newest_span_ms, edge.start_ms)
        for pane in signal.series:
            self._put_series(signal.source, pane)
        for sighting in signal.sightings:
            self._sight(sighting)

    def series_ids(self, name: str) -> list[str]:
        """Return the ids of the component's remembered series, sorted."""
        return sorted(self._series_of.get(name, ()))

    def pane_start(self, time_ms: int) -> int:
        """Return the start of the pane that holds this time."""
        return time_ms - time_ms % self.pane_ms

    def starts(self, from_ms: int, to_ms: int) -> range:
        """Return the starts of the panes that overlap [from_ms, to_ms)."""
        return range(self.pane_start(from_ms), to_ms, self.pane_ms)

    def expire(self, now_ms: int, *, hold_from_ms: int) -> None:
        """Forget what lies before the horizon, but nothing that an open window still reads."""
        self.generation += 1
        oldest = min(now_ms - self._horizon_ms, hold_from_ms)
        self.services.expire(oldest)
        self.edges.expire(oldest)
        self.series.expire(oldest)
        for name in list(self._series_of):
            self._series_of[name] = {s for s in self._series_of[name] if s in self.series}
            if not self._series_of[name]:
                del self._series_of[name]

    def snapshot(self) -> PaneState:
        """Return the store as plain data."""
        return PaneState(
            services=self.services.dump(),
            edges=self.edges.dump(),
            series=self.series.dump(),
            sightings=[self.sightings[name] for name in sorted(self.sightings)],
            newest_ms=self.newest_ms,
            newest_span_ms=self.newest_span_ms,
        )

    def restore(self, state: PaneState) -> None:
        """Replace the store by a snapshot."""
        self._clear()
        for source, service in state.services:
            self.services.put(service.component.name, source, service)
        for source, edge in state.edges:
            self.edges.put((edge.caller.name, edge.callee.name), source, edge)
        for source, pane in state.series:
            self._put_series(source, pane)
        for sighting in state.sightings:
            self._sight(sighting)
        self.newest_ms = state.newest_ms
        self.newest_span_ms = state.newest_span_ms

    def _clear(self) -> None:
        keys, series = self._config.max_keys, self._config.max_series
        self.services: PaneTable[str, ServicePane] = PaneTable(
            limit=keys, fuller=lambda p: (p.count, p.self_ms, p.duration_ms), total=sum_services
        )
        self.edges: PaneTable[tuple[str, str], EdgePane] = PaneTable(
            limit=keys, fuller=_fullness, total=sum_edges
        )
        self.series: PaneTable[str, SeriesPane] = PaneTable(
            limit=series, fuller=lambda p: (p.samples, p.stale, p.z, p.value), total=sum_series
        )
        self._series_of: dict[str, set[str]] = {}
        self.sightings: dict[str, Sighting] = {}
        self.newest_ms = 0
        self.newest_span_ms = 0

    def _put_series(self, source: str, pane: SeriesPane) -> None:
        self.series.put(pane.series_id, source, pane)
        self._series_of.setdefault(pane.component.name, set()).add(pane.series_id)

    def _sight(self, sighting: Sighting) -> None:
        """Unite with what is known; a component of the limit's overflow is not remembered."""
        name = sighting.component.name
        known = self.sightings.get(name)
        if known is None:
            if len(self.sightings) < self._config.max_keys:
                self.sightings[name] = sighting
            return
        classes = set(known.metric_classes) | set(sighting.metric_classes)
        self.sightings[name] = Sighting(
            component=max(
                known.component, sighting.component, key=lambda c: (c.kind != "service", c)
            ),
            metric_classes=tuple(sorted(classes)),
            has_spans=known.has_spans or sighting.has_spans,
            runs_on=tuple(sorted(set(known.runs_on) | set(sighting.runs_on))),
        )
