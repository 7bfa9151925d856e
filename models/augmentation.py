"""More rows from rows: what the same case looks like with less instrumentation, or in a crowd.

Masked are, in whole cases drawn by a seed, the root itself (then the right answer is "none of
these"), and a block of measures (no spans, no metrics, no service graph, ...). A crowd is the same
case among many more components that show nothing, as when a whole large system is asked about.
"""

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np

from models.cases import CaseCandidate, CaseRow
from models.readings import READINGS

MASKS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    # What is missing: the blocks of measures that go, and the context that goes with them.
    "metrics": (("metrics",), ("has_metrics", "max_z")),
    "traces": (("spans", "edges"), ("has_traces",)),
    "graph": (("topology", "edges"), ("has_edges",)),
    "changes": (("changes",), ("has_changes",)),
    "silence": (("silence",), ()),
    "all but alerts": (
        ("metrics", "silence", "spans", "edges", "topology"),
        ("has_metrics", "has_traces", "has_edges", "max_z"),
    ),
}


CROWD_SIZES: Final = (10, 20, 40)
_QUIET = 4
"""The crowd is copied from so many of the quietest candidates."""


def augmented(
    rows: Iterable[CaseRow],
    *,
    seed: int,
    root_share: float,
    block_share: float,
    crowd_share: float = 0.0,
) -> list[CaseRow]:
    """Give the rows and the masked copies of some of them.

    Args:
        rows: Real rows, in any order.
        seed: What is drawn depends on it and on the case's name, not on the order of rows.
        root_share: Share of the cases that come again without their root.
        block_share: Share of the cases that come again without one block.
        crowd_share: Share of the cases that come again in a crowd.
    """
    result: list[CaseRow] = []
    for row in rows:
        result.append(row)
        draw = random.Random(f"{seed}/{row.case}")
        without_root, without_block = draw.random(), draw.random()
        mask = draw.choice(sorted(MASKS))
        if row.root is not None and len(row.candidates) > 1 and without_root < root_share:
            result.append(without_candidate(row, row.root))
        if without_block < block_share:
            result.append(without(row, mask))
        crowd = draw.choice(CROWD_SIZES)
        if draw.random() < crowd_share:
            result.append(in_a_crowd(row, crowd))
    return result


def without_candidate(row: CaseRow, place: int) -> CaseRow:
    """Drop the root from the candidates, as if it were not instrumented at all."""
    kept = (*row.candidates[:place], *row.candidates[place + 1 :])
    context = {**row.context, "candidates": float(len(kept))}
    return replace(row, candidates=kept, context=context, root=None, pattern="")


def in_a_crowd(row: CaseRow, size: int) -> CaseRow:
    """Add so many copies of the quietest candidates; the root keeps its place."""
    others = [c for place, c in enumerate(row.candidates) if place != row.root]
    if not others:
        return row
    quiet = sorted(others, key=lambda c: (_loudness(c), sorted(c.measures.items())))[:_QUIET]
    crowd = tuple(quiet[place % len(quiet)] for place in range(size))
    candidates = (*row.candidates, *crowd)
    context = {**row.context, "candidates": float(len(candidates))}
    return replace(row, candidates=candidates, context=context)


def _loudness(candidate: CaseCandidate) -> float:
    """How much of a candidate is above the quiet level of its readings."""
    read = (
        float(reading.read(np.array([candidate.measures[reading.measure]]))[0]) - reading.quiet
        for reading in READINGS
        if reading.measure in candidate.measures
    )
    return sum(max(0.0, above) for above in read)


def without(row: CaseRow, mask: str) -> CaseRow:
    """Drop a modality from every candidate of a row."""
    blocks, context = MASKS[mask]
    gone = {reading.measure for reading in READINGS if reading.block in blocks}
    candidates = tuple(
        replace(c, measures={m: v for m, v in c.measures.items() if m not in gone})
        for c in row.candidates
    )
    left = {name: value for name, value in row.context.items() if name not in context}
    return replace(row, candidates=candidates, context=left)
