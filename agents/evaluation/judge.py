"""Holds an answer against the truth: where the root stands, ties and all, or who is blamed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agents.evaluation.asked import Collected, Inquiry
from models.evaluation_placement import Placement, placed
from models.evaluation_summary import Judged, Moment
from schemas.candidate import Diagnosis, Question, Ranked, Ranker

Protocol = Literal["online", "published"]
PROTOCOLS: tuple[Protocol, ...] = ("online", "published")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """A healthy recording: how many incidents opened, and in how many of them anybody was blamed.

    `asked` is false where a protocol has no question about it. In a given window no incident
    opens: `blamed` is 1 where the answer names somebody.
    """

    case: str
    asked: bool
    raised: int = 0
    blamed: int = 0


Answered = Judged | Calm


def inquiry_of(collected: Collected, protocol: Protocol) -> Inquiry | None:
    """Give what a protocol asked of a recording."""
    return collected.online if protocol == "online" else collected.published


def answered(collected: Collected, protocol: Protocol, rank: Ranker) -> Answered:
    """Have a ranker answer a recording, and judge it."""
    if collected.identity.healthy:
        return _calm(collected, protocol, rank)
    return judge(collected, protocol, rank)


def judge(collected: Collected, protocol: Protocol, rank: Ranker) -> Judged:
    """Have a ranker answer a case and judge it; no incident is a miss."""
    identity = collected.identity
    inquiry = inquiry_of(collected, protocol)
    strata = {**identity.strata, **({"split": identity.split} if identity.split else {})}
    if inquiry is None:
        return Judged(
            case=identity.key, truth=identity.roots, placement=None, answered=False, strata=strata
        )
    roots = identity.right_answers(protocol)
    answers = [rank(timed.question) for timed in inquiry.questions]
    last = answers[-1]
    moments = tuple(
        Moment(
            seconds=identity.time_scale * (timed.asked_ms - identity.fault_start_ms) / 1000,
            first=_first(answer),
            right=_right(answer, roots),
        )
        for timed, answer in zip(inquiry.questions, answers, strict=True)
    )
    return Judged(
        case=identity.key,
        truth=identity.roots,
        placement=place(last, roots),
        answered=bool(last.ranked),
        first=_first(last),
        confidence=last.ranked[0].probability if last.ranked else 0.0,
        p_none=last.p_none,
        abstained=last.abstained,
        family=_family(last.ranked, identity.roots, identity.family),
        revisions=inquiry.revisions,
        moments=moments if protocol == "online" else (),
        strata=strata,
    )


def place(answer: Diagnosis, roots: Sequence[str]) -> Placement | None:
    """Place the best of the roots in an answer; equal scores tie."""
    scores = [ranked.score for ranked in answer.ranked]
    return placed(scores, {i for i, r in enumerate(answer.ranked) if r.component.name in roots})


def place_scores(
    question: Question, scores: Sequence[float], roots: Sequence[str]
) -> Placement | None:
    """Place the best of the roots by scores in the order of a question's candidates."""
    names = [candidate.component.name for candidate in question.candidates]
    return placed(scores, {i for i, name in enumerate(names) if name in roots})


def _calm(collected: Collected, protocol: Protocol, rank: Ranker) -> Calm:
    if protocol == "online":
        asked = collected.others
    else:
        asked = (collected.published,) if collected.published is not None else ()
    return Calm(
        case=collected.identity.key,
        asked=collected.heard if protocol == "online" else bool(asked),
        raised=len(asked) if protocol == "online" else 0,
        blamed=sum(any(not rank(t.question).abstained for t in one.questions) for one in asked),
    )


def _first(answer: Diagnosis) -> str:
    return answer.ranked[0].component.name if answer.ranked else ""


def _right(answer: Diagnosis, roots: Sequence[str]) -> float:
    placement = place(answer, roots)
    return placement.hit(1) if placement is not None else 0.0


def _family(ranked: Sequence[Ranked], roots: Sequence[str], family: str) -> bool | None:
    """Whether the root's likeliest pattern is of the true family; None where either is missing."""
    if not family:
        return None
    patterns = next((r.patterns for r in ranked if r.component.name in roots), ())
    return patterns[0].family == family if patterns else None
