"""NSigma as RCAEval has it: the largest (x - mean) / standard deviation, signed."""

from models.baselines.case import BaselineCase, Scores
from models.baselines.deviation import by_mean, strongest, usable


def nsigma(case: BaselineCase) -> Scores | None:
    """Score by the largest signed deviation of any series."""
    return strongest(case, usable(case), by_mean)
