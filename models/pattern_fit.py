"""Fitting how sure the pattern match may be, and measuring it, on roots whose pattern is known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.cases import CaseRow
from models.pattern_catalogue import Catalogue
from models.pattern_match import PatternSoftmax, scores

_TEMPERATURES = tuple(round(0.02 * 1.25**step, 4) for step in range(18))
_OTHERS = tuple(round(0.1 * step, 1) for step in range(9))


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The patterns of one true root, best first, with the true one."""

    patterns: tuple[str, ...]
    scores: tuple[float, ...]
    truth: str


def matched(rows: Sequence[CaseRow], catalogue: Catalogue) -> list[Matched]:
    """Match the true root of every row whose pattern is known and in the catalogue."""
    result = []
    for row in rows:
        if row.root is None or catalogue.find(row.pattern) is None:
            continue
        scored = scores(row.question().candidates[row.root], catalogue)
        result.append(
            Matched(
                patterns=tuple(pattern.id for _, pattern in scored),
                scores=tuple(value for value, _ in scored),
                truth=row.pattern,
            )
        )
    return result


def fit_patterns(cases: Sequence[Matched]) -> PatternSoftmax:
    """Choose temperature and the level of "none of the catalogue" by likelihood, on a grid."""
    if not cases:
        return PatternSoftmax()
    grid = [PatternSoftmax(temperature=t, other=o) for t in _TEMPERATURES for o in _OTHERS]
    return min(grid, key=lambda softmax: math.fsum(_surprise(case, softmax) for case in cases))


def figures(cases: Sequence[Matched]) -> dict[str, Any]:
    """Say how often the true pattern, and its family, come first, given the true root."""
    if not cases:
        return {"cases": 0}
    first = [case.patterns[0] if case.patterns else "" for case in cases]
    count = len(cases)
    return {
        "cases": count,
        "pattern@1": sum(f == c.truth for f, c in zip(first, cases, strict=True)) / count,
        "pattern@3": sum(c.truth in c.patterns[:3] for c in cases) / count,
        "family@1": sum(
            f.split(".")[0] == c.truth.split(".")[0] for f, c in zip(first, cases, strict=True)
        )
        / count,
    }


def _surprise(case: Matched, softmax: PatternSoftmax) -> float:
    values = [value / softmax.temperature for value in case.scores]
    other = softmax.other / softmax.temperature
    top = max([other, *values])
    total = top + math.log(math.fsum(math.exp(value - top) for value in [other, *values]))
    if case.truth not in case.patterns:
        return total - other
    return total - values[case.patterns.index(case.truth)]
