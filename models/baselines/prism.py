"""PRISM (2026), additive: S = I + E - log(1 + I + E), inner and outer deviations by class.

The deviation of a series is max |x - median| / interquartile range after the onset.
"""

import numpy as np

from models.baselines.case import BaselineCase, Scores
from models.baselines.deviation import by_quartiles, strongest, usable

OUTER = frozenset({"latency", "errors", "traffic"})


def prism(case: BaselineCase) -> Scores | None:
    """Score additively by the largest inner and the largest outer deviation."""
    sides: list[Scores] = []
    for outer in (False, True):
        series = [s for s in usable(case) if (s.metric_class in OUTER) is outer]
        # A class that a candidate does not report adds nothing, which is a deviation of 0.
        found = strongest(case, series, lambda s: np.abs(by_quartiles(s)))
        sides.append({k: max(v, 0.0) for k, v in found.items()} if found else {})
    if not any(sides):
        return None
    totals = {n: sides[0].get(n, 0.0) + sides[1].get(n, 0.0) for n in case.candidates}
    return {name: additive(total) for name, total in totals.items()}


def additive(total: float) -> float:
    """Give S for I + E.

    >>> round(additive(13.0), 2)
    10.36
    """
    return total - float(np.log1p(total))
