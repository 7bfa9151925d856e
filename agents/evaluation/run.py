"""One evaluation from its folders to its figures: collect, learn if asked to, answer, sum up."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.evaluation.answering import Answers, Learning, answer_all, answer_by_folds
from agents.evaluation.asked import Collected
from agents.evaluation.baseline_scores import baseline_scores
from agents.evaluation.collect import Wanted
from agents.evaluation.errors import EvaluationError
from agents.evaluation.folds import FOLD_KEYS, SPLITS, Fold, folds, group_of
from agents.evaluation.judge import Protocol
from agents.evaluation.places import recording_folders
from agents.evaluation.pool import Done, collect_all
from agents.evaluation.stress import FAULTS, chosen, perturbed, storms
from agents.evaluation.subject import Subject
from agents.evaluation.suites import Outcome, by_suite, suite_of
from agents.offline import OfflineConfig
from models.perturbation import PERTURBATIONS

Stage = Callable[[str, int], Done]
"""Told of a stage and its number of steps; what it returns is called after each step."""
FOREST_FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for. `train_on` and `cross_validate` replace the subject's own ranker."""

    recordings: tuple[Path, ...]
    subject: Subject
    config: OfflineConfig
    train_on: tuple[Path, ...] = ()
    cross_validate: int | None = None
    fold_by: str = "group"
    with_library: bool = False
    splits: tuple[str, ...] = ()
    folds: int = 10
    protocols: tuple[Protocol, ...] = ("online", "published")
    baselines: bool = False
    storms: bool = False
    perturb: int = 0
    jobs: int = 1

    @property
    def trains(self) -> bool:
        """Say whether the ranker under test is trained here."""
        return bool(self.train_on) or self.cross_validate is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gathered:
    """Recordings to be answered and those to learn from besides; folders by the case's key."""

    cases: Sequence[Collected]
    lessons: Sequence[Collected]
    folders: Mapping[str, Path]


def evaluate(request: Request, stage: Stage) -> dict[str, Any]:
    """Evaluate, and give everything that is printed, drawn or written down.

    Raises:
        EvaluationError: there is nothing to evaluate, or it would mean nothing.
    """
    began = time.monotonic()
    gathered = _gather(request, stage)
    suites: list[dict[str, Any]] = []
    notes: list[str] = []
    for protocol in request.protocols:
        asked = [c for c in gathered.cases if protocol == "online" or c.published is not None]
        if asked:
            outcome = _outcome(request, replace(gathered, cases=asked), protocol, stage, notes)
            taught = {c.identity.system for f in _folds(request, gathered) for c in f.training}
            suites += _suites(asked, outcome, request, taught)
    return {
        "model": request.subject.version if not request.trains else _described(request),
        "suites": suites,
        "recordings": len(gathered.cases),
        "messages_rejected": sum(c.rejected for c in gathered.cases),
        **_stressed(request, gathered, stage),
        "notes": notes,
        "wall_seconds": time.monotonic() - began,
    }


def _gather(request: Request, stage: Stage) -> _Gathered:
    folders = recording_folders(request.recordings)
    lessons = recording_folders(request.train_on) if request.train_on else []
    both = sorted(set(folders) & set(lessons))
    if both and request.cross_validate is None:
        msg = (
            f"{both[0]} is both to be answered and to be learnt from (so are {len(both)} in all), "
            "expected different recordings; with --cross-validate K each is answered by a ranker "
            "that has not seen it"
        )
        raise EvaluationError(msg)
    everything = sorted({*folders, *lessons})
    wanted = Wanted(
        online="online" in request.protocols,
        published="published" in request.protocols,
        baselines=request.baselines,
        config=request.config,
    )
    done = stage("running the engine", len(everything))
    found = collect_all(everything, wanted, request.subject.artefact, jobs=request.jobs, done=done)
    places = dict(zip(everything, _told_apart(found), strict=True))
    cases = [c for f in folders if (c := places[f]) is not None]
    if not cases:
        msg = f"none of {len(folders)} recordings says what was wrong, expected a truth.json"
        raise EvaluationError(msg)
    return _Gathered(
        cases=cases,
        lessons=[c for f in lessons if (c := places[f]) is not None],
        folders={c.identity.key: f for f, c in places.items() if c is not None},
    )


