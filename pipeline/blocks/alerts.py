"""What the incident's alerts say about one candidate."""

from collections.abc import Callable

from pipeline.blocks.block import Block
from pipeline.case_view import CaseView
from pipeline.incident_state import Member
from pipeline.rule_class import is_cause_type
from schemas.candidate import Evidence, Reference


def measure_alerts(case: CaseView, name: str, *, flaps: Callable[[str], int]) -> Block:
    """Measure the alerts on a candidate; one without alerts has counts of zero, not no data."""
    members = case.members.get(name, [])
    block = Block()
    block.measures["alert_count"] = float(len(members))
    block.measures["alert_share"] = len(members) / max(1, len(case.group.members))
    if not members:
        return block
    causes = [m for m in members if is_cause_type(m.alert)]
    symptoms = [m for m in members if not is_cause_type(m.alert)]
    onset = min(m.starts_ms for m in members)
    block.measures |= {
        "alert_severity": float(max(m.alert.severity for m in members)),
        "alert_rules": float(len({m.alert.rule for m in members})),
        "alert_onset_s": (onset - case.group.first_ms) / 1000,
        "alert_cause_share": len(causes) / len(members),
        "alert_flaps": float(max(flaps(m.alert.fingerprint) for m in members)),
    }
    for kind, group in (("alert_cause", causes), ("alert_symptom", symptoms)):
        if group:
            block.evidence.append(_evidence(kind, group))
    return block


def _evidence(kind: str, members: list[Member]) -> Evidence:
    rules = sorted({m.alert.rule or "unnamed rule" for m in members})
    shown = ", ".join(rules[:4]) + (f" and {len(rules) - 4} more" if len(rules) > 4 else "")
    count = len(members)
    return Evidence(
        kind=kind,
        strength=min(1.0, 0.4 + 0.2 * count),
        statement=f"{count} alert{'s' if count > 1 else ''} on it: {shown}",
        references=tuple(Reference(kind="alert", id=m.alert.fingerprint) for m in members[:20]),
    )
