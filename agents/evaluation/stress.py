"""Storms of several faults and recordings made worse: what is measured beside the suites' figures.

Both run the engine anew, on overlaid or perturbed recordings; each suite, number of faults and
perturbation is a task of its own, so that processes share them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from agents.evaluation.asked import Collected
from agents.evaluation.grouping import evaluate_grouping
from agents.evaluation.perturbations import evaluate_perturbations
from agents.evaluation.pool import Done, in_order
from agents.evaluation.subject import Subject
from agents.offline import OfflineConfig
from agents.recordings import read_recording
from models.perturbation import PERTURBATIONS

FAULTS = (1, 2, 3)
"""How many faults a storm has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """One suite's recordings, and what is done to them: a number of faults or a perturbation."""

    suite: str
    folders: tuple[Path, ...]
    what: str


Folders = Mapping[str, Sequence[Path]]
"""Recordings by suite."""


def tasks_of(folders: Folders, whats: Sequence[str]) -> list[_Task]:
    """List the tasks, each suite's in the order of what is done."""
    return [
        _Task(suite=suite, folders=tuple(paths), what=what)
        for suite, paths in folders.items()
        if paths
        for what in whats
    ]


def storms(
    folders: Folders, config: OfflineConfig, *, jobs: int, done: Done
) -> dict[str, dict[str, Any]]:
    """Judge the grouping of each suite's recordings overlaid, by suite and number of faults."""
    tasks = tasks_of(folders, [str(n) for n in FAULTS])
    return _by_suite(tasks, partial(_stormed, config=config), jobs, done)


def perturbed(
    folders: Folders,
    subject: Subject,
    config: OfflineConfig,
    *,
    jobs: int,
    done: Done,
    names: Sequence[str] = tuple(PERTURBATIONS),
) -> dict[str, dict[str, Any]]:
    """Say how answers fall as each suite's recordings get worse, by suite and perturbation."""
    tasks = tasks_of(folders, names)
    work = partial(_perturbed, subject=subject, config=config)
    return _by_suite(tasks, work, jobs, done)


def chosen(cases: Sequence[Collected], most: int) -> list[Collected]:
    """Choose some faulty cases, evenly over all of them by key.

    Args:
        cases: A suite's recordings.
        most: How many at most.
    """
    faulty = sorted((c for c in cases if not c.identity.healthy), key=lambda c: c.identity.key)
    if len(faulty) <= most:
        return faulty
    return [faulty[i * len(faulty) // most] for i in range(most)]


def _by_suite(
    tasks: Sequence[_Task], work: partial[dict[str, Any]], jobs: int, done: Done
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for task, part in zip(tasks, in_order(work, tasks, jobs=jobs, done=done), strict=True):
        found.setdefault(task.suite, {}).update(part)
    return found


def _stormed(task: _Task, *, config: OfflineConfig) -> dict[str, Any]:
    recordings = [read_recording(folder) for folder in task.folders]
    return evaluate_grouping(recordings, faults=(int(task.what),), config=config)


def _perturbed(task: _Task, *, subject: Subject, config: OfflineConfig) -> dict[str, Any]:
    recordings = [read_recording(folder) for folder in task.folders]
    rank = subject.ranker()
    return evaluate_perturbations(recordings, rank, names=(task.what,), config=config)
