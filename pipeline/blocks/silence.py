"""Silence: a component that stopped serving or reporting while others still call it."""

from pipeline.blocks.block import Block, ramp
from pipeline.case_view import CaseView
from schemas.candidate import Evidence, Reference


def measure_silence(case: CaseView, name: str) -> Block:
    """Measure a candidate's silence; only one that served before can be silent."""
    scene = case.scene
    block = Block()
    service, metrics = scene.service(name), scene.metrics(name)
    callers = [e for e in scene.edges_into(name) if e.count]
    if service is not None and service.baseline_count:
        ratio = min(0.0, service.served_ratio)
        block.measures["silence"] = ratio if scene.is_called(name) else 0.0
    if scene.is_silent(name):
        stopped = scene.stopped_serving(name)
        block.evidence.append(
            Evidence(
                kind="silent",
                strength=ramp(-block.measures["silence"], 1.0, 3.0) if stopped else 0.65,
                statement=(
                    "it serves almost no requests, while its callers still call it"
                    if stopped
                    else "it stopped reporting"
                ),
                references=tuple(
                    Reference(kind="edge", id=f"{e.caller}->{name}") for e in callers[:5]
                ),
            )
        )
    stale = [s for s in metrics.series if s.stale]
    if stale:
        block.evidence.append(
            Evidence(
                kind="stale",
                strength=ramp(metrics.stale_share, 0.0, 0.6),
                statement=f"{len(stale)} of its metric series stopped",
                references=tuple(Reference(kind="series", id=s.series_id) for s in stale[:5]),
            )
        )
    return block
