"""Gets recordings answered fold by fold, by rankers that have not seen them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from agents.evaluation.folds import Fold
from agents.evaluation.judge import Answered, Protocol, answered
from agents.evaluation.pool import Done, in_order
from agents.evaluation.rows import library_rows, rows_of
from models.training import TrainingConfig, train
from schemas.candidate import Ranker

Answers = dict[str, Answered]
"""Judged answers by the key of the recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """How rankers are trained: on which protocol's questions, and with the library or not."""

    protocol: Protocol
    with_library: bool = False


def answer_by_folds(
    folds: Sequence[Fold], learning: Learning, *, jobs: int, done: Done
) -> Answers:
    """Train a ranker for each fold and have it answer the recordings that are held out."""
    work = partial(_answer_fold, learning=learning)
    found: Answers = {}
    for part in in_order(work, folds, jobs=jobs, done=done):
        found |= part
    return found


def learnt(fold: Fold, learning: Learning, *, known_systems: bool = False) -> Ranker:
    """Train a ranker on a fold's training recordings, and on the library where that is asked for.

    The library's rows of systems that are held out are left out with them.
    """
    rows = rows_of(fold.training, learning.protocol)
    if learning.with_library:
        rows += library_rows({case.identity.system for case in fold.held})
    return train(rows, TrainingConfig(known_systems=known_systems)).ranker


def _answer_fold(fold: Fold, learning: Learning) -> Answers:
    """Answer those of systems that were trained on, and the others, each by their own ranker.

    What training decides (how much is learnt by heart) hangs on whether the system is known.
    """
    systems = {case.identity.system for case in fold.training}
    found: Answers = {}
    for known in (True, False):
        held = [case for case in fold.held if (case.identity.system in systems) is known]
        if held:
            rank = learnt(fold, learning, known_systems=known)
            found |= {c.identity.key: answered(c, learning.protocol, rank) for c in held}
    return found
