"""L1 again at every look, now that more is known: one group for each cause of what is linked.

Groups with one cause become one, a group with two becomes two, and an alert moves to the group of
its cause. Invariant: every alert stays in exactly one active group, and what is published keeps
its id as long as any of its cause's alerts are in it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from pipeline.accused import accused_by
from pipeline.alert_topic import topic_of
from pipeline.causes import StormAlert, Verdict, find_causes
from pipeline.explanations import Explanations
from pipeline.grouping import Reach
from pipeline.groups import Groups, path_reason, survivor_order
from pipeline.incident_state import Group
from pipeline.rule_class import is_cause_type
from pipeline.scene import Scene
from pipeline.viewpoint import Viewpoint
from schemas.alert import Alert

_CACHED = 10_000
"""Alerts of which it is remembered what they speak of: a storm's are judged at every look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regrouped:
    """What became of a group that was looked at.

    `group` is where its look goes on. `merged` are (survivor, loser): the loser's alerts have
    moved, and it keeps them only for its tombstone. `created` split off; `changed` are others that
    lost or gained alerts.
    """

    group: Group
    merged: tuple[tuple[Group, Group], ...] = ()
    created: tuple[Group, ...] = ()
    changed: tuple[Group, ...] = ()


@dataclass(slots=True)
class _Seating:
    """Which group each cause has, and where the alerts of unseated groups go."""

    home: dict[str, Group] = field(default_factory=dict)
    losers: list[Group] = field(default_factory=list)


class Regrouper:
    """Judges linked groups together and moves alerts between them."""

    def __init__(self, groups: Groups, viewpoint: Viewpoint) -> None:
        self._groups = groups
        self._viewpoint = viewpoint

    def regroup(self, group: Group, now_ms: int) -> Regrouped:
        """Judge a group with those that are linked to it, and settle all of them.

        Whose window is closed stays as it is: late alerts change it, but nobody takes from it.
        """
        if group.window_closed:
            return Regrouped(group=group)
        family = self._groups.family(group, now_ms)
        anchor_ms = self._groups.anchor(min(g.first_ms for g in family))
        scene = self._viewpoint.scene(now_ms, anchor_ms)
        known = Explanations()
        for each in family:
            self._learn(each, scene, now_ms, anchor_ms)
            known.take(each.known)
        verdict = find_causes(_storm(family, scene), known, scene.is_node)
        paths = {
            c: self._viewpoint.reach(now_ms, anchor_ms, c) for g in family for c in g.components
        }
        return self._settle(group, family, verdict, paths, now_ms)

    def _learn(self, group: Group, scene: Scene, now_ms: int, anchor_ms: int) -> None:
        """Add what can be seen now of a group's components, and of those that they accuse."""
        accused = {
            accused_by(member.alert, member.component.name, scene.graph)
            for member in group.members.values()
        }
        names = {*group.components, *(name for name in accused if name is not None)}
        group.known.learn(
            scene, sorted(names), lambda name: self._viewpoint.reach(now_ms, anchor_ms, name)
        )

    def _settle(
        self,
        looked_at: Group,
        family: Sequence[Group],
        verdict: Verdict,
        paths: Mapping[str, Reach],
        now_ms: int,
    ) -> Regrouped:
        seating = _seated(family, verdict)
        changed: dict[str, Group] = {}
        created: list[Group] = []
        for source in family:
            for cause, fingerprints in _leaving(source, seating.home, verdict).items():
                target = seating.home.get(cause)
                if target is None:
                    target = self._groups.split(source, fingerprints, now_ms)
                    seating.home[cause] = target
                    created.append(target)
                else:
                    self._groups.move(source, target, fingerprints)
                    changed[target.incident_id] = target
                for fingerprint in fingerprints:
                    member = target.members[fingerprint]
                    member.reason = _reason(member.component.name, cause, paths)
                changed[source.incident_id] = source
                source.notes.append(f"{_count(fingerprints)} moved to {target.incident_id}")
        merged = tuple((_heir(loser, seating.home, verdict), loser) for loser in seating.losers)
        gone = {loser.incident_id for loser in seating.losers}
        heirs = {loser.incident_id: heir for heir, loser in merged}
        return Regrouped(
            group=heirs.get(looked_at.incident_id, looked_at),
            merged=merged,
            created=tuple(created),
            changed=tuple(g for i, g in sorted(changed.items()) if i not in gone),
        )


def _storm(family: Sequence[Group], scene: Scene) -> list[StormAlert]:
    return [
        StormAlert(
            fingerprint=fingerprint,
            component=member.component.name,
            starts_ms=member.since_ms,
            of_cause=_is_of_cause(member.alert),
            of_less_traffic=_is_of_less_traffic(member.alert),
            names=accused_by(member.alert, member.component.name, scene.graph),
        )
        for group in family
        for fingerprint, member in group.members.items()
    ]


@lru_cache(maxsize=_CACHED)
def _is_of_cause(alert: Alert) -> bool:
    return is_cause_type(alert)


@lru_cache(maxsize=_CACHED)
def _is_of_less_traffic(alert: Alert) -> bool:
    return topic_of(alert) == "traffic_down"


def _seated(family: Sequence[Group], verdict: Verdict) -> _Seating:
    """Give each cause the group that has most of its alerts; of one cause, the survivor of all."""
    counts = {
        (group.incident_id, cause): number
        for group in family
        for cause, number in Counter(verdict.cause_of[f] for f in group.members).items()
    }
    by_id = {group.incident_id: group for group in family}
    if len(verdict.causes) == 1:
        return _Seating({verdict.causes[0]: family[0]}, list(family[1:]))
    seating = _Seating()
    order = sorted(counts, key=lambda key: (-counts[key], *survivor_order(by_id[key[0]]), key[1]))
    seated: set[str] = set()
    for incident_id, cause in order:
        if cause not in seating.home and incident_id not in seated:
            seating.home[cause] = by_id[incident_id]
            seated.add(incident_id)
    seating.losers = [g for g in family if g.incident_id not in seated]
    return seating


def _leaving(source: Group, home: Mapping[str, Group], verdict: Verdict) -> dict[str, list[str]]:
    """Return the alerts that do not belong here, by cause, in the order of causes."""
    leaving: dict[str, list[str]] = {}
    for cause in verdict.causes:
        found = [f for f in sorted(source.members) if verdict.cause_of[f] == cause]
        if found and home.get(cause) is not source:
            leaving[cause] = found
    return leaving


def _heir(loser: Group, home: Mapping[str, Group], verdict: Verdict) -> Group:
    """Return the group of the cause of most of a loser's alerts."""
    causes = Counter(verdict.cause_of[f] for f in sorted(loser.members))
    return home[max(causes, key=lambda cause: (causes[cause], cause))]


def _reason(component: str, cause: str, paths: Mapping[str, Reach]) -> str:
    """Say why an alert is with the alerts of a cause."""
    if component == cause:
        return f"same component: {component}"
    path = paths[component].get(cause)
    return path_reason(path, cause) if path else f"follows from the trouble of {cause}"


def _count(fingerprints: Sequence[str]) -> str:
    return f"{len(fingerprints)} alert{'' if len(fingerprints) == 1 else 's'}"
