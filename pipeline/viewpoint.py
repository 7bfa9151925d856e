"""Makes scenes and keeps the last one of each frame while nothing it shows has changed.

The cache is transparent: a scene is reused only if building it anew would give the same.
"""

from collections.abc import Iterable

from pipeline.alert_book import AlertBook
from pipeline.config import PipelineConfig
from pipeline.frame import frame_at
from pipeline.grouping import Reach, reach
from pipeline.pane_store import PaneStore
from pipeline.scene import Scene
from pipeline.service_graph import ServiceGraph

_STEP_MS = 5_000
"""Scenes are laid on this grid of event time, so that a storm of alerts shares one."""


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
        self._scenes: dict[tuple[int, int], Scene] = {}
        self._reaches: dict[tuple[int, int, str], Reach] = {}
        self._reached_from: dict[tuple[int, int], dict[str, set[str]]] = {}
        self._indexed: dict[tuple[int, int], set[str]] = {}

    @property
    def telemetry_until_ms(self) -> int:
        """Event time up to which any telemetry was seen."""
        newest_ms: int = self._store.newest_ms
        return newest_ms

    def scene(self, now_ms: int, first_ms: int) -> Scene:
        """Return the scene at `now_ms` (up to the grid) for a first alert at `first_ms`."""
        self._refresh()
        now_ms += -now_ms % _STEP_MS
        key = (now_ms, first_ms)
        if key not in self._scenes:
            frame = frame_at(now_ms, first_ms, config=self._config.evidence)
            self._scenes[key] = Scene(
                frame=frame,
                store=self._store,
                graph=self._graph,
                firing=self._book.firing_components(),
                config=self._config.evidence,
            )
        return self._scenes[key]

    def reach(self, scene: Scene, name: str) -> Reach:
        """Return what explains a component in a scene of this viewpoint."""
        key = (scene.frame.now_ms, scene.frame.first_ms, name)
        if key not in self._reaches:
            self._reaches[key] = reach(scene, name, max_hops=self._config.grouping.max_hops)
        return self._reaches[key]

    def meeting(self, scene: Scene, mine: Reach, others: Iterable[str]) -> set[str]:
        """Return those of the others that reach something of mine in this scene.

        The index of who reaches what grows with the scene, so that a storm costs each alert only
        its own reach.
        """
        key = (scene.frame.now_ms, scene.frame.first_ms)
        reached_from = self._reached_from.setdefault(key, {})
        indexed = self._indexed.setdefault(key, set())
        for name in others:
            if name not in indexed:
                indexed.add(name)
                for reached in self.reach(scene, name):
                    reached_from.setdefault(reached, set()).add(name)
        known = set(others)
        return {n for name in mine for n in reached_from.get(name, ()) if n in known}

    def _refresh(self) -> None:
        state = (self._store.generation, self._graph.version, self._book.generation)
        if state != self._state:
            self._state = state
            self._scenes.clear()
            self._reaches.clear()
            self._reached_from.clear()
            self._indexed.clear()