def _told_apart(found: Sequence[Collected | None]) -> Iterator[Collected | None]:
    """Number recordings that say they are the same case; they still share their group."""
    seen: Counter[str] = Counter()
    for one in found:
        if one is None:
            yield None
            continue
        key = one.identity.key
        seen[key] += 1
        case = f"{one.identity.case}#{seen[key]}" if seen[key] > 1 else one.identity.case
        yield replace(one, identity=replace(one.identity, case=case))


def _stressed(request: Request, gathered: _Gathered, stage: Stage) -> dict[str, Any]:
    """Measure storms and perturbations, where they are asked for."""
    found: dict[str, Any] = {}
    suites = by_suite(gathered.cases)
    if request.storms:
        everything = {
            suite: [gathered.folders[c.identity.key] for c in cases]
            for suite, cases in suites.items()
        }
        done = stage("grouping storms", len(everything) * len(FAULTS))
        found["grouping"] = storms(everything, request.config, jobs=request.jobs, done=done)
    if request.perturb:
        few = {
            suite: [gathered.folders[c.identity.key] for c in chosen(cases, request.perturb)]
            for suite, cases in suites.items()
        }
        done = stage("perturbing", len(few) * len(PERTURBATIONS))
        found["perturbations"] = perturbed(
            few, request.subject, request.config, jobs=request.jobs, done=done
        )
    return found


def _folds(request: Request, gathered: _Gathered) -> list[Fold]:
    """Deal who is answered by whom; no folds when nothing is trained."""
    if request.cross_validate is not None:
        lessons = gathered.lessons or gathered.cases
        key = FOLD_KEYS[request.fold_by]
        return folds(gathered.cases, lessons, key, request.cross_validate)
    if request.train_on:
        return [Fold(held=tuple(gathered.cases), training=tuple(gathered.lessons))]
    return []


def _outcome(
    request: Request, gathered: _Gathered, protocol: Protocol, stage: Stage, notes: list[str]
) -> Outcome:
    learning = Learning(protocol=protocol, with_library=request.with_library)
    dealt = _folds(request, gathered)
    if dealt:
        done = stage(f"{protocol}: training", len(dealt))
        answers = answer_by_folds(dealt, learning, jobs=request.jobs, done=done)
    else:
        done = stage(f"{protocol}: answering", len(gathered.cases))
        answers = answer_all(gathered.cases, protocol, request.subject.ranker(), done=done)
    splits: dict[str, Answers] = {}
    for name in request.splits:
        parts = _parts(request, gathered, name)
        if len(parts) < 2:
            notes.append(f"{protocol}, {name}: there is only one to leave out, so none was.")
            continue
        done = stage(f"{protocol}: {name}", len(parts))
        splits[name] = answer_by_folds(parts, learning, jobs=request.jobs, done=done)
    baselines = {}
    if request.baselines:
        forest = dealt or _forest_folds(gathered)
        baselines = baseline_scores(gathered.cases, protocol, forest)
    return Outcome(protocol=protocol, answers=answers, splits=splits, baselines=baselines)


def _parts(request: Request, gathered: _Gathered, split: str) -> list[Fold]:
    """Deal a split: systems one by one, faults and roots in at most so many folds."""
    lessons = {c.identity.key: c for c in (*gathered.cases, *gathered.lessons)}
    most = len(lessons) if split == "leave-one-system-out" else request.folds
    return folds(gathered.cases, list(lessons.values()), SPLITS[split], most)


def _forest_folds(gathered: _Gathered) -> list[Fold]:
    """Deal the forest's folds: by system where there are several, else by what is not torn."""
    cases = list(gathered.cases)
    by_system = folds(cases, cases, SPLITS["leave-one-system-out"], len(cases))
    return by_system if len(by_system) > 1 else folds(cases, cases, group_of, FOREST_FOLDS)


def _suites(
    asked: Sequence[Collected], outcome: Outcome, request: Request, taught: set[str]
) -> Iterator[dict[str, Any]]:
    known = taught if request.trains else request.subject.systems
    for cases in by_suite(asked).values():
        systems = {c.identity.system for c in cases}
        yield {
            **suite_of(cases, outcome),
            "trained_on": None if known is None else bool(systems & known),
        }


def _described(request: Request) -> str:
    how = (
        f"cross-validated by {request.fold_by} in {request.cross_validate} folds"
        if request.cross_validate is not None
        else "trained on --train-on"
    )
    return f"{how}, with the library" if request.with_library else how
