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
from models.features import FEATURES, percentiles, vectors
from models.readings import Array
from schemas.candidate import Candidate, Question
from schemas.component import ComponentKind
from schemas.evidence import EVIDENCE_KINDS

_SUFFIX: Final = ":percentile"
_COLUMNS: Final = tuple(i for i, n in enumerate(FEATURES.names) if n.endswith(_SUFFIX))
_MEASURES: Final = tuple(FEATURES.names[i].removesuffix(_SUFFIX) for i in _COLUMNS)
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
        measures=vectors(question)[place, _COLUMNS],
        evidence=_evidence(candidates)[place],
        measured=any(c.measures for c in candidates),
    )


def _evidence(candidates: Sequence[Candidate]) -> Array:
    places = {kind: place for place, kind in enumerate(EVIDENCE_KINDS)}
    strengths = np.zeros((len(candidates), len(places)))
    for row, candidate in enumerate(candidates):
        for item in candidate.evidence:
            if item.supports:
                column = places[item.kind]
                strengths[row, column] = max(strengths[row, column], item.strength)
    columns = [percentiles(strengths[:, i], 0.0) for i in range(strengths.shape[1])]
    return np.column_stack(columns)


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
