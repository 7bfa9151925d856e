"""BARO's RobustScorer (FSE 2024): the largest (x - median) / interquartile range, signed.

Only the scorer: the onset is the protocol's or our own, not BOCPD's.
"""

from models.baselines.case import BaselineCase, Scores
from models.baselines.deviation import by_quartiles, strongest, usable


def baro(case: BaselineCase) -> Scores | None:
    """Score by the largest signed deviation of any series."""
    return strongest(case, usable(case), by_quartiles)
