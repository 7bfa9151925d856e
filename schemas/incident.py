"""The incident as published: a full snapshot per revision, times in RFC 3339.

`schemas/published/incident.schema.json` is generated from these classes and kept equal to them by
a test. A consumer applies a message only if its `revision` is higher than the one it has.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SCHEMA_VERSION = "1.0"


class IncidentStatus(StrEnum):
    """Where an incident is in its life."""

    OPEN = "open"
    RESOLVED = "resolved"
    MERGED = "merged"


class Firing(StrEnum):
    """Why this revision was published, in terms of the window: before, at or after its end."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentAlert:
    """A member alert, its component, and why it was grouped here."""

    fingerprint: str
    rule: str
    status: str
    severity: str
    component: str
    starts_at: str
    ends_at: str | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    generator_url: str
    grouping_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceReference:
    """What evidence rests on: kind alert | series | trace | change | edge, and its id."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvidence:
    """One reason for or against a candidate, in words and with what it rests on."""

    kind: str
    strength: float
    supports: bool
    statement: str
    references: tuple[EvidenceReference, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPattern:
    """A root-cause pattern with P(pattern | this component is the root)."""

    pattern: str
    family: str
    title: str
    probability: float
    first_actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentCandidate:
    """A possible root cause with its calibrated probability, best first."""

    rank: int
    component: str
    kind: str
    confidence: float
    patterns: tuple[IncidentPattern, ...]
    evidence: tuple[IncidentEvidence, ...]
    contributions: Mapping[str, float]
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelatedMetric:
    """A metric that moves with the incident: one row of the heatmap.

    `z` holds one value per pane of the window, oldest first (null where there was no sample);
    `correlation` its Pearson correlation with the rows of `Incident.metrics`, in their order.
    """

    component: str
    metric: str
    metric_class: str
    onset_at: str | None
    z: tuple[float | None, ...]
    correlation: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentTrace:
    """A trace worth opening, and the edge or component it speaks about."""

    trace_id: str
    span_id: str
    component: str
    operation: str
    duration_ms: float
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident at one revision. Only ever replaced by a higher revision of itself."""

    schema_version: str
    incident_id: str
    dedup_key: str
    environment: str
    revision: int
    status: IncidentStatus
    firing: Firing
    severity: str
    title: str
    started_at: str
    detected_at: str
    updated_at: str
    last_alert_at: str
    resolved_at: str | None
    window_start: str
    window_end: str
    components: tuple[str, ...]
    alerts: tuple[IncidentAlert, ...]
    alert_count: int
    candidates: tuple[IncidentCandidate, ...]
    p_none: float
    abstained: bool
    abstain_reason: str
    changed: tuple[str, ...]
    metrics: tuple[CorrelatedMetric, ...]
    traces: tuple[IncidentTrace, ...]
    merged_into: str | None
    previous_incident_id: str | None
    graph_version: int
    model_version: str
    flapping: tuple[str, ...] = ()
