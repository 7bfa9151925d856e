"""Builders: an incident as the storm of the sale makes it, and the states that messages leave."""

from collections.abc import Callable
from typing import Any

import pytest

from agents.notifier.sent import Occasion, Sent
from schemas.incident import (
    SCHEMA_VERSION,
    EvidenceReference,
    Firing,
    Incident,
    IncidentAlert,
    IncidentCandidate,
    IncidentEvidence,
    IncidentPattern,
    IncidentStatus,
    IncidentTrace,
)

COMPONENTS = (
    "checkout",
    "order-fulfilment",
    "order-query",
    "payment",
    "inventory",
    "pricing",
    "order-events",
    "mysql-primary",
    "node-7",
)
RULES = ("HighErrorRate", "DbConnectionTimeout", "GcPause", "LatencySlo", "QueueLag", "NotReady")


def evidence(
    kind: str, strength: float, statement: str, supports: bool = True
) -> IncidentEvidence:
    return IncidentEvidence(
        kind=kind,
        strength=strength,
        supports=supports,
        statement=statement,
        references=(EvidenceReference(kind="series", id=f"series-of-{kind}"),),
    )


def pattern(title: str, probability: float, *actions: str) -> IncidentPattern:
    return IncidentPattern(
        pattern=title.lower().replace(" ", "-"),
        family="saturation",
        title=title,
        probability=probability,
        first_actions=actions,
    )


def candidate(component: str, confidence: float, **changes: Any) -> IncidentCandidate:
    fields: dict[str, Any] = {
        "rank": 1,
        "component": component,
        "kind": "service",
        "confidence": confidence,
        "patterns": (),
        "evidence": (),
        "contributions": {},
        "path": (),
    }
    return IncidentCandidate(**(fields | changes))


MYSQL = candidate(
    "mysql-primary",
    0.862,
    kind="database",
    patterns=(
        pattern("Slow query", 0.1),
        pattern(
            "Connection pool exhausted",
            0.85,
            "Stop or throttle report-job",
            "Kill its idle connections (SHOW PROCESSLIST)",
            "Give report-job a pool of its own",
        ),
    ),
    evidence=(
        evidence("pool_saturated", 0.97, "200 of its 200 connections are in use"),
        evidence("holder_dominant", 0.92, "report-job holds 92 % of its connections"),
        evidence("pool_waiting", 0.8, "6 callers wait up to 30 s for one of its connections"),
        evidence("edge_timeouts", 0.7, "34 % of order-query's calls to it time out"),
        evidence("quiet", 0.3, "its CPU is at 41 %, as on other days", supports=False),
    ),
    path=("checkout", "order-fulfilment", "order-query", "mysql-primary"),
)
QUERY = candidate(
    "order-query",
    0.071,
    rank=2,
    patterns=(pattern("Retry storm", 0.6),),
    evidence=(
        evidence("latency_up", 0.9, "its P95 rose from 120 ms to 8.2 s"),
        evidence("explained", 0.8, "its callee mysql-primary explains it", supports=False),
    ),
)
NODE = candidate("node-7", 0.02, rank=3, kind="node")


def _alert(number: int) -> IncidentAlert:
    component = COMPONENTS[number % len(COMPONENTS)]
    rule = RULES[number % len(RULES)]
    return IncidentAlert(
        fingerprint=f"{number:016x}",
        rule=rule,
        status="firing",
        severity="critical" if number % 3 else "warning",
        component=component,
        starts_at=f"2026-11-11T12:0{number % 5}:05.120Z",
        ends_at=None,
        labels={"alertname": rule, "service": component},
        annotations={"summary": f"{rule} on {component}"},
        generator_url="http://prometheus.example/graph",
        grouping_reason="on the path checkout → order-query → mysql-primary",
    )


def build_incident(**changes: Any) -> Incident:
    fields: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "incident_id": "6f1c2f0e-52f1-5a43-9d0c-7a3f8f6f2b11",
        "dedup_key": "production/mysql-primary/1794312065",
        "environment": "production",
        "revision": 3,
        "status": IncidentStatus.OPEN,
        "firing": Firing.EARLY,
        "severity": "critical",
        "title": "mysql-primary: connection pool exhausted",
        "started_at": "2026-11-11T12:01:05.120Z",
        "detected_at": "2026-11-11T12:01:17.000Z",
        "updated_at": "2026-11-11T12:03:40.000Z",
        "last_alert_at": "2026-11-11T12:03:38.000Z",
        "resolved_at": None,
        "window_start": "2026-11-11T12:00:00.000Z",
        "window_end": "2026-11-11T12:08:38.000Z",
        "components": COMPONENTS,
        "alerts": tuple(map(_alert, range(47))),
        "alert_count": 47,
        "candidates": (MYSQL, QUERY, NODE),
        "p_none": 0.03,
        "abstained": False,
        "abstain_reason": "",
        "changed": (),
        "metrics": (),
        "traces": (
            IncidentTrace(
                trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
                span_id="00f067aa0ba902b7",
                component="order-query",
                operation="SELECT orders",
                duration_ms=30_000.0,
                failure="timeout",
            ),
        ),
        "merged_into": None,
        "previous_incident_id": None,
        "graph_version": 12,
        "model_version": "2026-10-01",
        "flapping": (),
    }
    return Incident(**(fields | changes))


def build_sent(**changes: Any) -> Sent:
    fields: dict[str, Any] = {
        "receiver": "chat",
        "incident_id": "6f1c2f0e-52f1-5a43-9d0c-7a3f8f6f2b11",
        "revision": 1,
        "occasion": Occasion.OPENED,
        "top": "order-query",
        "confidence": 0.62,
        "sent_at_ms": 1_000_000,
    }
    return Sent(**(fields | changes))


# Of the session, so that hypothesis takes them: they hold nothing.
@pytest.fixture(scope="session")
def an_incident() -> Callable[..., Incident]:
    return build_incident


@pytest.fixture(scope="session")
def a_candidate() -> Callable[..., IncidentCandidate]:
    return candidate


@pytest.fixture(scope="session")
def an_evidence() -> Callable[..., IncidentEvidence]:
    return evidence


@pytest.fixture(scope="session")
def a_sent() -> Callable[..., Sent]:
    return build_sent
