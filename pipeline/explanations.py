"""What may explain the alerts of a group, gathered look by look while it can be seen.

Evidence is read over a rolling window, so what carried trouble at a storm's begin is out of sight
at its end: what was seen once stays known. Plain data, so that it snapshots.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pipeline.grouping import Reach
from pipeline.scene import Scene
from schemas.component import ComponentKind

ReachOf = Callable[[str], Reach]

_FAILING = 0.03
"""Errors above the usual share with which a call counts as carrying trouble."""
_SLOWER = 0.5
"""Log ratio of a call's latency from which it does."""
_SLOWER_MS = 4.0
_STARVED = -0.7
"""ln(0.5): fewer than half of the usual requests."""
_CERTAIN = 99.0
"""Severity that stands for silence, or for what nobody can see."""


@dataclass(slots=True, kw_only=True)
class Explanations:
    """For each component, what explains trouble on it and from how many steps away.

    `called` follows calls that carried trouble from caller to callee; `starved` goes the other
    way: from one that is called less to the callers whose trouble keeps requests away, and on to
    what explains them. `severity` is the worst that was seen of any possible cause.
    """

    called: dict[str, dict[str, int]] = field(default_factory=dict)
    starved: dict[str, dict[str, int]] = field(default_factory=dict)
    severity: dict[str, float] = field(default_factory=dict)

    def learn(self, scene: Scene, names: Iterable[str], reach_of: ReachOf) -> None:
        """Add what a scene shows of these components."""
        for name in names:
            called = carried(scene, name, reach_of(name))
            for caller in slow_consumers(scene, name):
                found = carried(scene, caller, reach_of(caller))
                called |= {n: d + 2 for n, d in found.items() if n not in called}
            _add(self.called.setdefault(name, {}), called)
            for caller in starvers(scene, name):
                found = carried(scene, caller, reach_of(caller))
                _add(self.starved.setdefault(name, {}), {n: d + 2 for n, d in found.items()})
                self._see(scene, found)
            self._see(scene, called)

    def take(self, other: "Explanations", names: Iterable[str] | None = None) -> None:
        """Add what another group's explanations say (of these components only)."""
        for mine, theirs in ((self.called, other.called), (self.starved, other.starved)):
            for name in theirs if names is None else names:
                if name in theirs:
                    _add(mine.setdefault(name, {}), theirs[name])
        for name, severity in other.severity.items():
            self.severity[name] = max(self.severity.get(name, 0.0), severity)

    def _see(self, scene: Scene, names: Iterable[str]) -> None:
        for name in names:
            health = scene.health(name)
            certain = health.silent or not health.instrumented
            severity = _CERTAIN if certain else round(health.severity, 3)
            self.severity[name] = max(self.severity.get(name, 0.0), severity)


def carried(scene: Scene, start: str, paths: Reach) -> dict[str, int]:
    """Return what explains `start` along calls that are seen to carry trouble, by steps.

    Stricter than a reach: a callee that looks ill but answers this caller as ever explains nothing
    of it. Calls that nobody sees get the benefit of the doubt.
    """
    steps = {start: 0}
    queue = deque([start])
    while queue:
        name = queue.popleft()
        for callee in scene.graph.callees(name):
            if callee in paths and callee not in steps and carries(scene, name, callee):
                steps[callee] = steps[name] + 1
                queue.append(callee)
    return steps


def carries(scene: Scene, caller: str, callee: str) -> bool:
    """Whether trouble of the callee is seen, or must be presumed, to reach the caller."""
    edge = scene.edge(caller, callee)
    if edge is None or scene.graph.runs_on(caller, callee):
        return True
    slower_ms = edge.latency_ms - edge.baseline_latency_ms
    slower = edge.latency_ratio > _SLOWER and slower_ms > _SLOWER_MS
    return edge.error_excess > _FAILING or slower or scene.is_silent(callee)


def is_starved(scene: Scene, name: str) -> bool:
    """Whether it serves half of the usual or less, and nothing is wrong with what it serves."""
    service = scene.service(name)
    if service is None or service.served_ratio > _STARVED:
        return False
    well = service.error_excess <= 0.05 and service.latency_ratio < 0.69
    return well and not scene.stopped_serving(name)


def starvers(scene: Scene, name: str) -> list[str]:
    """Return the callers, near and far, whose trouble keeps requests from a starved component."""
    found: list[str] = []
    seen = {name}
    queue = deque([name])
    while queue:
        here = queue.popleft()
        if not is_starved(scene, here):
            continue
        for caller in scene.graph.callers(here):
            if caller in seen or scene.edge(caller, here) is None:
                continue
            seen.add(caller)
            if (
                scene.health(caller).anomalous
                or scene.is_alerting(caller)
                or is_starved(scene, caller)
            ):
                found.append(caller)
                queue.append(caller)
    return sorted(found)


def slow_consumers(scene: Scene, name: str) -> list[str]:
    """Return who uses a queue and is ill: what is not taken from a queue piles up in it."""
    if scene.graph.kind(name) is not ComponentKind.QUEUE:
        return []
    users = scene.graph.callers(name)
    return sorted(n for n in users if scene.health(n).anomalous or scene.is_alerting(n))


def _add(known: dict[str, int], more: dict[str, int]) -> None:
    for name, steps in more.items():
        known[name] = min(steps, known.get(name, steps))
