"""Training rows: what the core asked at one moment of a case, with the verdict.

A row keeps measures, evidence and component kinds; names are gone (candidates are c0, c1, ...).
The texts of models/case_rows.py make files of them, so training needs no simulator and no Kafka.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

from models.pattern_catalogue import Catalogue
from models.pattern_match import evidence_text
from schemas.candidate import Candidate, Evidence, Question
from schemas.component import Component, ComponentKind

SOURCES = ("real", "injected", "simulated")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseCandidate:
    """A candidate without its name. `evidence` is kind -> strength, negative when against.

    `words` are what the pattern catalogue looks for in evidence texts and was found in this
    candidate's; `change_kinds` the kinds of the changes that its evidence names.
    """

    kind: ComponentKind
    measures: Mapping[str, float]
    evidence: Mapping[str, float] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    change_kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLabel:
    """The verdict on a case, and which groups it may not be torn from in cross-validation.

    `root` is None when nothing was wrong, or nobody among the components of the environment.
    """

    case: str
    topology: str
    fault: str
    seed: int
    source: str
    pattern: str = ""
    root: Component | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One question with its answer: `root` is an index into `candidates`, or none of them."""

    case: str
    topology: str
    fault: str
    seed: int
    source: str
    elapsed_s: float
    candidates: tuple[CaseCandidate, ...]
    context: Mapping[str, float]
    root: int | None
    pattern: str = ""

    def question(self) -> Question:
        """Give the question as a ranker takes it."""
        return Question(
            incident_id=self.case,
            at_ms=int(self.elapsed_s * 1000),
            candidates=tuple(_candidate(i, c) for i, c in enumerate(self.candidates)),
            context=self.context,
        )


def row_of(question: Question, label: CaseLabel, catalogue: Catalogue) -> CaseRow:
    """Make a row of a question that the core asked and what is known to be true."""
    ordered = sorted(question.candidates, key=lambda c: c.component)
    names = [c.component.name for c in ordered]
    words = catalogue.words
    root = label.root.name if label.root is not None else None
    return CaseRow(
        case=label.case,
        topology=label.topology,
        fault=label.fault,
        seed=label.seed,
        source=label.source,
        elapsed_s=question.context.get("elapsed_s", 0.0),
        candidates=tuple(_anonymous(c, words) for c in ordered),
        context=dict(question.context),
        root=names.index(root) if root in names else None,
        pattern=label.pattern,
    )


def _anonymous(candidate: Candidate, words: tuple[str, ...]) -> CaseCandidate:
    evidence: dict[str, float] = {}
    for item in candidate.evidence:
        signed = item.strength if item.supports else -item.strength
        if abs(signed) > abs(evidence.get(item.kind, 0.0)):
            evidence[item.kind] = signed
    text = evidence_text(candidate.evidence)
    kinds = {e.details["change_kind"] for e in candidate.evidence if "change_kind" in e.details}
    return CaseCandidate(
        kind=candidate.component.kind,
        measures={m: v for m, v in sorted(candidate.measures.items()) if isfinite(v)},
        evidence=dict(sorted(evidence.items())),
        words=tuple(word for word in words if word in text),
        change_kinds=tuple(sorted(kinds)),
    )


def _candidate(index: int, candidate: CaseCandidate) -> Candidate:
    evidence = [
        Evidence(kind=kind, strength=abs(value), statement="", supports=value > 0)
        for kind, value in candidate.evidence.items()
    ]
    # What was named goes into evidence that says nothing by itself.
    evidence += [
        Evidence(kind="quiet", strength=0.0, statement=word, supports=False)
        for word in candidate.words
    ]
    evidence += [
        Evidence(
            kind="quiet",
            strength=0.0,
            statement="",
            supports=False,
            details={"change_kind": kind},
        )
        for kind in candidate.change_kinds
    ]
    return Candidate(
        component=Component(name=f"c{index}", kind=candidate.kind),
        measures=candidate.measures,
        evidence=tuple(evidence),
    )
