"""How anomalous each component is, for the baselines that walk the service graph.

The largest MAD score of its raw series, or, where the case has no series, its number of alerts.
"""

from collections.abc import Mapping

from models.baselines.case import BaselineCase
from models.baselines.deviation import by_mad, largest, usable

LARGEST = 1000.0
"""Beyond it a score says nothing more, and would drown every sum of scores."""


def mad_scores(case: BaselineCase) -> dict[str, float]:
    """Give the largest MAD score by component, candidates or not; empty without series."""
    found = largest(usable(case), by_mad)
    return {component: min(score, LARGEST) for component, score in found.items()}


def anomaly(case: BaselineCase) -> Mapping[str, float]:
    """Give an anomaly by component, from series or else from alerts; empty without either."""
    return mad_scores(case) or {name: float(count.alerts) for name, count in case.alerts.items()}
