"""What the demo has seen so far: plain data, filled from topics, drawn by the views.

Everything here was read from Rootline's topics or received by the chat; nothing knows the answer.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.alert import Alert, AlertStatus
from schemas.component import Component
from schemas.incident import Incident, IncidentStatus
from schemas.signal import AlertSignal, ChangeSignal, Signal, TelemetrySignal, TickSignal

_ALERTS_SHOWN = 200
_REVISIONS = 2_000
_LIVE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAlert:
    """An alert as the first stage passed it on, its component found."""

    alert: Alert
    component: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """An alert of the `unassigned` topic, and the reason."""

    alert: Alert
    component: Component
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One record of the `incidents` topic, and what it announces (opened, updated, ...)."""

    transition: str
    incident: Incident


@dataclass(slots=True, kw_only=True)
class Scene:
    """Everything read so far."""

    alerts: deque[SeenAlert] = field(default_factory=lambda: deque(maxlen=_ALERTS_SHOWN))
    fired: dict[str, SeenAlert] = field(default_factory=dict)
    revisions: deque[Revision] = field(default_factory=lambda: deque(maxlen=_REVISIONS))
    incidents: dict[str, Incident] = field(default_factory=dict)
    asides: list[Aside] = field(default_factory=list)
    sources: dict[str, int] = field(default_factory=dict)
    components: set[str] = field(default_factory=set)
    edges: set[tuple[str, str]] = field(default_factory=set)
    series: set[str] = field(default_factory=set)

    def signal(self, signal: Signal) -> None:
        """Note what the first stage says."""
        match signal:
            case TelemetrySignal():
                self._telemetry(signal)
            case AlertSignal(alert=alert, component=component):
                seen = SeenAlert(alert=alert, component=component.name)
                self.components.add(component.name)
                if alert.status is AlertStatus.FIRING and alert.fingerprint not in self.fired:
                    self.fired[alert.fingerprint] = seen
                    self.alerts.append(seen)
            case ChangeSignal() | TickSignal():
                return

    def _telemetry(self, signal: TelemetrySignal) -> None:
        self.sources[signal.source] = max(signal.observed_ms, self.sources.get(signal.source, 0))
        self.components.update(pane.component.name for pane in signal.services)
        self.components.update(sighting.component.name for sighting in signal.sightings)
        self.edges.update((edge.caller.name, edge.callee.name) for edge in signal.edges)
        self.series.update(pane.series_id for pane in signal.series)

    def incident(self, transition: str, incident: Incident) -> None:
        """Note a record of the `incidents` topic; an older revision changes nothing."""
        known = self.incidents.get(incident.incident_id)
        if known is None or incident.revision > known.revision:
            self.incidents[incident.incident_id] = incident
            self.revisions.append(Revision(transition=transition, incident=incident))

    @property
    def reached_ms(self) -> int:
        """How far the slowest telemetry source has come that still speaks."""
        newest = max(self.sources.values(), default=0)
        return min((ms for ms in self.sources.values() if ms >= newest - _LIVE_MS), default=0)

    @property
    def main(self) -> Incident | None:
        """The largest incident that goes on by itself."""
        own = [i for i in self.incidents.values() if i.status is not IncidentStatus.MERGED]
        return max(own, key=lambda i: (i.alert_count, i.incident_id), default=None)

    def waiting(self) -> list[SeenAlert]:
        """Alerts that fired and are in no incident, nor set aside: they wait for company."""
        placed = {aside.alert.fingerprint for aside in self.asides}
        for incident in self.incidents.values():
            placed.update(alert.fingerprint for alert in incident.alerts)
        return [seen for key, seen in self.fired.items() if key not in placed]

    def apart(self) -> list[tuple[SeenAlert, str]]:
        """Alerts outside the main incident with where they are, in order of their start."""
        main = self.main
        members = {alert.fingerprint for alert in main.alerts} if main is not None else set()
        found = dict.fromkeys((s.alert.fingerprint for s in self.waiting()), "waits for company")
        found.update({aside.alert.fingerprint: aside.reason for aside in self.asides})
        for incident in self.incidents.values():
            if main is None or incident.incident_id != main.incident_id:
                where = f"incident {incident.incident_id[:8]}"
                found.update({alert.fingerprint: where for alert in incident.alerts})
        rows = [(self.fired[k], why) for k, why in found.items() if k in self.fired]
        return sorted(
            (row for row in rows if row[0].alert.fingerprint not in members),
            key=lambda row: (row[0].alert.starts_ms, row[0].alert.fingerprint),
        )


@dataclass(slots=True, kw_only=True)
class Stage:
    """How the demo itself is doing: processes, simulation, play."""

    title: str
    speed: float
    parts: dict[str, str] = field(default_factory=dict)
    simulated: float = 0.0
    start_ms: int = 0
    storm_ms: int = 0
    end_ms: int = 0
    sent_ms: int = 0
    sent: Mapping[str, int] = field(default_factory=dict)

    @property
    def sent_share(self) -> float:
        """How much of the recording has been sent."""
        length = max(1, self.end_ms - self.start_ms)
        return min(1.0, max(0.0, (self.sent_ms - self.start_ms) / length))
