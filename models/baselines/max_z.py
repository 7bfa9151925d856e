"""Max |z|: the largest deviation in either direction, by mean and standard deviation."""

import numpy as np

from models.baselines.case import BaselineCase, Scores
from models.baselines.deviation import by_mean, strongest, usable


def max_z(case: BaselineCase) -> Scores | None:
    """Score by the largest |x - mean| / standard deviation of any series."""
    return strongest(case, usable(case), lambda series: np.abs(by_mean(series)))
