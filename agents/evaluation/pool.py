"""Work on many cases in some processes, results in the order of the cases whatever ends first."""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from agents.evaluation.asked import Collected
from agents.evaluation.collect import Wanted, collect_folder
from agents.evaluation.judge import Answered, Protocol, answered
from agents.evaluation.subject import Subject

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A recording's questions, and what the ranker under test answered by protocol."""

    collected: Collected
    answers: Mapping[Protocol, Answered]


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is done with each recording. `keep` all questions for who is to learn from them."""

    wanted: Wanted
    subject: Subject
    keep: bool = False


def gather(
    folders: Sequence[Path], errand: Errand, *, jobs: int, done: Done
) -> list[Gathered | None]:
    """Collect recordings in their order and answer them; None where nobody knows the truth."""
    return list(in_order(partial(_gathered, errand=errand), folders, jobs=jobs, done=done))


def _gathered(folder: Path, errand: Errand) -> Gathered | None:
    rank = errand.subject.ranker()
    collected = collect_folder(folder, errand.wanted, rank)
    if collected is None:
        return None
    return Gathered(
        collected=collected if errand.keep else collected.last_only(),
        answers={p: answered(collected, p, rank) for p in errand.wanted.protocols},
    )
