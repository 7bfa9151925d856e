"""From a group, its scene and its diagnosis to the published snapshot of an incident."""

from dataclasses import dataclass

from pipeline.case_view import CaseView
from pipeline.heatmap import correlated_metrics
from pipeline.incident_state import Group, Member
from pipeline.timestamps import rfc3339
from schemas.candidate import Candidate, Diagnosis, Evidence, Question, Ranked
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

_EVIDENCE_PER_CANDIDATE = 12
_REFERENCES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One evaluation: what was asked, what was answered, and the view it was asked from."""

    case: CaseView
    question: Question
    diagnosis: Diagnosis


def snapshot(
    group: Group, answer: Answer, *, environment: str, firing: Firing, now_ms: int, gap_ms: int
) -> Incident:
    """Return the full snapshot of an incident as it stands now, `changed` still empty."""
    diagnosis = answer.diagnosis
    candidates = _candidates(answer)
    return Incident(
        schema_version=SCHEMA_VERSION,
        incident_id=group.incident_id,
        dedup_key=group.dedup_key,
        environment=environment,
        revision=group.revision,
        status=group.status or IncidentStatus.OPEN,
        firing=firing,
        severity=group.severity.name.lower(),
        title=title_of(group, diagnosis),
        started_at=rfc3339(group.first_ms),
        detected_at=rfc3339(group.opened_ms if group.opened_ms is not None else now_ms),
        updated_at=rfc3339(now_ms),
        last_alert_at=rfc3339(group.last_ms),
        resolved_at=rfc3339(group.resolved_ms) if group.resolved_ms is not None else None,
        window_start=rfc3339(group.first_ms),
        window_end=rfc3339(group.last_ms + gap_ms),
        components=tuple(group.components),
        alerts=alerts_of(group),
        alert_count=len(group.members),
        candidates=candidates,
        p_none=round(diagnosis.p_none, 6),
        abstained=diagnosis.abstained,
        abstain_reason=diagnosis.reason,
        changed=(),
        metrics=correlated_metrics(
            answer.case, first=[r.component.name for r in diagnosis.ranked]
        ),
        traces=_traces(answer),
        merged_into=group.merged_into,
        previous_incident_id=group.previous_incident_id,
        graph_version=answer.case.scene.graph.version,
        model_version=diagnosis.model_version,
    )


def title_of(group: Group, diagnosis: Diagnosis) -> str:
    """Say in one line what it is, or, when nobody knows, where it is felt."""
    alerts, where = len(group.members), len(group.components)
    scope = f"{alerts} alert{_s(alerts)} on {where} component{_s(where)}"
    if not diagnosis.ranked or diagnosis.abstained:
        return f"{', '.join(group.components[:3])}: cause not clear ({scope})"
    top = diagnosis.ranked[0]
    what = top.patterns[0].title if top.patterns else "most likely cause"
    return f"{top.component.name}: {what} ({scope})"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def alerts_of(group: Group) -> tuple[IncidentAlert, ...]:
    """Return the member alerts as published, in order of their start."""
    members = sorted(group.members.values(), key=lambda m: (m.starts_ms, m.alert.fingerprint))
    return tuple(_alert(m) for m in members)


def _alert(member: Member) -> IncidentAlert:
    alert = member.alert
    return IncidentAlert(
        fingerprint=alert.fingerprint,
        rule=alert.rule,
        status="firing" if member.ends_ms is None else "resolved",
        severity=alert.severity.name.lower(),
        component=member.component.name,
        starts_at=rfc3339(member.starts_ms),
        ends_at=rfc3339(member.ends_ms) if member.ends_ms is not None else None,
        labels=dict(alert.labels),
        annotations=dict(alert.annotations),
        generator_url=alert.generator_url,
        grouping_reason=member.reason,
    )


def _candidates(answer: Answer) -> tuple[IncidentCandidate, ...]:
    asked = {c.component.name: c for c in answer.question.candidates}
    limit = answer.case.scene.config.max_published_candidates
    return tuple(
        _candidate(rank, ranked, asked[ranked.component.name], answer.case)
        for rank, ranked in enumerate(answer.diagnosis.ranked[:limit], start=1)
    )


def _candidate(rank: int, ranked: Ranked, asked: Candidate, case: CaseView) -> IncidentCandidate:
    return IncidentCandidate(
        rank=rank,
        component=ranked.component.name,
        kind=ranked.component.kind.value,
        confidence=round(ranked.probability, 6),
        patterns=tuple(
            IncidentPattern(
                pattern=p.pattern,
                family=p.family,
                title=p.title,
                probability=round(p.probability, 6),
                first_actions=p.first_actions,
            )
            for p in ranked.patterns
        ),
        evidence=tuple(_evidence(e) for e in asked.evidence[:_EVIDENCE_PER_CANDIDATE]),
        contributions={name: round(value, 4) for name, value in ranked.contributions},
        path=case.path(ranked.component.name),
    )


def _evidence(evidence: Evidence) -> IncidentEvidence:
    return IncidentEvidence(
        kind=evidence.kind,
        strength=round(evidence.strength, 4),
        supports=evidence.supports,
        statement=evidence.statement,
        references=tuple(
            EvidenceReference(kind=r.kind, id=r.id) for r in evidence.references[:_REFERENCES]
        ),
        details=dict(evidence.details),
    )


def _traces(answer: Answer) -> tuple[IncidentTrace, ...]:
    """L3: the exemplars on and into the leading candidates, failed ones and slow ones first."""
    case, limit = answer.case, answer.case.scene.config.max_traces
    found: dict[str, IncidentTrace] = {}
    leading = [r.component.name for r in answer.diagnosis.ranked[:3]]
    for name in [*leading, *sorted(case.members)]:
        service = case.scene.service(name)
        exemplars = [e for edge in case.scene.edges_into(name) for e in edge.exemplars]
        exemplars += service.exemplars if service is not None else ()
        ranked = sorted(exemplars, key=lambda e: (not e.failure, -e.duration_ms, e.trace_id))
        for exemplar in ranked[:2]:
            found.setdefault(
                exemplar.trace_id,
                IncidentTrace(
                    trace_id=exemplar.trace_id,
                    span_id=exemplar.span_id,
                    component=name,
                    operation=exemplar.operation,
                    duration_ms=round(exemplar.duration_ms, 3),
                    failure=exemplar.failure,
                ),
            )
    return tuple(found.values())[:limit]
