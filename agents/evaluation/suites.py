"""Sums judged cases up by suite and protocol into the one object that is printed and drawn.

Never only pooled: each suite, and each stratum and split within it, has figures of its own.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.evaluation.answering import Answers
from agents.evaluation.asked import Collected
from agents.evaluation.baseline_scores import CaseScores, places
from agents.evaluation.folds import group_of
from agents.evaluation.judge import Calm, Protocol
from models.evaluation_bootstrap import cluster_interval
from models.evaluation_placement import Placement
from models.evaluation_summary import Judged, curves, ranking, summary, times

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one protocol: answers by case, those of each split, baselines' scores.

    `without` holds the answers to questions without a block of measures, by the block.
    """

    protocol: Protocol
    answers: Answers
    splits: Mapping[str, Answers]
    baselines: Mapping[str, CaseScores]
    without: Mapping[str, Answers] = field(default_factory=dict)


def by_suite(cases: Iterable[Collected]) -> dict[str, list[Collected]]:
    """Group recordings by suite, in the order of names."""
    found: dict[str, list[Collected]] = defaultdict(list)
    for case in cases:
        found[case.identity.suite].append(case)
    return dict(sorted(found.items()))


def suite_of(cases: Sequence[Collected], outcome: Outcome) -> dict[str, Any]:
    """Lay out one suite under one protocol."""
    answers = _judged(cases, outcome.answers)
    systems = sorted({c.identity.system for c in cases})
    found: dict[str, Any] = {
        "suite": cases[0].identity.suite,
        "system": systems[0] if len(systems) == 1 else f"{len(systems)} systems",
        "protocol": outcome.protocol,
        **summary(answers),
        "ci95_ac@1_clusters": list(cluster_interval(_hits(answers), _clusters(cases))),
        **curves(answers),
        "healthy": _healthy(cases, outcome.answers, outcome.protocol),
        "strata": strata(answers),
        "splits": {
            name: {
                **summary(_judged(cases, answered)),
                "healthy": _healthy(cases, answered, outcome.protocol),
                "strata": strata(_judged(cases, answered)),
            }
            for name, answered in outcome.splits.items()
        },
        "without": {
            block: summary(_judged(cases, answered)) for block, answered in outcome.without.items()
        },
        "failures": failures(answers),
    }
    if outcome.protocol == "online":
        found |= {**times(answers), "before_faults": _before_faults(cases)}
    if outcome.baselines:
        found |= _beside(cases, answers, outcome)
    return found


def _judged(cases: Sequence[Collected], answers: Answers) -> list[Judged]:
    found = (answers[c.identity.key] for c in cases if c.identity.key in answers)
    return [a for a in found if isinstance(a, Judged)]


def _healthy(cases: Sequence[Collected], answers: Answers, protocol: Protocol) -> dict[str, Any]:
    """Count what was raised and who was blamed while nothing was wrong.

    A false incident was opened; `blaming` are those in which somebody was blamed, the others only
    ever abstained. Specificity is the share of healthy recordings in which nobody was blamed. Of
    given windows no hours count: nobody listened, so that no incident could open.
    """
    calm = {
        c.identity.key: (c.identity, answer)
        for c in cases
        if isinstance(answer := answers.get(c.identity.key), Calm) and answer.asked
    }
    heard = [i for i, _ in calm.values()] if protocol == "online" else []
    hours = math.fsum(i.time_scale * (i.end_ms - i.start_ms) / HOUR_MS for i in heard)
    raised = sum(answer.raised for _, answer in calm.values())
    blaming = sum(answer.blamed for _, answer in calm.values())
    blamed = sum(answer.blamed > 0 for _, answer in calm.values())
    return {
        "recordings": len(calm),
        "hours": hours,
        "false_incidents": raised,
        "per_day": raised / hours * 24 if hours else math.nan,
        "blaming": blaming,
        "blaming_per_day": blaming / hours * 24 if hours else math.nan,
        "specificity": 1.0 - blamed / len(calm) if calm else math.nan,
    }


def _before_faults(cases: Sequence[Collected]) -> dict[str, Any]:
    """Count the incidents that ended before the fault began: healthy time as well, if short."""
    faulty = [c for c in cases if not c.identity.healthy]
    pairs = [
        (c.identity.time_scale, c.identity.fault_start_ms - c.identity.start_ms) for c in faulty
    ]
    hours = math.fsum(scale * span / HOUR_MS for scale, span in pairs)
    raised = sum(c.noise for c in faulty)
    return {
        "hours": hours,
        "false_incidents": raised,
        "per_day": raised / hours * 24 if hours else math.nan,
    }


def strata(answers: Sequence[Judged]) -> dict[str, Any]:
    """Sum up each stratum, named like symptom=latency."""
    parts: dict[str, list[Judged]] = defaultdict(list)
    for answer in answers:
        for name, value in answer.strata.items():
            parts[f"{name}={value}"].append(answer)
    return {name: summary(part) for name, part in sorted(parts.items())}


def failures(answers: Sequence[Judged]) -> list[dict[str, Any]]:
    """List the cases whose root was not first, with what was said instead."""
    return [
        {
            "case": answer.case,
            "truth": list(answer.truth),
            "answer": answer.first or None,
            "rank": answer.placement.rank if answer.placement is not None else None,
            "confidence": answer.confidence,
            "abstained": answer.abstained,
            "why": _why(answer),
        }
        for answer in answers
        if answer.right < 1.0
    ]


def _why(answer: Judged) -> str:
    if not answer.answered:
        return "no incident"
    return "root is no candidate" if answer.placement is None else "another is first"


def _beside(
    cases: Sequence[Collected], answers: Sequence[Judged], outcome: Outcome
) -> dict[str, Any]:
    """Lay out the baselines, and the cases that the latency control misses."""
    faulty = [c for c in cases if not c.identity.healthy]
    found = {
        name: places(faulty, outcome.protocol, scores)
        for name, scores in outcome.baselines.items()
    }
    control = found["latency_ratio"]
    return {
        "baselines": {
            name: {**ranking(p), **_lead(answers, p, faulty)} if p is not None else None
            for name, p in found.items()
        },
        "hard": ranking(_missed(answers, control)) if control is not None else None,
    }


def _lead(
    answers: Sequence[Judged], others: Sequence[Placement | None], cases: Sequence[Collected]
) -> dict[str, Any]:
    """Say by how much the ranker's AC@1 is above a baseline's, paired case by case."""
    pairs = zip(_hits(answers), others, strict=True)
    gains = [own - (other.hit(1) if other is not None else 0.0) for own, other in pairs]
    lead = math.fsum(gains) / len(gains) if gains else math.nan
    return {"lead": lead, "ci95_lead": list(cluster_interval(gains, _clusters(cases)))}


def _hits(answers: Sequence[Judged]) -> list[float]:
    return [answer.right for answer in answers]


def _clusters(cases: Sequence[Collected]) -> list[str]:
    return [group_of(c.identity) for c in cases if not c.identity.healthy]


def _missed(
    answers: Sequence[Judged], control: Sequence[Placement | None]
) -> list[Placement | None]:
    pairs = zip(answers, control, strict=True)
    return [a.placement for a, c in pairs if c is None or c.hit(1) < 1.0]
