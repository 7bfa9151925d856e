"""One incident as it is judged: its alerts by component, its candidates, and who reaches whom."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

import networkx as nx

from pipeline.blocks.alert_topics import Counts, Replicas, topics_of_members
from pipeline.given_window import GivenWindow
from pipeline.grouping import Reach, reach
from pipeline.incident_state import Group, Member
from pipeline.scene import Scene
from schemas.signal import ChangeSignal


class CaseView:
    """Everything that the measures of one incident share, computed once."""

    def __init__(
        self,
        group: Group,
        scene: Scene,
        changes: Sequence[ChangeSignal],
        *,
        max_hops: int,
        given: GivenWindow | None = None,
    ) -> None:
        self.group = group
        self.scene = scene
        self._given = given
        self.members: dict[str, list[Member]] = {}
        for _, member in sorted(group.members.items()):
            self.members.setdefault(member.component.name, []).append(member)
        self.reaches: dict[str, Reach] = {
            name: reach(scene, name, max_hops=max_hops) for name in self._starts
        }
        self.changes: dict[str, list[ChangeSignal]] = {}
        for change in changes:
            self.changes.setdefault(change.component.name, []).append(change)

    @property
    def symptom(self) -> str:
        """Where trouble was seen, as somebody said who gave the window; empty if nobody did."""
        return self._given.symptom if self._given is not None else ""

    @property
    def _starts(self) -> list[str]:
        """Where trouble was seen: alerting components, and a symptom that was given."""
        return sorted(self.members.keys() | ({self.symptom} if self.symptom else set()))

    @cached_property
    def reached(self) -> list[str]:
        """Everything that an alerting component reaches, itself included, by name."""
        return sorted({name for paths in self.reaches.values() for name in paths})

    @cached_property
    def candidates(self) -> list[str]:
        """Alerting components, what they reach, and callers of those that are anomalous too.

        At most `max_candidates`, the most severe first, then by name; returned by name. In a
        given window they are the given ones, or everybody.
        """
        if self._given is not None:
            return sorted(self._given.candidates or self.scene.graph.graph.nodes)
        reached = set(self.reached)
        callers = {
            caller
            for name in self.reached
            for caller in self.scene.graph.callers(name)
            if caller not in reached and self._stands_out(caller, name)
        }
        everyone = sorted(
            reached | callers, key=lambda n: (n not in self.members, -self._severity(n), n)
        )
        return sorted(everyone[: self.scene.config.max_candidates])

    @cached_property
    def alert_topics(self) -> Mapping[str, Counts]:
        """What the incident's alerts speak of, by component."""
        return topics_of_members(self.members)

    @cached_property
    def replicas(self) -> Replicas:
        """Components that do the same work, as far as the service graph knows them."""
        return Replicas(self.scene.graph.graph.nodes, self.alert_topics)

    @cached_property
    def onset_ms(self) -> int:
        """When the incident began to show: its first anomaly, or its first alert."""
        onsets = [self.scene.health(name).onset_ms for name in self.reached]
        return min([o for o in onsets if o is not None] + [self.group.first_ms])

    @cached_property
    def self_growth_ms(self) -> float:
        """Growth of self time summed over all candidates."""
        read = (self.scene.service(name) for name in self.candidates)
        return sum(r.self_growth_ms for r in read if r is not None)

    @cached_property
    def origin_errors(self) -> int:
        """Failed spans without a failed child, summed over all candidates."""
        read = (self.scene.service(name) for name in self.candidates)
        return sum(r.origin_errors for r in read if r is not None and r.error_excess > 0.0)

    @cached_property
    def page_rank(self) -> Mapping[str, float]:
        """Personalised PageRank over the candidates' subgraph times its size.

        The walk starts at alerting components and follows calls, preferring severe callees
        (after MicroRCA, NOMS 2020).
        """
        sub = self.scene.graph.graph.subgraph(self.candidates)
        walk: nx.DiGraph[str] = nx.DiGraph()
        walk.add_nodes_from(self.candidates)
        for caller, callee in sorted(sub.edges()):
            walk.add_edge(caller, callee, weight=0.1 + min(5.0, self._severity(callee)))
        for name in self.candidates:
            walk.add_edge(name, name, weight=0.1 + min(5.0, self._severity(name)) / 2)
        start = {
            name: float(len(self.members.get(name, ())) or name in self._starts)
            for name in self.candidates
        }
        if not any(start.values()):
            return {}
        ranks = nx.pagerank(walk, alpha=0.85, personalization=start, weight="weight")
        return {name: rank * len(self.candidates) for name, rank in ranks.items()}

    def path(self, name: str) -> tuple[str, ...]:
        """Return the longest topology path that leads from an alerting component to this one."""
        paths = [paths[name] for paths in self.reaches.values() if name in paths]
        return max(paths, key=lambda p: (len(p), p), default=(name,))

    def last_change(self, name: str) -> tuple[ChangeSignal, float] | None:
        """Return the last change before (or a minute after) the onset and its age in seconds."""
        latest = self.onset_ms + 60_000
        oldest = self.onset_ms - int(self.scene.config.change_seconds * 1000)
        before = [c for c in self.changes.get(name, ()) if oldest <= c.change.at_ms <= latest]
        if not before:
            return None
        last = max(before, key=lambda c: (c.change.at_ms, c.change.change_id))
        return last, max(0.0, (self.onset_ms - last.change.at_ms) / 1000)

    def _severity(self, name: str) -> float:
        return max(0.0, self.scene.health(name).severity)

    def _stands_out(self, caller: str, callee: str) -> bool:
        """A caller is a candidate when it is anomalous or calls much more than it used to."""
        edge = self.scene.edge(caller, callee)
        calls_more = (
            edge is not None
            and max(
                edge.traffic_ratio,
                math.log((edge.in_flight + 0.2) / (edge.baseline_in_flight + 0.2)),
            )
            > 0.69
        )
        return (
            self.scene.health(caller).anomalous
            or calls_more
            or self.last_change(caller) is not None
        )
