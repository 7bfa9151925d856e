"""Work on many cases in some processes, results in the order of the cases whatever ends first."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from agents.evaluation.asked import Collected
from agents.evaluation.collect import Wanted, collect_folder
from models.ranker import load_ranker
from models.rules import RuleRanker
from schemas.candidate import Ranker

T = TypeVar("T")
R = TypeVar("R")
Done = Callable[[], None]


def in_order(work: Callable[[T], R], tasks: Sequence[T], *, jobs: int, done: Done) -> Iterator[R]:
    """Yield the result of each task, in the order of the tasks."""
    if jobs <= 1 or len(tasks) <= 1:
        for task in tasks:
            result = work(task)
            done()
            yield result
        return
    with multiprocessing.get_context("spawn").Pool(min(jobs, len(tasks))) as pool:
        for result in pool.imap(work, tasks):
            done()
            yield result


def collect_all(
    folders: Sequence[Path], wanted: Wanted, artefact: bytes | None, *, jobs: int, done: Done
) -> list[Collected | None]:
    """Collect recordings in their order, None for those whose truth nobody knows.

    Args:
        folders: The recordings.
        wanted: What to collect.
        artefact: The ranker that answers the engine meanwhile; None takes the rules.
        jobs: Processes.
        done: Is called after each recording.
    """
    work = partial(_collected, wanted=wanted, artefact=artefact)
    return list(in_order(work, folders, jobs=jobs, done=done))


def _collected(folder: Path, wanted: Wanted, artefact: bytes | None) -> Collected | None:
    rank: Ranker = load_ranker(artefact) if artefact is not None else RuleRanker()
    return collect_folder(folder, wanted, rank)
