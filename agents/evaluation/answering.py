"""Gets recordings answered fold by fold, by rankers that have not seen them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from agents.evaluation.folds import Fold
from agents.evaluation.judge import Answered, Protocol, answered
from agents.evaluation.pool import Done, in_order
from agents.evaluation.rows import library_rows, rows_of
from models.training import train
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


def learnt(fold: Fold, learning: Learning) -> Ranker:
    """Train a ranker on a fold's training recordings, and on the library where that is asked for.

    The library's rows of systems that are held out are left out with them.
    """
    rows = rows_of(fold.training, learning.protocol)
    if learning.with_library:
        rows += library_rows({case.identity.system for case in fold.held})
    return train(rows).ranker


def _answer_fold(fold: Fold, learning: Learning) -> Answers:
    if not fold.held:
        return {}
    rank = learnt(fold, learning)
    return {case.identity.key: answered(case, learning.protocol, rank) for case in fold.held}
