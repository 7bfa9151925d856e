"""Which pattern fits a suspected component: P(pattern | this component is the root cause).

Every pattern for the component's kind is scored against the evidence, and a softmax that also
holds "none of the catalogue" turns scores into probabilities. They are low where patterns look
alike from outside, and should be.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from models.pattern_catalogue import Catalogue, Pattern
from schemas.candidate import Candidate, Evidence, PatternMatch

SHOWN: Final = 3
PRESENT: Final = 0.1
"""Evidence weaker than this does not count as matching a required kind."""
DETAIL_LIMIT: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternSoftmax:
    """P(pattern) ~ exp(score / temperature), with exp(other / temperature) for none of them."""

    temperature: float = 0.1
    other: float = 0.3


def strengths(evidence: tuple[Evidence, ...]) -> dict[str, float]:
    """Sum evidence up: for each kind the strongest for, less the strongest against, at least 0."""
    pro: dict[str, float] = {}
    con: dict[str, float] = {}
    for item in evidence:
        side = pro if item.supports else con
        side[item.kind] = max(side.get(item.kind, 0.0), min(max(item.strength, 0.0), 1.0))
    return {kind: max(value - con.get(kind, 0.0), 0.0) for kind, value in pro.items()}


def fit(pattern: Pattern, shown: Mapping[str, float], telling: Mapping[str, float]) -> float:
    """Score a signature against evidence strengths, in [-0.3, 1].

    0.6 * (weighted mean strength of the required, half-weighted the two best optional kinds)
    + 0.4 * (weighted share of all the evidence that the signature speaks of)
    - 0.3 * (strongest contradictor). Weights say how telling a kind is (`telling`); 0 is returned
    unless `min_match` required kinds show. Worked, all weights 1: required pool_saturated at 1.0,
    optional holder_dominant at 0.5, evidence also alert_symptom at 1.0, not in the signature:
    0.6 * (1 + 0.25) / 1.5 + 0.4 * 1.5 / 2.5 = 0.74.
    """
    signature = pattern.signature
    met = 0
    for kind in signature.required:  # most of hundreds of patterns end here
        met += shown.get(kind, 0.0) >= PRESENT
    if met < signature.min_match:
        return 0.0
    pairs = [(telling[kind], shown.get(kind, 0.0)) for kind in signature.required]
    optional = [(telling[k] / 2, shown.get(k, 0.0)) for k in signature.optional]
    pairs += sorted(optional, key=lambda pair: (-pair[0] * pair[1], pair[0]))[:2]
    matched = sum(w * s for w, s in pairs) / sum(w for w, _ in pairs)
    spoken = {*signature.required, *signature.optional}
    weighed = {kind: telling.get(kind, 0.2) * s for kind, s in shown.items()}
    everything = math.fsum(weighed.values())
    told = math.fsum(v for kind, v in weighed.items() if kind in spoken)
    against = max((shown.get(kind, 0.0) for kind in pattern.contradictors), default=0.0)
    return 0.6 * matched + 0.4 * (told / everything if everything else 0.0) - 0.3 * against


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a candidate's evidence names: all its words, lower-case, and kinds of changes."""

    text: str
    change_kinds: frozenset[str]


def named_by(evidence: tuple[Evidence, ...]) -> Named:
    """Collect what evidence names, once for all patterns."""
    kinds = {item.details["change_kind"] for item in evidence if "change_kind" in item.details}
    return Named(text=evidence_text(evidence), change_kinds=frozenset(kinds))


def hints(pattern: Pattern, named: Named) -> float:
    """Adjust a score by what evidence names: products, alert rules, kinds of change.

    +0.1 when a product that the pattern is about (markers) is named, -0.2 when it is about one
    and none is; +0.1 when a rule that typically fires is named; +0.1 when a change was of a kind
    that causes it, -0.2 when the pattern needs a change and those there were of other kinds.
    """
    total = 0.0
    if pattern.markers:
        total += 0.1 if any(marker in named.text for marker in pattern.markers) else -0.2
    if any(rule.lower() in named.text for rule in pattern.typical_alert_rules):
        total += 0.1
    if any(kind.value in named.change_kinds for kind in pattern.change_kinds):
        total += 0.1
    elif named.change_kinds and "change_recent" in pattern.signature.required:
        total -= 0.2
    return total


def scores(candidate: Candidate, catalogue: Catalogue) -> list[tuple[float, Pattern]]:
    """Score every pattern that a component of its kind can have and whose signature shows."""
    shown, named = strengths(candidate.evidence), named_by(candidate.evidence)
    telling = catalogue.telling[candidate.component.kind]
    scored = []
    for pattern in catalogue.of_kind(candidate.component.kind):
        value = fit(pattern, shown, telling)
        if value > 0.0:
            scored.append((value + hints(pattern, named), pattern))
    return sorted(scored, key=lambda pair: (-pair[0], pair[1].id))


def match(
    candidate: Candidate, catalogue: Catalogue, softmax: PatternSoftmax
) -> tuple[PatternMatch, ...]:
    """Name the best patterns for a candidate, each with P(pattern | it is the root cause)."""
    scored = scores(candidate, catalogue)
    terms = [math.exp(value / softmax.temperature) for value, _ in scored]
    total = math.fsum([math.exp(softmax.other / softmax.temperature), *terms])
    return tuple(
        PatternMatch(
            pattern=pattern.id,
            family=pattern.family,
            title=title(pattern, candidate.evidence),
            probability=term / total,
            first_actions=pattern.first_actions,
        )
        for term, (_, pattern) in list(zip(terms, scored, strict=True))[:SHOWN]
    )


def title(pattern: Pattern, evidence: tuple[Evidence, ...]) -> str:
    """Fill the first title that names a detail which the evidence has; else the plain one."""
    strongest = sorted(evidence, key=lambda item: -item.strength)
    for detail, template in pattern.title_with.items():
        for item in strongest:
            value = item.details.get(detail, "")
            if item.supports and value:
                return template.replace(f"{{{detail}}}", value[:DETAIL_LIMIT])
    return pattern.title


def evidence_text(evidence: tuple[Evidence, ...]) -> str:
    """Join all that evidence says in words, lower-case: statements, details, references."""
    return " ".join(
        part
        for item in evidence
        for part in (item.statement, *item.details.values(), *(r.id for r in item.references))
    ).lower()
