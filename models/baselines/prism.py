"""PRISM (2026), additive: S = I + E - log(1 + I + E), inner and outer deviations by class.

The deviation of a series is max |x - median| / interquartile range after the onset.
"""

import numpy as np

from models.baselines.case import Array, BaselineCase, RawSeries, Scores
from models.baselines.deviation import by_quartiles, largest, usable

OUTER = frozenset({"latency", "errors", "traffic"})


def prism(case: BaselineCase) -> Scores | None:
    """Score additively by the largest inner and the largest outer deviation."""
    series = usable(case)
    inner = largest((s for s in series if s.metric_class not in OUTER), _distance)
    outer = largest((s for s in series if s.metric_class in OUTER), _distance)
    if not any(name in inner or name in outer for name in case.candidates):
        return None
    # A side that a candidate does not report adds nothing, which is a deviation of 0.
    return {n: additive(inner.get(n, 0.0) + outer.get(n, 0.0)) for n in case.candidates}


def _distance(series: RawSeries) -> Array:
    return np.abs(by_quartiles(series))


def additive(total: float) -> float:
    """Give S for I + E.

    >>> round(additive(13.0), 2)
    10.36
    """
    return total - float(np.log1p(total))
