"""What the core asks the ranker, and what it answers: the one contract between the two.

The core measures (`Candidate.measures`, raw numbers, absent where there is no data) and collects
evidence; the ranker normalises, weighs and calibrates. Neither imports the other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from schemas.component import Component


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a piece of evidence rests on: an alert fingerprint, a series id, a trace id, ..."""

    kind: str  # alert | series | trace | change | edge
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One typed reason for (or, `supports=False`, against) a candidate.

    `kind` is from the closed set of schemas/evidence.py; `strength` in [0, 1]; `statement` is one
    sentence for people; `details` hold what it names (a holder, a statement, a version).
    """

    kind: str
    strength: float
    statement: str
    supports: bool = True
    references: tuple[Reference, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A component suspected for an incident, with what was measured of it.

    `measures` are raw numbers by the names of schemas/measures.py; a missing name means that there
    was no data, which is not the same as zero.
    """

    component: Component
    measures: Mapping[str, float]
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One incident at one moment: who of these is the root cause?"""

    incident_id: str
    at_ms: int
    candidates: tuple[Candidate, ...]
    context: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternMatch:
    """A pattern that fits a candidate; `probability` is P(pattern given this root)."""

    pattern: str
    family: str
    title: str
    probability: float
    first_actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A candidate's place: a calibrated probability and the named contributions behind it."""

    component: Component
    probability: float
    score: float
    patterns: tuple[PatternMatch, ...] = ()
    contributions: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The answer: candidates best first, with `p_none` left for "none of these".

    Probabilities and `p_none` sum to 1. When `abstained`, `reason` says why, and the order is
    still the best guess.
    """

    ranked: tuple[Ranked, ...]
    p_none: float
    abstained: bool
    reason: str
    model_version: str


Ranker = Callable[[Question], Diagnosis]
