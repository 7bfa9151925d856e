"""What the incident's alerts speak of on one candidate, beside its neighbours and replicas."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from pipeline.alert_topic import TOPICS, call_of, topic_of
from pipeline.blocks.block import Block
from pipeline.incident_state import Member
from pipeline.service_graph import ServiceGraph

Counts = Mapping[str, float]

_REPLICA = re.compile(r"[-_.]?\d+$")
_RESOURCES = ("alerts_cpu", "alerts_memory", "alerts_disk")
_CALLS = ("alerts_calls_in_slow", "alerts_calls_in_failed", "alerts_calls_self")


def topics_of_members(members: Mapping[str, list[Member]]) -> dict[str, Counts]:
    """Count per component the distinct rules by topic, and the alerts about its calls.

    `rules` counts the distinct rules of all topics but log lines and calls.
    """
    rules: dict[str, dict[str, set[str]]] = {}
    counts: dict[str, Counter[str]] = {}
    for name, alerts in sorted(members.items()):
        for member in alerts:
            call = call_of(member.alert)
            if call is not None:
                _count_call(counts, call.caller, call.callee, slow=call.slow)
                continue
            topic = topic_of(member.alert)
            if topic == "logs":
                counts.setdefault(name, Counter())["alerts_logs"] += 1
            else:
                rules.setdefault(name, {}).setdefault(topic, set()).add(member.alert.rule)
    for name, topics in rules.items():
        counter = counts.setdefault(name, Counter())
        for topic, found in topics.items():
            counter[f"alerts_{topic}"] = len(found)
            counter["rules"] += len(found)
    return {name: dict(counter) for name, counter in sorted(counts.items())}


def _count_call(counts: dict[str, Counter[str]], caller: str, callee: str, *, slow: bool) -> None:
    how = "slow" if slow else "failed"
    if caller == callee:
        counts.setdefault(callee, Counter())["alerts_calls_self"] += 1
        return
    counts.setdefault(callee, Counter())[f"alerts_calls_in_{how}"] += 1
    counts.setdefault(caller, Counter())[f"alerts_calls_out_{how}"] += 1


class Replicas:
    """Components that differ only in the number at their end, and what their alerts speak of.

    Sums are made once for each family, so that many replicas cost no more than many components.
    """

    def __init__(self, names: Iterable[str], counts: Mapping[str, Counts]) -> None:
        self._counts = counts
        self._stems: dict[str, str] = {}
        families: dict[str, list[str]] = {}
        for name in sorted(names):
            stem = _REPLICA.sub("", name)
            if stem != name:
                families.setdefault(stem, []).append(name)
                self._stems[name] = stem
        self._sizes = {stem: len(family) for stem, family in families.items()}
        self._sums = {
            stem: {
                measure: sum(count(counts.get(name, {})) for name in family)
                for measure, count in _BESIDE_REPLICAS.items()
            }
            for stem, family in families.items()
            if len(family) > 1
        }

    def beside(self, name: str) -> dict[str, float]:
        """Measure what a component has beyond the mean of its replicas; nothing without any.

        >>> replicas = Replicas(["orders-0", "orders-1", "web"], {"orders-0": {"rules": 2}})
        >>> round(replicas.beside("orders-0")["alerts_beyond_replicas"], 2)
        1.1
        >>> replicas.beside("web")
        {}
        """
        sums = self._sums.get(self._stems.get(name, ""))
        if sums is None:
            return {}
        own, others = self._counts.get(name, {}), self._sizes[self._stems[name]] - 1
        return {
            measure: math.log1p(count(own)) - math.log1p((sums[measure] - count(own)) / others)
            for measure, count in _BESIDE_REPLICAS.items()
        }


def measure_topics(
    name: str, counts: Mapping[str, Counts], graph: ServiceGraph, replicas: Replicas
) -> Block:
    """Measure what the alerts on a candidate speak of; what nobody speaks of stays absent."""
    own = counts.get(name, {})
    measures = {
        key: own[key]
        for key in (*(f"alerts_{topic}" for topic in TOPICS), *_CALLS, *_OUT)
        if own.get(key)
    }
    for measure, neighbours in (
        ("alerts_callees", graph.callees(name)),
        ("alerts_callers", graph.callers(name)),
    ):
        others = [n for n in neighbours if n != name]
        if others:
            measures[measure] = sum(_rules(counts.get(n, {})) for n in others) / len(others)
    return Block(measures=measures | replicas.beside(name))


def _sum_of(*keys: str) -> Callable[[Counts], float]:
    return lambda counts: float(sum(counts.get(key, 0.0) for key in keys))


_OUT = ("alerts_calls_out_slow", "alerts_calls_out_failed")
_rules = _sum_of("rules")
_BESIDE_REPLICAS: dict[str, Callable[[Counts], float]] = {
    "alerts_beyond_replicas": _rules,
    "resource_beyond_replicas": _sum_of(*_RESOURCES),
    "calls_beyond_replicas": _sum_of(*_CALLS),
    "traffic_down_beyond_replicas": _sum_of("alerts_traffic_down"),
    "fall_beyond_replicas": _sum_of("alerts_fall"),
    "logs_beyond_replicas": _sum_of("alerts_logs"),
}
