"""One evaluation from its folders to its figures: collect, learn if asked to, answer, sum up."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from agents.evaluation.ablation import fold_without, without_block
from agents.evaluation.answering import Answers, Learning, answer_by_folds
from agents.evaluation.asked import Collected
from agents.evaluation.baseline_scores import CaseScores, baseline_scores
from agents.evaluation.folds import FOLD_KEYS, SPLITS, Fold, folds, group_of
from agents.evaluation.judge import Protocol, answered
from agents.evaluation.material import Material, material_of
from agents.evaluation.request import Request, Stage
from agents.evaluation.stress import FAULTS, chosen, perturbed, storms
from agents.evaluation.suites import Outcome, by_suite, suite_of
from models.perturbation import PERTURBATIONS

FOREST_FOLDS = 5
SYSTEM_FOLDS = 10


def evaluate(request: Request, stage: Stage) -> dict[str, Any]:
    """Evaluate, and give everything that is printed, drawn or written down.

    Raises:
        EvaluationError: there is nothing to evaluate, or it would mean nothing.
    """
    began = time.monotonic()
    material = material_of(request, stage)
    suites: list[dict[str, Any]] = []
    notes: list[str] = []
    for protocol in request.protocols:
        asked = [c for c in material.cases if protocol == "online" or c.published is not None]
        if asked:
            part = replace(material, cases=asked)
            outcome = _outcome(request, part, protocol, stage, notes)
            suites += _suites(outcome, request, part)
    return {
        "model": request.described,
        "suites": suites,
        "onset_error_s": request.onset_error_s,
        "recordings": len(material.cases),
        "messages_rejected": sum(c.rejected for c in material.cases),
        **_stressed(request, material, stage),
        "notes": notes,
        "wall_seconds": time.monotonic() - began,
    }


def _outcome(
    request: Request, material: Material, protocol: Protocol, stage: Stage, notes: list[str]
) -> Outcome:
    learning = Learning(protocol=protocol, with_library=request.with_library)
    dealt = _folds(request, material)
    if dealt:
        done = stage(f"{protocol}: training", len(dealt))
        answers = answer_by_folds(dealt, learning, jobs=request.jobs, done=done)
    else:
        keys = [case.identity.key for case in material.cases]
        answers = {key: material.answers[key][protocol] for key in keys}
    splits: dict[str, Answers] = {}
    for name in request.splits:
        parts = _parts(request, material, name)
        if len(parts) < 2:
            notes.append(f"{protocol}, {name}: there is only one to leave out, so none was.")
            continue
        done = stage(f"{protocol}: {name}", len(parts))
        splits[name] = answer_by_folds(parts, learning, jobs=request.jobs, done=done)
    baselines: dict[str, CaseScores] = {}
    if request.baselines:
        forest = dealt or _forest_folds(material)
        baselines = baseline_scores(material.cases, protocol, forest)
    return Outcome(
        protocol=protocol,
        answers=answers,
        splits=splits,
        baselines=baselines,
        without=_without(request, material, learning, dealt, stage),
    )


def _without(
    request: Request, material: Material, learning: Learning, dealt: Sequence[Fold], stage: Stage
) -> dict[str, Answers]:
    """Have every case answered again without each block, by who was trained without it as well."""
    found: dict[str, Answers] = {}
    rank = request.subject.ranker()
    for block in request.without:
        done = stage(f"{learning.protocol}: without {block}", max(len(dealt), 1))
        if dealt:
            parts = [fold_without(fold, block) for fold in dealt]
            found[block] = answer_by_folds(parts, learning, jobs=request.jobs, done=done)
        else:
            less = (without_block(case, block) for case in material.cases)
            found[block] = {c.identity.key: answered(c, learning.protocol, rank) for c in less}
            done()
    return found


def _folds(request: Request, material: Material) -> list[Fold]:
    """Deal who is answered by whom; no folds when nothing is trained."""
    if request.cross_validate is not None:
        lessons = material.lessons or material.cases
        key = FOLD_KEYS[request.fold_by]
        return folds(material.cases, lessons, key, request.cross_validate)
    if request.train_on:
        return [Fold(held=tuple(material.cases), training=tuple(material.lessons))]
    return []


def _parts(request: Request, material: Material, split: str) -> list[Fold]:
    """Deal a split: one by one while there are folds enough, else several left out together."""
    lessons = {c.identity.key: c for c in (*material.cases, *material.lessons)}
    return folds(material.cases, list(lessons.values()), SPLITS[split], request.folds)


def _forest_folds(material: Material) -> list[Fold]:
    """Deal the forest's folds: by system where there are several, else by what is not torn."""
    cases: Sequence[Collected] = material.cases
    by_system = folds(cases, cases, SPLITS["leave-one-system-out"], SYSTEM_FOLDS)
    return by_system if len(by_system) > 1 else folds(cases, cases, group_of, FOREST_FOLDS)


def _suites(outcome: Outcome, request: Request, material: Material) -> Iterator[dict[str, Any]]:
    known: frozenset[str] | set[str] | None = request.subject.systems
    if request.trains:
        known = {c.identity.system for f in _folds(request, material) for c in f.training}
    for cases in by_suite(material.cases).values():
        systems = {c.identity.system for c in cases}
        yield {
            **suite_of(cases, outcome),
            "trained_on": None if known is None else bool(systems & known),
        }


def _stressed(request: Request, material: Material, stage: Stage) -> dict[str, Any]:
    """Measure storms and perturbations, where they are asked for."""
    found: dict[str, Any] = {}
    suites = by_suite(material.cases)
    if request.storms:
        everything = {
            suite: [material.folders[c.identity.key] for c in cases]
            for suite, cases in suites.items()
        }
        done = stage("grouping storms", len(everything) * len(FAULTS))
        found["grouping"] = storms(everything, request.config, jobs=request.jobs, done=done)
    if request.perturb:
        few = {
            suite: [material.folders[c.identity.key] for c in chosen(cases, request.perturb)]
            for suite, cases in suites.items()
        }
        done = stage("perturbing", len(few) * len(PERTURBATIONS))
        found["perturbations"] = perturbed(
            few, request.subject, request.config, jobs=request.jobs, done=done
        )
    return found
