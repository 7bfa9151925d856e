"""Judged answers and what they sum up to: the figures of one suite, stratum or split.

A case counts whether it was answered or not: no incident, or a root that is not among the
candidates, is a miss. Probabilities are judged where there was an answer.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from models.evaluation import brier, ece, wilson
from models.evaluation_curves import reliability, risk_coverage
from models.evaluation_placement import Placement, expected_ac, expected_mrr

KS: Final = (1, 3, 5)
MOMENTS_S: Final = (30, 60, 120, 300)
"""Seconds after the onset at which it is asked whether the first was right by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What stood first at one moment: seconds since the true onset, and how right it was."""

    seconds: float
    first: str
    right: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One case as it was answered. `placement` is None where the root is not in the answer.

    `family` says whether the root's first pattern is of the true family, None where not known.
    """

    case: str
    truth: tuple[str, ...]
    placement: Placement | None
    answered: bool
    first: str = ""
    confidence: float = 0.0
    p_none: float = 0.0
    abstained: bool = False
    family: bool | None = None
    revisions: int = 0
    moments: tuple[Moment, ...] = ()
    strata: Mapping[str, str] = field(default_factory=dict)

    @property
    def right(self) -> float:
        """Give how right the first was: 1, 0, or a share on ties."""
        return self.placement.hit(1) if self.placement is not None else 0.0


def ranking(placements: Sequence[Placement | None]) -> dict[str, Any]:
    """Sum places up: AC@k, Avg@5, MRR, and the Wilson interval of AC@1."""
    if not placements:
        return {"cases": 0}
    found = {f"ac@{k}": expected_ac(placements, k) for k in KS}
    average = math.fsum(expected_ac(placements, k) for k in range(1, 6)) / 5
    count = len(placements)
    return {
        "cases": count,
        **found,
        "avg@5": average,
        "mrr": expected_mrr(placements),
        "ci95_ac@1": list(wilson(found["ac@1"] * count, count)),
    }


def summary(judged: Sequence[Judged]) -> dict[str, Any]:
    """Sum judged answers up."""
    figures = ranking([j.placement for j in judged])
    answered = [j for j in judged if j.answered]
    said, came = [j.confidence for j in answered], [j.right for j in answered]
    families = [j.family for j in judged if j.family is not None]
    return figures | {
        "ece": ece(said, came),
        "brier": brier(said, came),
        "answered": len(answered),
        "abstained": sum(j.abstained for j in answered),
        "family_accuracy": sum(families) / len(families) if families else math.nan,
        "family_cases": len(families),
    }


def curves(judged: Sequence[Judged]) -> dict[str, Any]:
    """Give the reliability bins and the risk-coverage points."""
    answered = [j for j in judged if j.answered]
    said, came = [j.confidence for j in answered], [j.right for j in answered]
    return {
        "reliability": reliability(said, came),
        "risk_coverage": risk_coverage(said, came, len(judged)),
    }


def times(judged: Sequence[Judged]) -> dict[str, Any]:
    """Say when answers became right and when they settled, in seconds since the true onset.

    First correct is over the cases that ever were right, stable over those that ended right: the
    moment since which the first has not changed.
    """
    first = [s for j in judged if (s := _first_right(j.moments)) is not None]
    stable = [s for j in judged if (s := _stable(j.moments)) is not None]
    revisions = [j.revisions for j in judged if j.revisions]
    return {
        "seconds_to_first_correct": _spread(first),
        "seconds_to_stable": _spread(stable),
        "right_after_s": {str(s): _right_after(judged, s) for s in MOMENTS_S},
        "revisions": _spread([float(r) for r in revisions]),
        "first_changes": _spread([float(_changes(j.moments)) for j in judged if j.moments]),
    }


def _first_right(moments: Sequence[Moment]) -> float | None:
    return next((m.seconds for m in moments if m.right >= 1.0), None)


def _stable(moments: Sequence[Moment]) -> float | None:
    """Find since when the first is what it was in the end, where that is right.

    >>> a, b = (Moment(seconds=s, first=f, right=r) for s, f, r in ((9, "y", 0), (30, "x", 1)))
    >>> _stable((a, b)), _stable((b, a))
    (30, None)
    """
    if not moments or moments[-1].right < 1.0:
        return None
    since = moments[-1].seconds
    for moment in reversed(moments):
        if moment.first != moments[-1].first:
            break
        since = moment.seconds
    return since


def _changes(moments: Sequence[Moment]) -> int:
    return sum(a.first != b.first for a, b in pairwise(moments))


def _right_after(judged: Sequence[Judged], seconds: float) -> float:
    shares = [
        next((m.right for m in reversed(j.moments) if m.seconds <= seconds), 0.0) for j in judged
    ]
    return math.fsum(shares) / len(shares) if shares else math.nan


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Give count, median and 90th percentile (nearest rank).

    >>> _spread([3.0, 1.0, 2.0])
    {'cases': 3, 'median': 2.0, 'p90': 3.0}
    """
    if not values:
        return {"cases": 0, "median": math.nan, "p90": math.nan}
    ordered = sorted(values)
    count = len(ordered)
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2.0
    return {
        "cases": count,
        "median": middle,
        "p90": ordered[min(count - 1, math.ceil(0.9 * count) - 1)],
    }
