"""Silence: a component that stopped serving or reporting while others still call it."""

import math

from pipeline.blocks.block import Block, ramp
from pipeline.case_view import CaseView
from schemas.candidate import Evidence, Reference


def measure_silence(case: CaseView, name: str) -> Block:
    """Measure a candidate's silence; only one that served before can be silent."""
    scene = case.scene
    block = Block()
    service, metrics = scene.service(name), scene.metrics(name)
    callers = [e for e in scene.edges_into(name) if e.count]
    called = not callers or any(e.traffic_ratio > math.log(0.5) for e in callers)
    if service is not None and service.baseline_count:
        block.measures["silence"] = min(0.0, service.served_ratio) if called else 0.0
    if scene.is_silent(name):
        lost = service is not None and service.served_ratio < math.log(0.2)
        statement = (
            "it serves almost no requests, while its callers still call it"
            if lost
            else "it stopped reporting"
        )
        block.evidence.append(
            Evidence(
                kind="silent",
                strength=ramp(
                    -(service.served_ratio if service is not None and lost else -2.3), 1.0, 3.0
                ),
                statement=statement,
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
