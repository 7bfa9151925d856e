"""When the ranker declines to name a root cause, and the sentence that says why."""

from dataclasses import dataclass

from models.features import shows_anything
from models.readings import Array
from schemas.candidate import Ranked


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """Limits beyond which the order is only a guess.

    `none_above`: more than this for "none of these". `hopeless_below` and `hopeless_ratio`: the
    best candidate has less than the first and less than the second times the runner-up's.
    """

    none_above: float = 0.5
    hopeless_below: float = 0.25
    hopeless_ratio: float = 1.1

    def reason(self, ranked: tuple[Ranked, ...], p_none: float, features: Array) -> str:
        """Say why to abstain, or nothing when the answer stands.

        Args:
            ranked: Best first.
            p_none: What is left for "none of these".
            features: The candidates' vectors, in any order.
        """
        if not ranked:
            return "There is no candidate to rank: no component is known for this incident yet."
        if not shows_anything(features):
            return (
                f"None of the {len(ranked)} candidates shows anything out of the ordinary, "
                "so there is nothing to rank them by."
            )
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
