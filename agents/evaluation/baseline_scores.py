"""Baselines' scores on the same cases; those that learn from other cases learn here.

The label prior leaves one case out; the forest learns from the folds that it is given. A case
without an incident is a miss for everybody; a baseline that alone has nothing to read guesses.
"""

from collections.abc import Mapping, Sequence

from agents.evaluation.asked import Collected
from agents.evaluation.folds import Fold
from agents.evaluation.judge import Protocol, inquiry_of, place_scores
from models.baselines.counts_forest import Counted, counts_forest, forest
from models.baselines.label_prior import label_prior
from models.baselines.rules import RULES
from models.evaluation_placement import Placement

CaseScores = Mapping[str, Sequence[float]]
"""Scores by the key of the case, in the order of its candidates; absent without input."""


def baseline_scores(
    cases: Sequence[Collected], protocol: Protocol, folds: Sequence[Fold]
) -> dict[str, CaseScores]:
    """Score all faulty cases by every baseline.

    Args:
        cases: All cases that are evaluated, of all suites.
        protocol: Which questions they answer.
        folds: Who may learn from whom; every case is held in one of them.
    """
    asked = [c for c in cases if not c.identity.healthy and inquiry_of(c, protocol) is not None]
    found: dict[str, CaseScores] = {
        name: {c.identity.key: s for c in asked if (s := _rule(c, protocol, name)) is not None}
        for name in RULES
    }
    found["label_prior"] = {
        c.identity.key: s for c in asked if (s := _prior(c, cases, protocol)) is not None
    }
    found["counts_forest"] = _forest(folds, protocol)
    return found


def places(
    cases: Sequence[Collected], protocol: Protocol, scores: CaseScores
) -> list[Placement | None] | None:
    """Place the roots of a suite's cases; None where the baseline had no input in any of them."""
    if not any(case.identity.key in scores for case in cases):
        return None
    found: list[Placement | None] = []
    for case in cases:
        inquiry = inquiry_of(case, protocol)
        if inquiry is None:
            found.append(None)
            continue
        flat = [0.0] * len(inquiry.last.candidates)
        own = scores.get(case.identity.key, flat)
        found.append(place_scores(inquiry.last, own, case.identity.right_answers(protocol)))
    return found


def _rule(case: Collected, protocol: Protocol, name: str) -> Sequence[float] | None:
    inquiry = inquiry_of(case, protocol)
    return inquiry.scores.get(name) if inquiry is not None else None


def _prior(
    case: Collected, cases: Sequence[Collected], protocol: Protocol
) -> Sequence[float] | None:
    inquiry = inquiry_of(case, protocol)
    assert inquiry is not None, "only cases with a question are scored"
    names = [c.component.name for c in inquiry.last.candidates]
    others = [
        root
        for other in cases
        if other is not case and other.identity.system == case.identity.system
        for root in other.identity.roots
    ]
    scores = label_prior(names, others)
    return [scores[name] for name in names] if scores is not None else None


def _forest(folds: Sequence[Fold], protocol: Protocol) -> dict[str, Sequence[float]]:
    found: dict[str, Sequence[float]] = {}
    for fold in folds:
        training = [counted for case in fold.training if (counted := _counted(case, protocol))]
        fitted = forest(training)
        for case in fold.held:
            counted = _counted(case, protocol)
            if fitted is not None and counted is not None:
                found[case.identity.key] = counts_forest(fitted, counted.features)
    return found


def _counted(case: Collected, protocol: Protocol) -> Counted | None:
    inquiry = inquiry_of(case, protocol)
    if case.identity.healthy or inquiry is None or inquiry.counts is None:
        return None
    names = [c.component.name for c in inquiry.last.candidates]
    roots = tuple(i for i, name in enumerate(names) if name in case.identity.roots)
    return Counted(features=inquiry.counts, roots=roots)
