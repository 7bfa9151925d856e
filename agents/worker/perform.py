"""Performs what the engine wants done: the one exhaustive match over its outputs."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never
from urllib.parse import quote

import orjson

from agents.telemetry import IncidentMetrics
from agents.worker.stage import Headers, Outgoing
from pipeline.outputs import AlertSetAside, IncidentPublished, Output, Transition
from schemas.incident import Incident, IncidentAlert

_log = logging.getLogger("worker")
_SHORT_TEXT = 256
_JSON = ("content-type", b"application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Turns outputs into records, counts them and writes the log of an incident's life."""

    incidents: str
    unassigned: str
    case_rows: str
    max_bytes: int
    metrics: IncidentMetrics

    def perform(self, output: Output) -> Outgoing:
        """Return the record of an output."""
        match output:
            case IncidentPublished():
                return self._publish(output)
            case AlertSetAside():
                return self._set_aside(output)
            case _:
                assert_never(output)

    def _publish(self, output: IncidentPublished) -> Outgoing:
        incident = output.incident
        self.metrics.published.labels(transition=output.transition.value).inc()
        self.metrics.firings.labels(firing=incident.firing.value).inc()
        if output.transition is Transition.OPENED:
            self.metrics.latency.observe(_seconds(incident.detected_at, incident.updated_at))
        level = logging.DEBUG if output.transition is Transition.UPDATED else logging.INFO
        _log.log(level, "incident %s", output.transition.value, extra=_described(incident))
        return Outgoing(
            self.incidents,
            incident.incident_id.encode(),
            self._fitted(incident),
            _cloud_event(output),
        )

    def _fitted(self, incident: Incident) -> bytes:
        """Encode an incident; an oversized one loses details, never members or candidates."""
        value = orjson.dumps(incident)
        for trim in _TRIMS:
            if len(value) <= self.max_bytes:
                break
            _log.warning(
                "an incident is too large for one message and loses details",
                extra={"incident_id": incident.incident_id, "bytes": len(value)},
            )
            incident = trim(incident)
            value = orjson.dumps(incident)
        return value

    def _set_aside(self, output: AlertSetAside) -> Outgoing:
        self.metrics.alerts_set_aside.labels(reason=output.reason.value).inc()
        _log.info(
            "alert set aside",
            extra={
                "environment": output.environment,
                "fingerprint": output.alert.fingerprint,
                "rule": output.alert.rule,
                "component": output.component.name,
                "reason": output.reason.value,
            },
        )
        headers = (_JSON, ("rootline.reason", output.reason.value.encode()))
        key = output.alert.fingerprint.encode()
        return Outgoing(self.unassigned, key, orjson.dumps(output), headers)


def _cloud_event(output: IncidentPublished) -> Headers:
    incident = output.incident
    attributes = {
        "ce_specversion": "1.0",
        "ce_type": f"io.rootline.incident.{output.transition.value}",
        "ce_source": f"/rootline/{quote(incident.environment, safe='')}",
        "ce_id": f"{incident.incident_id}:{incident.revision}",
        "ce_time": incident.updated_at,
        "ce_subject": incident.incident_id,
    }
    return (*((name, text.encode()) for name, text in attributes.items()), _JSON)


def _described(incident: Incident) -> dict[str, object]:
    best = incident.candidates[0] if incident.candidates else None
    return {
        "incident_id": incident.incident_id,
        "environment": incident.environment,
        "revision": incident.revision,
        "alerts": incident.alert_count,
        "best": best.component if best is not None else "",
        "confidence": round(best.confidence, 3) if best is not None else 0.0,
        "title": incident.title,
    }


def _seconds(start: str, end: str) -> float:
    """The time between two instants in RFC 3339.

    >>> _seconds("2026-01-01T00:00:00Z", "2026-01-01T00:00:12.500Z")
    12.5
    """
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _without_traces(incident: Incident) -> Incident:
    return replace(incident, traces=(), metrics=())


def _short_annotations(incident: Incident) -> Incident:
    return _with_alerts(
        incident,
        lambda alert: replace(
            alert, annotations={k: v[:_SHORT_TEXT] for k, v in alert.annotations.items()}
        ),
    )


def _short_labels(incident: Incident) -> Incident:
    return _with_alerts(
        incident,
        lambda alert: replace(
            alert, annotations={}, labels={k: v[:_SHORT_TEXT] for k, v in alert.labels.items()}
        ),
    )


def _bare_alerts(incident: Incident) -> Incident:
    return _with_alerts(incident, lambda alert: replace(alert, annotations={}, labels={}))


def _with_alerts(incident: Incident, change: Callable[[IncidentAlert], IncidentAlert]) -> Incident:
    return replace(incident, alerts=tuple(change(alert) for alert in incident.alerts))


# In this order, until it fits: what can be looked up elsewhere goes first.
_TRIMS: tuple[Callable[[Incident], Incident], ...] = (
    _without_traces,
    _short_annotations,
    _short_labels,
    _bare_alerts,
)
