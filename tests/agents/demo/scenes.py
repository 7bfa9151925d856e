"""Builders for the tests of the demo: alerts, incidents, revisions with defaults."""

from typing import Any

from agents.demo.scene import Revision, Scene, SeenAlert
from schemas.alert import Alert, AlertStatus
from schemas.component import Component
from schemas.incident import (
    Firing,
    Incident,
    IncidentAlert,
    IncidentCandidate,
    IncidentEvidence,
    IncidentPattern,
    IncidentStatus,
)
from schemas.signal import AlertSignal

START_MS = 1_772_445_600_000


def an_alert(
    fingerprint: str = "f1", rule: str = "HighErrorRate", severity: str = "critical"
) -> Alert:
    return Alert(
        fingerprint=fingerprint,
        status=AlertStatus.FIRING,
        labels=(("alertname", rule), ("severity", severity)),
        starts_ms=START_MS,
    )


def a_seen_alert(component: str = "checkout", **alert: str) -> SeenAlert:
    return SeenAlert(alert=an_alert(**alert), component=component)


def a_member(
    fingerprint: str, rule: str = "HighErrorRate", starts_at: str = "2026-03-02T10:00:00Z"
) -> IncidentAlert:
    return IncidentAlert(
        fingerprint=fingerprint,
        rule=rule,
        status="firing",
        severity="critical",
        component="checkout",
        starts_at=starts_at,
        ends_at=None,
        labels={},
        annotations={},
        generator_url="",
        grouping_reason="",
    )


def evidence(statement: str, *, supports: bool = True, **details: str) -> IncidentEvidence:
    return IncidentEvidence(
        kind="holder_dominant" if details else "errors_up",
        strength=1.0,
        supports=supports,
        statement=statement,
        details=details,
    )


def a_candidate(
    component: str = "db", rank: int = 1, confidence: float = 0.9, **more: Any
) -> IncidentCandidate:
    fields: dict[str, Any] = {
        "kind": "database",
        "patterns": (
            IncidentPattern(
                pattern="db.full", family="db", title="Connection pool exhausted", probability=0.8
            ),
            IncidentPattern(
                pattern="db.slow", family="db", title="Slow statements", probability=0.1
            ),
        ),
        "evidence": (evidence("the job holds 80 % of the connections", holder="job"),),
        "contributions": {},
        "path": (),
    }
    return IncidentCandidate(
        rank=rank, component=component, confidence=confidence, **(fields | more)
    )


def an_incident(
    *members: str, incident_id: str = "6f1c0000", revision: int = 1, **more: Any
) -> Incident:
    alerts = tuple(a_member(fingerprint) for fingerprint in members)
    fields: dict[str, Any] = {
        "schema_version": "1.0",
        "dedup_key": incident_id,
        "environment": "prod",
        "status": IncidentStatus.OPEN,
        "firing": Firing.EARLY,
        "severity": "critical",
        "title": "db: Connection pool exhausted",
        "started_at": "2026-03-02T10:00:00Z",
        "detected_at": "2026-03-02T10:00:10Z",
        "updated_at": "2026-03-02T10:00:10Z",
        "last_alert_at": "2026-03-02T10:00:00Z",
        "resolved_at": None,
        "window_start": "2026-03-02T10:00:00Z",
        "window_end": "2026-03-02T10:05:00Z",
        "components": ("checkout",),
        "alerts": alerts,
        "alert_count": len(alerts),
        "candidates": (a_candidate(), a_candidate("node-a", 2, 0.05)),
        "p_none": 0.0,
        "abstained": False,
        "abstain_reason": "",
        "changed": (),
        "metrics": (),
        "traces": (),
        "merged_into": None,
        "previous_incident_id": None,
        "graph_version": 1,
        "model_version": "conditional-logit/1",
    }
    return Incident(incident_id=incident_id, revision=revision, **(fields | more))


def opened(incident: Incident) -> Revision:
    return Revision(transition="opened", incident=incident)


def updated(incident: Incident) -> Revision:
    return Revision(transition="updated", incident=incident)


def told(
    headline: str = "🔴 db: connection pool exhausted", about: str = "6f1c0000"
) -> dict[str, Any]:
    return {
        "text": headline,
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": headline}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": f"incident {about}"}]},
        ],
    }


def signal_of(seen: SeenAlert) -> AlertSignal:
    return AlertSignal(alert=seen.alert, component=Component(name=seen.component))


def a_scene(*incidents: Incident, alerts: tuple[SeenAlert, ...] = ()) -> Scene:
    scene = Scene()
    for seen in alerts:
        scene.signal(signal_of(seen))
    for incident in incidents:
        scene.incident("opened" if incident.revision == 1 else "updated", incident)
    return scene
