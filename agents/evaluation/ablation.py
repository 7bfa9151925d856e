"""Questions with one block of measures taken out: what the block is worth is what it then costs.

Only what the ranker is given changes, not what the engine found with the help of the block.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from agents.evaluation.asked import Collected, Inquiry
from agents.evaluation.folds import Fold
from models.readings import BLOCKS, READINGS
from schemas.candidate import Question

EACH: Final = "each"
"""Stands for every block, one at a time."""
_CONTEXT: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"metrics": ("has_metrics", "max_z"), "topology": ("has_edges",), "changes": ("has_changes",)}
)


def blocks_of(named: tuple[str, ...]) -> tuple[str, ...]:
    """List the blocks that are named, each once.

    >>> blocks_of(("spans", "alerts", "spans"))
    ('spans', 'alerts')
    """
    return BLOCKS if EACH in named else tuple(dict.fromkeys(named))


def without_block(case: Collected, block: str) -> Collected:
    """Take a block's measures, and the context that speaks of them, out of every question."""
    return replace(
        case,
        online=_asked(case.online, block),
        published=_asked(case.published, block),
        others=tuple(i for o in case.others if (i := _asked(o, block)) is not None),
    )


def fold_without(fold: Fold, block: str) -> Fold:
    """Take a block out of what a fold is trained on and out of what it is asked."""
    return Fold(
        held=tuple(without_block(c, block) for c in fold.held),
        training=tuple(without_block(c, block) for c in fold.training),
    )


def _asked(inquiry: Inquiry | None, block: str) -> Inquiry | None:
    if inquiry is None:
        return None
    questions = (replace(t, question=_question(t.question, block)) for t in inquiry.questions)
    return replace(inquiry, questions=tuple(questions))


def _question(question: Question, block: str) -> Question:
    gone = {reading.measure for reading in READINGS if reading.block == block}
    silent = _CONTEXT.get(block, ())
    return replace(
        question,
        candidates=tuple(
            replace(c, measures={m: v for m, v in c.measures.items() if m not in gone})
            for c in question.candidates
        ),
        context={name: v for name, v in question.context.items() if name not in silent},
    )
