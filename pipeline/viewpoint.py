"""Makes scenes and keeps them while nothing that they show has changed.

The cache is transparent: a scene or a reach is reused only if making it anew would give the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.alert_book import AlertBook
from pipeline.config import PipelineConfig
from pipeline.frame import frame_at
from pipeline.grouping import Reach, link, reach
from pipeline.pane_store import PaneStore
from pipeline.scene import Scene
from pipeline.service_graph import ServiceGraph

_STEP_MS = 5_000
"""Scenes are laid on this grid of event time, so that a storm of alerts shares one."""
_VIEWS = 16
"""Views kept at once; without telemetry nothing else would end them."""


Link = tuple[int, str, str]
"""How far it is between two components, the other one, and where they meet."""


@dataclass(slots=True, kw_only=True)
class _View:
    """A scene, and the reaches seen in it: `reached_from` says who reaches a component.

    Reaches depend on what alerts only where something calls (or runs on) an alerting component
    that is not anomalous anyway; `by_alert_alone` are those for which the reaches were made.
    `links` says by what pairs of components are linked, as far as it was asked.
    """

    scene: Scene
    by_alert_alone: frozenset[str] = frozenset()
    alerts_seen: int = -1
    reaches: dict[str, Reach] = field(default_factory=dict)
    reached_from: dict[str, set[str]] = field(default_factory=dict)
    indexed: set[str] = field(default_factory=set)
    links: dict[tuple[str, str], Link | None] = field(default_factory=dict)


class Viewpoint:
    """Scenes of one environment, and the reaches seen in them."""

    def __init__(
        self, *, config: PipelineConfig, store: PaneStore, graph: ServiceGraph, book: AlertBook
    ) -> None:
        self._config = config
        self._store = store
        self._graph = graph
        self._book = book
        self._state: object = None
        self._views: dict[tuple[int, int], _View] = {}

    @property
    def telemetry_until_ms(self) -> int:
        """Event time up to which any telemetry was seen."""
        newest_ms: int = self._store.newest_ms
        return newest_ms

    def scene(self, now_ms: int, first_ms: int) -> Scene:
        """Return the scene at `now_ms` (up to the grid) for a first alert at `first_ms`."""
        return self._view(now_ms, first_ms).scene

    def reach(self, now_ms: int, first_ms: int, name: str) -> Reach:
        """Return what explains a component in the scene of these times."""
        return self._reach(self._view(now_ms, first_ms), name)

    def meeting(self, now_ms: int, first_ms: int, name: str, others: Iterable[str]) -> set[str]:
        """Return those of the others that reach something that `name` reaches.

        The index of who reaches what grows with the view, so that a storm costs each alert only
        its own reach.
        """
        view = self._view(now_ms, first_ms)
        known = set(others)
        for other in known - view.indexed:
            view.indexed.add(other)
            for reached in self._reach(view, other):
                view.reached_from.setdefault(reached, set()).add(other)
        mine = self._reach(view, name)
        return {n for place in mine for n in view.reached_from.get(place, ()) if n in known}

    def nearest(self, now_ms: int, first_ms: int, name: str, others: Iterable[str]) -> Link | None:
        """Return the nearest link of a component with one of the others."""
        view = self._view(now_ms, first_ms)
        found = [found for other in others if (found := self._link(view, name, other)) is not None]
        return min(found, default=None)

    def _link(self, view: _View, name: str, other: str) -> Link | None:
        pair = name, other
        if pair not in view.links:
            mine, theirs = self._reach(view, name), self._reach(view, other)
            meeting = link(mine, theirs)
            far = 0 if meeting is None else len(mine[meeting]) + len(theirs[meeting])
            view.links[pair] = None if meeting is None else (far, other, meeting)
        return view.links[pair]

    def _reach(self, view: _View, name: str) -> Reach:
        if name not in view.reaches:
            hops = self._config.grouping.max_hops
            view.reaches[name] = reach(view.scene, name, max_hops=hops)
        return view.reaches[name]

    def _view(self, now_ms: int, first_ms: int) -> _View:
        state = (self._store.generation, self._graph.shape)
        if state != self._state or len(self._views) >= _VIEWS:
            self._state = state
            self._views.clear()
        now_ms += -now_ms % _STEP_MS
        view = self._views.get((now_ms, first_ms))
        if view is None:
            view = self._views[now_ms, first_ms] = _View(scene=self._scene(now_ms, first_ms))
        self._keep_up(view)
        return view

    def _scene(self, now_ms: int, first_ms: int) -> Scene:
        return Scene(
            frame=frame_at(now_ms, first_ms, config=self._config.evidence),
            store=self._store,
            graph=self._graph,
            alerting=self._book.is_alerting,
            config=self._config.evidence,
        )

    def _opens_a_way(self, scene: Scene, name: str) -> bool:
        """Whether that this component alerts can lengthen somebody's reach."""
        linked = self._graph.callers(name) or self._graph.callees(name)
        return bool(linked) and not scene.health(name).anomalous

    def _keep_up(self, view: _View) -> None:
        """Forget the view's reaches when an alert has opened or closed a way."""
        if view.alerts_seen == self._book.generation:
            return
        view.alerts_seen = self._book.generation
        firing = self._book.firing_components()
        alone = frozenset(n for n in firing if self._opens_a_way(view.scene, n))
        if alone != view.by_alert_alone:
            view.by_alert_alone = alone
            view.reaches.clear()
            view.reached_from.clear()
            view.links.clear()
            view.indexed.clear()
