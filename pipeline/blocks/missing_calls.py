"""Calls that are missing: a component is asked as usual, but does not go on as usual.

A fault in code shows so where nothing fails or slows: it returns early, or a callee's wrong answer
ends the request. A shortfall is shrunk by three calls, takes five that were to be expected, and
is what is missing beyond the past: what is learnt as usual follows a new way of working slowly.
"""

from collections.abc import Sequence

from pipeline.blocks.block import Block, percent, ramp
from pipeline.case_view import CaseView
from pipeline.edge_reading import EdgeReading
from schemas.candidate import Evidence, Reference

_LEAST = 5.0
_SHRINK = 3.0
_TELLING = 0.2


def measure_missing_calls(case: CaseView, name: str) -> Block:
    """Measure a candidate as caller and as callee; without usual calls there is no data here."""
    block = Block()
    scene = case.scene
    out = [e for e in scene.edges_out(name) if e.expected >= _LEAST]
    if out:
        worst = max(out, key=lambda e: (_shortfall((e,)), e.callee))
        block.measures["calls_missing"] = _shortfall((worst,))
        _add_evidence(block, worst)
    into = scene.edges_into(name)
    if sum(e.expected for e in into) >= _LEAST:
        block.measures["called_less"] = _shortfall(into)
        siblings = [e for caller in into for e in scene.edges_out(caller.caller)]
        broken = sum(e.broke_excess for e in siblings)
        block.measures["last_before_break"] = sum(e.broke_excess for e in into) / (
            broken + _SHRINK
        )
    return block


def _shortfall(edges: Sequence[EdgeReading]) -> float:
    """Return the share of expected calls that were not made, less what it was in the past."""
    now = _missing(sum(e.expected for e in edges), sum(e.made for e in edges))
    before = _missing(sum(e.baseline_expected for e in edges), sum(e.baseline_made for e in edges))
    return max(0.0, now - before)


def _missing(expected: float, made: int) -> float:
    return max(0.0, expected - made) / (expected + _SHRINK)


def _add_evidence(block: Block, worst: EdgeReading) -> None:
    missing = block.measures["calls_missing"]
    if missing <= _TELLING:
        return
    block.evidence.append(
        Evidence(
            kind="calls_missing",
            strength=ramp(missing, 0.1, 0.6),
            statement=(
                f"it makes {worst.made} calls to {worst.callee}, {worst.expected:.0f} are usual "
                f"for the requests that it gets: {percent(1 - worst.made / worst.expected)} less"
            ),
            references=(Reference(kind="edge", id=f"{worst.caller}->{worst.callee}"),),
            details={"callee": worst.callee},
        )
    )
