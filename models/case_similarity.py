"""The past cases that an incident's candidate resembles: cosine over percentile-coded signatures.

A signature says which measures and which evidence set a component apart within its own incident,
not how large they were, so that cases of other systems compare. Only cases whose root is of the
same kind of component are looked at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.case_library import Case
from models.cases import CaseRow
from models.features import percentiles
from models.readings import READINGS, Array
from schemas.candidate import Candidate, Question
from schemas.component import ComponentKind
from schemas.evidence import EVIDENCE_KINDS

_MEASURES: Final = tuple(reading.name for reading in READINGS)
_SHARED: Final = 5
_DECIMALS: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What sets one candidate apart: percentiles of its measures, and of its evidence.

    `measured` is false where only evidence is known, as of a published incident.
    """

    kind: ComponentKind
    measures: Array
    evidence: Array
    measured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """A past case, how alike it is (0 to 1), and what the two share most, most first."""

    case: Case
    similarity: float
    shared: tuple[str, ...]


def signature_of(question: Question, component: str) -> Signature:
    """Describe one candidate of a question.

    Raises:
        KeyError: the component is not among the candidates.
    """
    names = [c.component.name for c in question.candidates]
    if component not in names:
        raise KeyError(component)
    return _signature(question, names.index(component))


def similar(cases: Iterable[Case], wanted: Signature, limit: int) -> tuple[Nearest, ...]:
    """Find the cases whose root is most like a signature, the most alike first.

    Of equal ones the first by source, system and name comes first. Worked: roots that stand out
    in the same three measures and no other have similarity 1, whatever the systems' scales.
    """
    found = []
    for case in cases:
        root = _root_of_kind(case.last, wanted.kind)
        if root is not None:
            known = _signature(case.last.question(), root)
            score, shared = _compare(wanted, known)
            if score > 0.0:
                found.append(Nearest(case=case, similarity=score, shared=shared))
    return tuple(sorted(found, key=lambda n: -n.similarity)[:limit])


def _root_of_kind(row: CaseRow, kind: ComponentKind) -> int | None:
    if row.root is None or row.candidates[row.root].kind is not kind:
        return None
    return row.root


def _signature(question: Question, place: int) -> Signature:
    candidates = question.candidates
    return Signature(
        kind=candidates[place].component.kind,
        measures=_measures(candidates, place),
        evidence=_evidence(candidates, place),
        measured=any(c.measures for c in candidates),
    )


def _measures(candidates: Sequence[Candidate], place: int) -> Array:
    """Give the percentiles of models/features.py for one candidate alone."""
    found = np.zeros(len(READINGS))
    own = candidates[place].measures
    for column, reading in enumerate(READINGS):
        raw = own.get(reading.measure)
        if raw is not None and reading.read(np.array([raw]))[0] > reading.quiet:
            all_raw = np.array([c.measures.get(reading.measure, np.nan) for c in candidates])
            found[column] = percentiles(reading.read(all_raw), reading.quiet)[place]
    return found


def _evidence(candidates: Sequence[Candidate], place: int) -> Array:
    strengths = [_strengths(candidate) for candidate in candidates]
    found = np.zeros(len(EVIDENCE_KINDS))
    for column, kind in enumerate(EVIDENCE_KINDS):
        if kind in strengths[place]:
            shown = np.array([each.get(kind, 0.0) for each in strengths])
            found[column] = percentiles(shown, 0.0)[place]
    return found


def _strengths(candidate: Candidate) -> dict[str, float]:
    strengths: dict[str, float] = {}
    for item in candidate.evidence:
        if item.supports:
            strengths[item.kind] = max(strengths.get(item.kind, 0.0), item.strength)
    return strengths


def _compare(one: Signature, other: Signature) -> tuple[float, tuple[str, ...]]:
    """Give the cosine over what is known of both, and the names that make it up."""
    parts, names = [(one.evidence, other.evidence)], list(EVIDENCE_KINDS)
    if one.measured and other.measured:
        parts.append((one.measures, other.measures))
        names += _MEASURES
    left = np.concatenate([part for part, _ in parts])
    right = np.concatenate([part for _, part in parts])
    length = float(np.linalg.norm(left) * np.linalg.norm(right))
    if length == 0.0:
        return 0.0, ()
    products = left * right
    order = np.argsort(-products, kind="stable")[:_SHARED]
    shared = tuple(names[i] for i in order if products[i] > 0.0)
    return round(float(products.sum()) / length, _DECIMALS), shared
