"""What collecting keeps of a recording: which questions were asked, when, and baselines' scores.

Questions do not depend on who answers them, so they are collected once, and every ranker, fold
and baseline is judged on the same ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agents.evaluation.identity import Identity
from models.baselines.case import Array
from schemas.candidate import Question

ScoresByBaseline = Mapping[str, tuple[float, ...] | None]
"""Scores in the order of the question's candidates, None where a baseline has no input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A question and the moment at which it was asked (arrival time)."""

    asked_ms: int
    question: Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """One incident, or one given window: its questions in order of time, the last one counts.

    `counts` are the alert counts of the last question's candidates, a row each.
    """

    questions: tuple[Timed, ...]
    revisions: int = 0
    scores: ScoresByBaseline = field(default_factory=dict)
    counts: Array | None = None

    @property
    def last(self) -> Question:
        """Give the question whose answer counts."""
        return self.questions[-1].question


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """One recording. `online` is the incident that counts, None where none opened in time.

    `others` are incidents that have no root: all of a healthy recording, and those that ended
    before the fault, and `noise` their number. `published` is None where the set has no protocol.
    """

    identity: Identity
    online: Inquiry | None = None
    others: tuple[Inquiry, ...] = ()
    noise: int = 0
    published: Inquiry | None = None
    rejected: int = 0
    heard: bool = True

    def last_only(self) -> "Collected":
        """Give up all questions but those that count, once nobody is to learn from them."""
        online = self.online
        if online is not None:
            online = replace(online, questions=online.questions[-1:])
        return replace(self, online=online, others=())
