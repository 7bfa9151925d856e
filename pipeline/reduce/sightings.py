"""Who was seen, with what telemetry, on which node: announced at first sight and now and then."""

from bisect import insort
from dataclasses import dataclass, field

from schemas.component import Component
from schemas.signal import Sighting


@dataclass(slots=True, kw_only=True)
class Seen:
    """What is known of one component, and when it was last told.

    `classes` is sorted and no set, whose order in a snapshot would change from process to process.
    """

    environment: str
    component: Component
    classes: list[str] = field(default_factory=list)
    has_spans: bool = False
    nodes: dict[Component, int] = field(default_factory=dict)
    last_pane: int = -1
    told_pane: int = -1
    changed: bool = True


@dataclass(slots=True)
class SightingBook:
    """The sightings of one reducer; what a component runs on is forgotten after a while."""

    entries: list[Seen] = field(default_factory=list)
    _index: dict[tuple[str, Component], int] = field(default_factory=dict)

    def see(self, environment: str, component: Component, pane: int) -> Seen:
        """Note that a component was heard of in a pane."""
        if len(self._index) != len(self.entries):
            self._index = {(s.environment, s.component): i for i, s in enumerate(self.entries)}
        key = (environment, component)
        found = self._index.get(key)
        if found is None:
            found = self._index[key] = len(self.entries)
            self.entries.append(Seen(environment=environment, component=component))
        seen = self.entries[found]
        seen.last_pane = max(seen.last_pane, pane)
        return seen

    def add_class(self, environment: str, component: Component, name: str, pane: int) -> None:
        """Note that a component reports a metric class."""
        seen = self.see(environment, component, pane)
        if name not in seen.classes:
            insort(seen.classes, name)
            seen.changed = True

    def add_spans(self, environment: str, component: Component, pane: int) -> None:
        """Note that a component sends spans."""
        seen = self.see(environment, component, pane)
        if not seen.has_spans:
            seen.has_spans = seen.changed = True

    def add_node(self, environment: str, component: Component, node: Component, pane: int) -> None:
        """Note what a component runs on."""
        seen = self.see(environment, component, pane)
        if node not in seen.nodes:
            seen.changed = True
        seen.nodes[node] = max(pane, seen.nodes.get(node, -1))

    def tell(self, environment: str, every_panes: int) -> tuple[Sighting, ...]:
        """Return what is new or due again in an environment, sorted by component."""
        self._prune(every_panes)
        due = [
            seen
            for seen in self.entries
            if seen.environment == environment
            and (seen.changed or seen.last_pane - seen.told_pane >= every_panes)
        ]
        told = []
        for seen in due:
            # Where it was not seen for so long it no longer runs.
            oldest = seen.last_pane - every_panes
            seen.nodes = {node: pane for node, pane in seen.nodes.items() if pane >= oldest}
            seen.changed, seen.told_pane = False, seen.last_pane
            told.append(
                Sighting(
                    component=seen.component,
                    metric_classes=tuple(seen.classes),
                    has_spans=seen.has_spans,
                    runs_on=tuple(sorted(seen.nodes)),
                )
            )
        return tuple(sorted(told, key=lambda sighting: sighting.component))

    def _prune(self, every_panes: int) -> None:
        """Forget components that were not seen for very long."""
        oldest = max((seen.last_pane for seen in self.entries), default=0) - 100 * every_panes
        if any(seen.last_pane < oldest for seen in self.entries):
            self.entries = [seen for seen in self.entries if seen.last_pane >= oldest]
            self._index.clear()
