"""The ranker that needs no training: documented weights on rules and a few measures.

It is the fallback when there is no artefact, the baseline that a trained ranker must beat, and
the point towards which training is regularised: without data, the trained one is this one.
"""

from typing import Final

from models.answer import Parameters, answer
from models.features import FEATURES
from models.pattern_catalogue import Catalogue, default_catalogue
from schemas.candidate import Diagnosis, Question

RULE_WEIGHTS: Final = {
    # The two halves of "most abnormal, and not explained by a callee".
    "rule:prism": 1.0,
    "rule:own_trouble": 1.5,
    "first:own_trouble": 0.5,
    # Inner resources run short in causes; latency and errors rise in victims as well.
    "rule:inner": 1.0,
    "first:inner": 0.5,
    # The deepest anomalous component on an anomalous path.
    "first:traversal": 1.5,
    "callees_anomalous:value": -0.7,
    # Calls into the cause fail, or it falls silent while its callers still call.
    "first:failed_edge": 0.5,
    "first:silence": 0.7,
    "rule:silence": 1.0,
    # A full pool, or time and errors that start in it.
    "first:saturation": 1.5,
    "first:own_work": 0.7,
    # Its statement got slow, and it asks nobody else.
    "first:slowest_statement": 1.0,
    # What runs on it is anomalous together, whoever calls whom.
    "first:host": 1.5,
    # It explains who alerts.
    "first:page_rank": 0.3,
    "first:explains": 0.5,
    # Someone who wrote a cause-type alert rule knew what they meant.
    "alert_cause_share:value": 0.7,
    # Alerts alone: many rules, and rules about what is its own. CPU follows the load of others.
    "alert_rules:percentile": 1.0,
    "alerts_memory:percentile": 1.0,
    "alerts_disk:percentile": 0.5,
    "alerts_cpu:percentile": 0.3,
    "alerts_callers:value": -0.5,
    # Its replicas do the same work: what only one of them shows is its own.
    "alerts_beyond_replicas:value": 0.5,
    "resource_beyond_replicas:value": 1.5,
    "traffic_down_beyond_replicas:value": 1.0,
    "fall_beyond_replicas:value": 1.0,
    "calls_beyond_replicas:value": 0.7,
    "logs_beyond_replicas:value": 0.7,
    "logs_beyond_replicas:percentile": 0.5,
    # A stand-in (a load balancer, a proxy) shows what the component behind it does: whatever it
    # shows, and it shows it first and most, the one behind it comes before it.
    "mirrored:value": -5.0,
    # What changed shortly before is the first thing that anyone asks.
    "change_precedes:value": 0.7,
}
"""Hand-set, in units of log odds; a feature that is not named here weighs nothing."""

RULE_OUTSIDE: Final = {"bias": 3.0, "candidates": 1.5}
"""The score of "none of these": about that of a candidate with one middling sign, more with more
candidates, because the best of many is high by chance."""

VERSION: Final = "rules/1"


def rule_parameters() -> Parameters:
    """Lay the documented weights out in the order of the features' contract."""
    return Parameters(
        weights=tuple(RULE_WEIGHTS.get(name, 0.0) for name in FEATURES.names),
        outside=tuple(RULE_OUTSIDE.get(name, 0.0) for name in FEATURES.context),
    )


class RuleRanker:
    """Rank by documented weights; callable Question -> Diagnosis."""

    def __init__(self, catalogue: Catalogue | None = None) -> None:
        self.version = VERSION
        self._parameters = rule_parameters()
        self._catalogue = catalogue or default_catalogue()

    def __call__(self, question: Question) -> Diagnosis:
        """Answer a question."""
        return answer(question, self._parameters, self._catalogue, self.version)
