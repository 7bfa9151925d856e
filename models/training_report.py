"""What training reports: figures per split, per fault and per moment, beside the baselines'."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from models.calibration import Calibration, posterior
from models.calibration_fit import fit_calibration
from models.cases import CaseRow
from models.conditional_logit import Integers
from models.evaluation import ac_at_k, avg_at_k, brier, chance_at_k, ece, mrr, rank_of, wilson
from models.unseen import Unseen

MOMENTS: Final = ((0, 20), (20, 40), (40, 80), (80, 160), (160, math.inf))
"""Seconds since the first alert, in which early firings are judged apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One question as it was answered, and what was true. A root not listed has rank infinity."""

    row: CaseRow
    rank: float
    top: float
    correct: bool
    none: float
    final: bool


def cross_calibrated(unseen: Unseen, folds: Integers) -> list[Calibration]:
    """Fit for each question a calibration that has not seen its fold."""
    fitted = {
        fold: fit_calibration(unseen.only(np.flatnonzero(folds != fold)))
        for fold in np.unique(folds).tolist()
    }
    return [fitted[fold] for fold in folds.tolist()]


def predictions(
    rows: Sequence[CaseRow], unseen: Unseen, calibrations: Sequence[Calibration]
) -> list[Prediction]:
    """Turn scores into judged answers, in the order of the rows."""
    last: dict[str, float] = {}
    for row in rows:
        last[row.case] = max(last.get(row.case, 0.0), row.elapsed_s)
    ends = np.append(unseen.starts[1:], unseen.scores.size)
    result = []
    for i, row in enumerate(rows):
        scores = unseen.scores[unseen.starts[i] : ends[i]]
        said = posterior(
            scores, float(unseen.outside[i]), float(unseen.elapsed[i]), calibrations[i]
        )
        rank = math.inf if row.root is None else rank_of(scores.tolist(), row.root)
        result.append(
            Prediction(
                row=row,
                rank=rank,
                top=max(said.candidates),
                correct=rank == 1.0,
                none=said.none,
                final=row.elapsed_s == last[row.case],
            )
        )
    return result


def summary(made: Sequence[Prediction]) -> dict[str, Any]:
    """Sum answers up. Cases without a root count in the probabilities, not in the ranks."""
    rooted = [p for p in made if p.row.root is not None]
    rootless = [p for p in made if p.row.root is None]
    ranks = [p.rank for p in rooted]
    figures: dict[str, Any] = {"questions": len(made), "cases": len({p.row.case for p in made})}
    if rooted:
        hits = sum(p.correct for p in rooted)
        figures |= {
            "ac@1": ac_at_k(ranks, 1),
            "ci95_ac@1": list(wilson(hits, len(rooted))),
            "ac@3": ac_at_k(ranks, 3),
            "ac@5": ac_at_k(ranks, 5),
            "avg@5": avg_at_k(ranks, 5),
            "mrr": mrr(ranks),
            "p_none": float(np.mean([p.none for p in rooted])),
        }
    if rootless:
        figures["none_recall"] = sum(p.none > 0.5 for p in rootless) / len(rootless)
    tops, right = [p.top for p in made], [p.correct for p in made]
    return figures | {"ece": ece(tops, right), "brier": brier(tops, right)}


def tables(made: Sequence[Prediction]) -> dict[str, Any]:
    """Report the last answer of every case, by fault and root kind too, and the early ones."""
    final = [p for p in made if p.final]
    return {
        "final": summary(final),
        "by_fault": _by(final, lambda p: p.row.fault),
        "by_root_kind": _by(final, _root_kind),
        "by_elapsed_s": {
            f"{low}-{high}": summary(part)
            for low, high in MOMENTS
            if (part := [p for p in made if low <= p.row.elapsed_s < high])
        },
    }


def chance(made: Iterable[Prediction]) -> dict[str, float]:
    """Report what guessing has on the last answers."""
    counts = [len(p.row.candidates) for p in made if p.final and p.row.root is not None]
    return {f"ac@{k}": chance_at_k(counts, k) for k in (1, 3, 5)}


def rounded(document: Any) -> Any:
    """Round every number in a report to four decimals."""
    if isinstance(document, dict):
        return {key: rounded(value) for key, value in document.items()}
    if isinstance(document, list):
        return [rounded(value) for value in document]
    if isinstance(document, float):
        return round(document, 4) if math.isfinite(document) else None
    return document


def _root_kind(prediction: Prediction) -> str:
    root = prediction.row.root
    return "none" if root is None else prediction.row.candidates[root].kind.value


def _by(made: Sequence[Prediction], key: Callable[[Prediction], str]) -> dict[str, Any]:
    return {
        group: summary([p for p in made if key(p) == group])
        for group in sorted({key(p) for p in made})
    }
