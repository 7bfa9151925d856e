"""Event time: how far it has come, seen only from what is in the log.

Telemetry sources are dense and hold time back together (the slowest live one counts); alerts and
changes are sparse, start late by nature (`group_wait`, `for`) and only push time where there is no
live telemetry. Invariant: the watermark never goes back.
"""

from dataclasses import dataclass, field

from pipeline.config import WatermarkConfig

_AHEAD_MS = 5_000
"""An event time ahead of its arrival by more than this is a wrong clock: it is clipped."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """One source: the newest event time it has told, and when that arrived."""

    event_ms: int
    arrived_ms: int


@dataclass(slots=True, kw_only=True)
class Watermark:
    """Tracks sources and yields the watermark (epoch ms); plain data, so that it snapshots."""

    value_ms: int = 0
    newest_ms: int = 0
    arrived_ms: int = 0
    sources: dict[str, Progress] = field(default_factory=dict)

    def dense(
        self, source: str, event_ms: int, arrived_ms: int, *, config: WatermarkConfig
    ) -> int:
        """Note progress of a telemetry source and return the watermark."""
        event_ms = min(event_ms, arrived_ms + _AHEAD_MS)
        known = self.sources.get(source)
        if known is None:
            self._make_room(config)
            self.sources[source] = Progress(event_ms=event_ms, arrived_ms=arrived_ms)
        else:
            known.event_ms = max(known.event_ms, event_ms)
            known.arrived_ms = max(known.arrived_ms, arrived_ms)
        return self._move(event_ms, arrived_ms, config)

    def sparse(self, event_ms: int, arrived_ms: int, *, config: WatermarkConfig) -> int:
        """Note an alert, a change or a tick and return the watermark."""
        return self._move(min(event_ms, arrived_ms + _AHEAD_MS), arrived_ms, config)

    def elapsed_estimate(self, now_ms: int, *, config: WatermarkConfig) -> int:
        """Where event time would stand if it had passed as fast as the clock since it last moved.

        Used to decide whether silence is long enough for a tick. While a telemetry source is
        live it is the one to move time, so the estimate stands still.
        """
        if self.arrived_ms == 0 or self._live(now_ms, config):
            return self.value_ms
        return self.newest_ms + max(0, now_ms - self.arrived_ms)

    def _live(self, now_ms: int, config: WatermarkConfig) -> list[Progress]:
        oldest = now_ms - int(config.idle_seconds * 1000)
        return [p for p in self.sources.values() if p.arrived_ms >= oldest]

    def _move(self, event_ms: int, arrived_ms: int, config: WatermarkConfig) -> int:
        self.newest_ms = max(self.newest_ms, event_ms)
        self.arrived_ms = max(self.arrived_ms, arrived_ms)
        live = self._live(self.arrived_ms, config)
        reached = min(p.event_ms for p in live) if live else self.newest_ms
        # An event exactly `lateness` old is still in time, hence the last millisecond.
        promised = reached - int(config.lateness_seconds * 1000) - 1
        self.value_ms = max(self.value_ms, promised)
        return self.value_ms

    def _make_room(self, config: WatermarkConfig) -> None:
        if len(self.sources) >= config.max_sources:
            idlest = min(self.sources, key=lambda s: (self.sources[s].arrived_ms, s))
            del self.sources[idlest]
