"""When the ranker declines to name a root cause, and the sentence that says why."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from models.features import shows_anything
from models.readings import Array
from schemas.candidate import Ranked

SYMPTOM_BELOW: Final = 0.42
"""A given symptom that left its baseline by less is none: a z of 2.1, twice since the onset.

The best of many candidates looks guilty by chance, the symptom is one, named beforehand. That the
second largest of five values of one of its three series exceeds 2.1 by chance happens once in a
hundred windows: 3 * (5 over 2) * 0.018^2; the seventh of sixty is as rare.
"""
LASTING_BELOW: Final = 0.5
"""Where nobody alerts, trouble that showed for a smaller share of the time is no trouble: rules
wait before they fire for the same reason."""
_NO_CONTEXT: Final[Mapping[str, float]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """Limits beyond which the order is only a guess.

    `none_above`: more than this for "none of these". `hopeless_below` and `hopeless_ratio`: the
    best candidate has less than the first and less than the second times the runner-up's.
    """

    none_above: float = 0.5
    hopeless_below: float = 0.25
    hopeless_ratio: float = 1.1

    def reason(
        self,
        ranked: tuple[Ranked, ...],
        p_none: float,
        features: Array,
        context: Mapping[str, float] = _NO_CONTEXT,
    ) -> str:
        """Say why to abstain, or nothing when the answer stands.

        Args:
            ranked: Best first.
            p_none: What is left for "none of these".
            features: The candidates' vectors, in any order.
            context: The question's.
        """
        if not ranked:
            return "There is no candidate to rank: no component is known for this incident yet."
        if not shows_anything(features):
            return (
                f"None of the {len(ranked)} candidates shows anything out of the ordinary, "
                "so there is nothing to rank them by."
            )
        if nothing := _nothing_wrong(context):
            return nothing
        if p_none > self.none_above:
            return (
                f"The evidence fits none of the {len(ranked)} candidates well: "
                f"{p_none:.0%} is left for a cause outside them."
            )
        return self._tie(ranked)

    def _tie(self, ranked: tuple[Ranked, ...]) -> str:
        if len(ranked) < 2:
            return ""
        best, second = ranked[:2]
        if best.probability >= self.hopeless_below:
            return ""
        if best.probability >= second.probability * self.hopeless_ratio:
            return ""
        return (
            f"The best two candidates, {best.component.name} and {second.component.name}, cannot "
            f"be told apart: {best.probability:.0%} against {second.probability:.0%}."
        )


def _nothing_wrong(context: Mapping[str, float]) -> str:
    """Say so where trouble was said to be seen and is not; where nobody said so, say nothing."""
    if context.get("symptom_severity", 1.0) < SYMPTOM_BELOW:
        return (
            "Nothing is out of the ordinary where trouble was said to be seen, "
            "so there is nothing to explain."
        )
    lasting = context.get("symptom_lasting", 1.0)
    if not context.get("alerts", 1.0) and lasting < LASTING_BELOW:
        return (
            f"No alert fired, and what was seen lasted for {lasting:.0%} of the time "
            "since: too brief to tell a cause from chance."
        )
    return ""
