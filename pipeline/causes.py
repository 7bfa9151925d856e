"""L1's judgement: the fewest causes that explain all alerts of a storm, and whose each alert is.

One storm has one cause unless alerts are left that no single one explains: parsimony. A further
cause must explain at least `_WORTH` of what is left, so a stray alert makes no incident.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.explanations import Explanations

_LATE_MS = 75_000
"""A cause that alerts itself does so at most this long after what it causes."""
_LATE_STATE_MS = 60_000
"""The same of an alert of a state (a crash, a full heap), which waits for nothing."""
_TRAFFIC_MS = 45_000
"""How long traffic must be low, at least, before a rule says so."""
_SOON_MS = 20_000
"""How much earlier than a cause's other alerts one of its alerts may start."""
_MOST_CAUSES = 4
_MOST_CANDIDATES = 80
_EVER_MS = -(1 << 62)
_MIN_SEVERITY = 2.0
"""How far from its past something that does not alert must be, to be a cause of its own."""
_WORTH = 1.5
_ALERT, _COMPONENT = 0.8, 2.4
"""What an unexplained alert weighs, and at most all those of one component."""
_NAMED = 1.6
"""What an unexplained alert weighs that names the callee at fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StormAlert:
    """One alert of a storm; `names` is the callee that its labels accuse."""

    fingerprint: str
    component: str
    starts_ms: int
    of_cause: bool
    of_less_traffic: bool = False
    names: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The causes, in order of their first alerts, and which of them each alert is put down to."""

    causes: tuple[str, ...]
    cause_of: Mapping[str, str]


def find_causes(
    alerts: Sequence[StormAlert], known: Explanations, is_node: Callable[[str], bool]
) -> Verdict:
    """Find the fewest causes of a storm and put each alert down to one of them."""
    court = _Court(alerts, known, is_node)
    return court.verdict()


class _Alike(NamedTuple):
    """Alerts of one component that a cause explains alike, in order of their starts."""

    starts_ms: list[int]
    fingerprints: list[str]


