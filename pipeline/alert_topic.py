"""What an alert speaks of: the class of its metric and which way it moved, or whose calls.

Read from the `metric` and `direction` labels where the sender gives them, else from the words of
the rule's name; calls from the labels by which service meshes name the two sides.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from pipeline.metric_class import classify
from pipeline.metric_meaning import MetricClass
from schemas.alert import Alert

RESOURCES = ("cpu", "memory", "disk", "network")
"""Classes whose fall is news of its own: what nobody uses any more."""

TOPICS: tuple[str, ...] = (
    *RESOURCES,
    "latency",
    "errors",
    "traffic_up",
    "traffic_down",
    "availability",
    "fall",
    "logs",
    "other",
)

_FALL = re.compile(r"(_|^)(down|low|drop|dropped|fall|fell|decrease)(_|$)")
_LOGS = re.compile(r"(^|_)log(s|_?template|_?pattern|_?error|ged)?(_|$)")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SLOW = re.compile(r"latency|slow|duration|p\d\d|timeout")
_CACHED_RULES = 8_192
_AVAILABILITY = frozenset({MetricClass.AVAILABILITY, MetricClass.RESTARTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAlert:
    """An alert about the calls from one component to another: slower, or failing."""

    caller: str
    callee: str
    slow: bool


def topic_of(alert: Alert) -> str:
    """Return which of TOPICS the alert speaks of.

    >>> from schemas.alert import AlertStatus
    >>> def an(**labels): return Alert(fingerprint="0", status=AlertStatus.FIRING, starts_ms=0,
    ...                                labels=tuple(sorted(labels.items())))
    >>> topic_of(an(alertname="HostHighCpuLoad")), topic_of(an(alertname="RequestRateDrop"))
    ('cpu', 'traffic_down')
    >>> topic_of(an(alertname="x", metric="mem_usage", direction="down"))
    'fall'
    """
    labels = dict(alert.labels)
    return _topic(alert.rule, labels.get("metric", ""), labels.get("direction", ""))


@lru_cache(maxsize=_CACHED_RULES)
def _topic(rule: str, metric: str, direction: str) -> str:
    """Judge what all alerts of a rule have in common, once for a storm of them."""
    words = _WORDS.sub("_", rule).lower()
    if _LOGS.search(words):
        return "logs"
    metric_class = classify(metric or words, ()).metric_class
    falls = direction == "down" or bool(_FALL.search(words))
    if metric_class is MetricClass.TRAFFIC:
        return "traffic_down" if falls else "traffic_up"
    if metric_class in _AVAILABILITY:
        return "availability"
    if metric_class.value in RESOURCES:
        return "fall" if falls else metric_class.value
    if metric_class in (MetricClass.LATENCY, MetricClass.ERRORS):
        return metric_class.value
    return "other"


def call_of(alert: Alert) -> CallAlert | None:
    """Return the calls that the alert speaks of, by Istio's labels; None when by no calls."""
    labels = dict(alert.labels)
    caller, callee = labels.get("source_workload", ""), labels.get("destination_workload", "")
    if not caller or not callee:
        return None
    return CallAlert(caller=caller, callee=callee, slow=bool(_SLOW.search(alert.rule.lower())))
