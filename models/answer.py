"""How every ranker here answers: vectors, scores, probabilities, reasons, patterns.

The rankers differ only in their parameters. Same question, same diagnosis; neither the order of
the candidates nor their names matter (names only break exact ties).
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from models.abstention import Abstention
from models.blend import Blend
from models.calibration import Calibration, posterior, scores_of
from models.features import FEATURES, context_vector, vectors
from models.forest import Forest
from models.pattern_catalogue import Catalogue
from models.pattern_match import PatternSoftmax, match
from models.readings import Array
from schemas.candidate import Candidate, Diagnosis, PatternMatch, Question, Ranked

CONTRIBUTIONS_SHOWN: Final = 8
PATTERNS_FOR_TOP: Final = 5
"""Patterns are matched for this many candidates; below them nobody reads."""

_ELAPSED: Final = FEATURES.context.index("elapsed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """All the numbers of a ranker: weights by FEATURES.names, outside by FEATURES.context."""

    weights: tuple[float, ...]
    outside: tuple[float, ...]
    calibration: Calibration = field(default_factory=Calibration)
    abstention: Abstention = field(default_factory=Abstention)
    patterns: PatternSoftmax = field(default_factory=PatternSoftmax)
    blend: Blend = field(default_factory=Blend)
    forest: Forest | None = None

    def odds(self, features: Array) -> Array | None:
        """Return the forest's log odds of each candidate; None where it has no say."""
        if self.forest is None or not len(features):
            return None
        return self.forest.log_odds(features)

    def scores(self, features: Array, odds: Array | None) -> Array:
        """Score each candidate by the logit and, where it has a say, the forest."""
        scores = self.blend.logit * scores_of(features, np.array(self.weights))
        return scores if odds is None else scores + self.blend.forest * odds

    def parts(self, features: Array, odds: Array | None) -> Array:
        """Split each candidate's score less the mean score up by feature.

        The forest's part is laid out in proportion to what its splits added.
        """
        if not len(features):
            return features
        own = self.blend.logit * np.array(self.weights) * (features - features.mean(axis=0))
        if self.forest is None or odds is None:
            return np.asarray(own, dtype=np.float64)
        away = self.blend.forest * (odds - odds.mean())
        split = self.forest.attribution(features)
        split = split - split.mean(axis=0)
        total = split.sum(axis=1)
        factor = np.where(np.abs(total) > 1e-9, away / np.where(total == 0, 1.0, total), 0.0)
        return np.asarray(own + split * factor[:, None], dtype=np.float64)


def contributions(parts: Array) -> tuple[tuple[str, float], ...]:
    """Sum a candidate's parts of the score by the measure they speak for, largest first.

    Args:
        parts: weight * (feature - the candidates' mean of it), one for each feature; all of them
            add up to the candidate's score less the mean score.
    """
    sums: dict[str, float] = {}
    for source, part in zip(FEATURES.sources, parts.tolist(), strict=True):
        sums[source] = sums.get(source, 0.0) + part
    order = sorted(sums.items(), key=lambda item: (-abs(item[1]), item[0]))
    return tuple((name, value) for name, value in order[:CONTRIBUTIONS_SHOWN] if value != 0.0)


def answer(
    question: Question, parameters: Parameters, catalogue: Catalogue, version: str
) -> Diagnosis:
    """Rank the candidates of a question; abstain with a reason where no answer would stand."""
    candidates = sorted(question.candidates, key=lambda c: c.component)
    asked = Question(
        incident_id=question.incident_id,
        at_ms=question.at_ms,
        candidates=tuple(candidates),
        context=question.context,
    )
    features = vectors(asked)
    odds = parameters.odds(features)
    scores = parameters.scores(features, odds)
    context = context_vector(asked, features)
    outside = parameters.blend.logit * float((context * np.array(parameters.outside)).sum())
    chances = posterior(scores, outside, float(context[_ELAPSED]), parameters.calibration)
    order = sorted(range(len(candidates)), key=lambda i: -scores[i])
    parts = parameters.parts(features, odds)
    ranked = tuple(
        Ranked(
            component=candidates[i].component,
            probability=chances.candidates[i],
            score=float(scores[i]),
            patterns=_patterns(candidates[i], place, parameters, catalogue),
            contributions=contributions(parts[i]),
        )
        for place, i in enumerate(order)
    )
    reason = parameters.abstention.reason(ranked, chances.none, features, question.context)
    return Diagnosis(
        ranked=ranked,
        p_none=chances.none,
        abstained=bool(reason),
        reason=reason,
        model_version=version,
    )


def _patterns(
    candidate: Candidate, place: int, parameters: Parameters, catalogue: Catalogue
) -> tuple[PatternMatch, ...]:
    if place >= PATTERNS_FOR_TOP:
        return ()
    return match(candidate, catalogue, parameters.patterns)