class _Court:
    """One storm's alerts, its candidates, and which of them explains which alerts."""

    def __init__(
        self, alerts: Sequence[StormAlert], known: Explanations, is_node: Callable[[str], bool]
    ) -> None:
        self._alerts = sorted(alerts, key=lambda a: (a.starts_ms, a.fingerprint))
        self._known = known
        self._sick: dict[str, int] = {}
        for alert in self._alerts:
            if not alert.of_less_traffic:
                self._sick.setdefault(alert.component, alert.starts_ms)
        components = sorted({a.component for a in self._alerts})
        self._alerting = frozenset(components)
        self._accuses = {a.fingerprint: self._accused(a) for a in self._alerts}
        self._weighs = [
            (a.fingerprint, a.component, _NAMED if self._accuses[a.fingerprint] else _ALERT)
            for a in self._alerts
        ]
        found = {r for c in components for r in self._explainers(c)} | set(components)
        eligible = [r for r in sorted(found) if self._is_eligible(r, is_node)]
        self._alike = self._classes()
        self._explains = self._explainable(components)
        self._explained = {r: self._explained_by(r) for r in eligible}
        most = sorted(eligible, key=lambda r: (-len(self._explained[r]), r))
        self._candidates = most[:_MOST_CANDIDATES]
        self._nearness = {r: self._near(r) for r in self._candidates}

    def verdict(self) -> Verdict:
        causes = self._necessary(self._chosen())
        first = {r: self._begin(r, causes) for r in causes}
        ordered = tuple(sorted(causes, key=lambda r: (first[r], r)))
        cause_of = {a.fingerprint: self._put_down(a, ordered, first) for a in self._alerts}
        return Verdict(causes=ordered, cause_of=cause_of)

    def _chosen(self) -> list[str]:
        """Choose greedily: each time what leaves least unexplained, of equals the nearest."""
        causes: list[str] = []
        left = {a.fingerprint for a in self._alerts}
        while left and len(causes) < _MOST_CAUSES:
            best = min(self._candidates, key=lambda r: self._order(r, left))
            gain = self._weight(left) - self._weight(left - self._explained[best])
            if causes and gain < _WORTH:
                break
            causes.append(best)
            left -= self._explained[best]
        return causes

    def _necessary(self, causes: list[str]) -> list[str]:
        """Drop causes, the first chosen first, that the others have made unnecessary."""
        for cause in list(causes):
            others = [c for c in causes if c != cause]
            if others and self._left(others) - self._left(causes) < _WORTH:
                causes = others
        return causes

    def _left(self, causes: Collection[str]) -> float:
        explained = {f for c in causes for f in self._explained[c]}
        return self._weight({a.fingerprint for a in self._alerts} - explained)

    def _order(self, cause: str, left: set[str]) -> tuple[float, int, int, str]:
        own, far = self._nearness[cause]
        return self._weight(left - self._explained[cause]), -own, far, cause

    def _near(self, cause: str) -> tuple[int, int]:
        """How many of the alerts that it explains are its own, and how far away all are."""
        mine = [a for a in self._alerts if a.fingerprint in self._explained[cause]]
        own = sum(a.component == cause for a in mine)
        return own, sum(self._steps(a.component, cause) for a in mine)

    def _weight(self, left: Collection[str]) -> float:
        """Say how much is unexplained: per component, so that one noisy place is no storm."""
        weights: dict[str, float] = {}
        for fingerprint, component, more in self._weighs:
            if fingerprint in left:
                weights[component] = weights.get(component, 0.0) + more
        return sum(min(w, _COMPONENT) for w in weights.values())

    def _put_down(self, alert: StormAlert, causes: Sequence[str], first: Mapping[str, int]) -> str:
        """Choose an alert's cause: one that explains it, had begun by then, and began last."""
        fits = [r for r in causes if alert.fingerprint in self._explained[r]] or list(causes)
        accused = self._accuses[alert.fingerprint]
        if accused is not None:
            fits = [r for r in fits if r != alert.component] or fits
        latest_ms = alert.starts_ms + (-_TRAFFIC_MS if alert.of_less_traffic else _SOON_MS)
        begun = [r for r in fits if first[r] <= latest_ms] or fits
        if alert.of_cause and alert.component in begun:
            return alert.component
        return max(begun, key=lambda r: (first[r], -self._steps(alert.component, r), r))

    def _begin(self, cause: str, causes: Sequence[str]) -> int:
        """When a cause's alerts begin: the first that only it explains, else the first of all."""
        mine = [a for a in self._alerts if a.fingerprint in self._explained[cause]]
        others = [r for r in causes if r != cause]
        only = [a for a in mine if not any(a.fingerprint in self._explained[r] for r in others)]
        return min(a.starts_ms for a in only or mine)

    def _classes(self) -> dict[str, dict[tuple[bool, str | None], _Alike]]:
        """Put alerts together that differ in nothing but their start, by component."""
        classes: dict[str, dict[tuple[bool, str | None], _Alike]] = {}
        for alert in self._alerts:
            sort = alert.of_cause, self._accuses[alert.fingerprint]
            alike = classes.setdefault(alert.component, {}).setdefault(sort, _Alike([], []))
            alike.starts_ms.append(alert.starts_ms)
            alike.fingerprints.append(alert.fingerprint)
        return classes

    def _explainable(self, components: Sequence[str]) -> dict[str, set[str]]:
        """By cause, the components whose alerts it may explain."""
        found: dict[str, set[str]] = {}
        for component in components:
            for cause in (component, *self._explainers(component)):
                found.setdefault(cause, set()).add(component)
        return found

    def _explained_by(self, cause: str) -> frozenset[str]:
        explained: set[str] = set()
        for component in self._explains.get(cause, ()):
            for (of_cause, accused), alike in self._alike[component].items():
                since_ms = self._explains_since(cause, component, accused, of_cause=of_cause)
                if since_ms is not None:
                    explained.update(alike.fingerprints[bisect_left(alike.starts_ms, since_ms) :])
        return frozenset(explained)

    def _explains_since(
        self, cause: str, component: str, accused: str | None, *, of_cause: bool
    ) -> int | None:
        """From which start on a cause explains alerts of a sort; None where it explains none."""
        if cause == component:
            return _EVER_MS
        called = self._known.called.get(component, {})
        starved = {} if of_cause else self._known.starved.get(component, {})
        if cause not in called and cause not in starved:
            return None
        if accused is not None and cause not in self._known.called.get(accused, {accused: 0}):
            return None
        return self._sick.get(cause, 0) - (_LATE_STATE_MS if of_cause else _LATE_MS)

    def _accused(self, alert: StormAlert) -> str | None:
        """The callee that an alert names, where trouble is known to come from it."""
        called = self._known.called.get(alert.component, {})
        return alert.names if alert.names in called else None

    def _explainers(self, component: str) -> set[str]:
        known = self._known
        return {*known.called.get(component, ()), *known.starved.get(component, ())}

    def _steps(self, component: str, cause: str) -> int:
        known = self._known
        found = (known.called.get(component, {}), known.starved.get(component, {}))
        return min((steps[cause] for steps in found if cause in steps), default=9)

    def _is_eligible(self, name: str, is_node: Callable[[str], bool]) -> bool:
        """Whether something may be a cause: it alerts, or it is far from its past and no machine.

        A machine that does not alert would explain whatever happens to run on it.
        """
        if name in self._alerting:
            return True
        return not is_node(name) and self._known.severity.get(name, 0.0) >= _MIN_SEVERITY
