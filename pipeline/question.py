"""L4's question: every candidate of an incident with its measures and evidence."""

from collections.abc import Callable

from pipeline.blocks.alert_topics import measure_topics
from pipeline.blocks.alerts import measure_alerts
from pipeline.blocks.block import Block
from pipeline.blocks.changes import measure_changes
from pipeline.blocks.edges import measure_edges
from pipeline.blocks.metrics import measure_metrics
from pipeline.blocks.missing_calls import measure_missing_calls
from pipeline.blocks.silence import measure_silence
from pipeline.blocks.spans import measure_spans
from pipeline.blocks.symptom import measure_symptom
from pipeline.blocks.topology import measure_topology
from pipeline.case_view import CaseView
from schemas.candidate import Candidate, Evidence, Question


def ask(case: CaseView, *, flaps: Callable[[str], int], changes_seen: bool) -> Question:
    """Measure every candidate of the incident, in name order."""
    candidates = tuple(
        _candidate(case, name, flaps=flaps, changes_seen=changes_seen) for name in case.candidates
    )
    return Question(
        incident_id=case.group.incident_id,
        at_ms=case.scene.frame.now_ms,
        candidates=candidates,
        context=_context(case, candidates, changes_seen=changes_seen),
    )


def _candidate(
    case: CaseView, name: str, *, flaps: Callable[[str], int], changes_seen: bool
) -> Candidate:
    blocks = (
        measure_alerts(case, name, flaps=flaps),
        measure_topics(name, case.alert_topics, case.scene.graph, case.replicas),
        measure_metrics(case, name),
        measure_silence(case, name),
        measure_spans(case, name),
        measure_edges(case, name),
        measure_missing_calls(case, name),
        measure_topology(case, name),
        measure_changes(case, name, any_seen=changes_seen),
    )
    return Candidate(
        component=case.scene.graph.component(name),
        measures={k: v for block in blocks for k, v in block.measures.items()},
        evidence=_strongest(blocks),
    )


def _strongest(blocks: tuple[Block, ...]) -> tuple[Evidence, ...]:
    """One piece of evidence per kind and side (the strongest), the strongest first."""
    best: dict[tuple[str, bool], Evidence] = {}
    for evidence in (e for block in blocks for e in block.evidence):
        key = (evidence.kind, evidence.supports)
        if key not in best or evidence.strength > best[key].strength:
            best[key] = evidence
    return tuple(sorted(best.values(), key=lambda e: (-e.strength, e.kind, e.supports)))


def _context(
    case: CaseView, candidates: tuple[Candidate, ...], *, changes_seen: bool
) -> dict[str, float]:
    count = max(1, len(candidates))
    zs = [abs(v) for c in candidates for k, v in c.measures.items() if k.startswith("z_")]

    def share(prefixes: tuple[str, ...]) -> float:
        return sum(any(k.startswith(prefixes) for k in c.measures) for c in candidates) / count

    return {
        "candidates": float(len(candidates)),
        "alerts": float(len(case.group.members)),
        "elapsed_s": max(0.0, (case.scene.frame.now_ms - case.group.first_ms) / 1000),
        "has_metrics": share(("z_",)),
        "has_traces": share(("span_", "edge_")),
        "has_edges": share(("page_rank",)),
        "has_changes": 1.0 if changes_seen else 0.0,
        "max_z": max(zs, default=0.0),
        **measure_symptom(case),
    }
