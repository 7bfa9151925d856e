"""What was changed on a candidate (or on what it calls) shortly before the onset."""

import math

from pipeline.blocks.block import Block
from pipeline.case_view import CaseView
from schemas.candidate import Evidence, Reference

_HALF_LIFE_S = 900.0


def measure_changes(case: CaseView, name: str, *, any_seen: bool) -> Block:
    """Measure changes; without any change event ever seen there is no data, not "no change"."""
    block = Block()
    if not any_seen:
        return block
    last = case.last_change(name)
    block.measures["change_recency"] = math.exp(-last[1] / _HALF_LIFE_S) if last else 0.0
    block.measures["change_precedes"] = 1.0 if last else 0.0
    callee_ages = [
        found[1] for c in case.scene.graph.callees(name) if (found := case.last_change(c))
    ]
    block.measures["change_callee_recency"] = (
        math.exp(-min(callee_ages) / _HALF_LIFE_S) if callee_ages else 0.0
    )
    if last:
        change, age_s = last[0].change, last[1]
        what = change.title or change.version or "no title"
        block.evidence.append(
            Evidence(
                kind="change_recent",
                strength=math.exp(-age_s / _HALF_LIFE_S),
                statement=f"{change.kind.value} {age_s / 60:.0f} min before the onset: {what}",
                references=(Reference(kind="change", id=change.change_id),),
                details={"change_kind": change.kind.value, "version": change.version},
            )
        )
    return block
