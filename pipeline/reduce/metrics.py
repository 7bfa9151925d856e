"""The metric reducer: samples in, anomalous series panes and sightings out.

Every series has a pane that is filling and a baseline of the panes before. Invariant: a signal
carries totals so far, so the order of messages between series and repeats of them say nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.reduce.clock import Clock, Clocks
from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.declared import DeclaredEdge, DeclaredEdges
from pipeline.reduce.packing import check_layout, dump, load
from pipeline.reduce.rates import increments
from pipeline.reduce.roster import NEVER
from pipeline.reduce.series_facts import facts_of
from pipeline.reduce.series_panes import take_panes
from pipeline.reduce.series_store import IGNORED, SeriesStore, StoreState
from pipeline.reduce.series_window import SeriesWindow
from pipeline.reduce.sightings import Seen, SightingBook
from pipeline.reduce.speech import cut, says_nothing
from schemas.resolve import Resolver
from schemas.signal import TelemetrySignal
from schemas.telemetry import MetricBatch, Series

_UNKNOWN = -(1 << 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricState:
    """A snapshot of the reducer."""

    layout: dict[str, int]
    store: StoreState
    clocks: dict[str, Clock]
    seen: list[Seen]
    edges: list[DeclaredEdge]
    edge_series: list[tuple[tuple[str, tuple[tuple[str, str], ...]], int]]
    counts: dict[str, int]


class MetricReducer:
    """Reduces the samples of one input partition."""

    def __init__(self, source: str, resolver: Resolver, config: ReduceConfig) -> None:
        self._source = source
        self._resolver = resolver
        self._config = config
        self._store = SeriesStore(config)
        self._window = SeriesWindow(self._store, config)
        self._clocks = Clocks()
        self._seen = SightingBook()
        self._edges = DeclaredEdges()
        self._counts = {"samples": 0, "ignored": 0}

    def handle(self, batch: MetricBatch, arrived_ms: int) -> list[tuple[str, TelemetrySignal]]:
        """Take in a batch; return what there is to say, with its environment."""
        self._counts["samples"] += len(batch)
        if len(batch):
            latest = arrived_ms + int(self._config.future_seconds * 1000)
            self._take(batch, latest)
        return self._speak(self._config.flush_ms)

    def flush(self) -> list[tuple[str, TelemetrySignal]]:
        """Return all that changed since it was last said."""
        return self._speak(0)

    def stats(self) -> dict[str, float]:
        """Return counts for the shell's own metrics."""
        store = self._store
        return {
            **self._counts,
            "series": float(np.count_nonzero(store.columns.live)),
            "series_evicted": store.evicted,
        }

    def snapshot(self) -> bytes:
        """Freeze the state."""
        index = self._store.index.items()
        return dump(
            MetricState(
                layout=self._config.layout,
                store=self._store.state(),
                clocks=self._clocks.by_environment,
                seen=self._seen.entries,
                edges=self._edges.entries,
                edge_series=[(key, mark) for key, mark in index if mark < IGNORED],
                counts=self._counts,
            )
        )

    def restore(self, data: bytes) -> None:
        """Take over a frozen state; the reducer then goes on as if it had never stopped."""
        state = load(data, MetricState)
        check_layout(state.layout, self._config.layout)
        self._store = SeriesStore(self._config)
        self._store.restore(state.store)
        self._window = SeriesWindow(self._store, self._config)
        self._clocks = Clocks(state.clocks)
        self._seen = SightingBook(state.seen)
        self._edges = DeclaredEdges(state.edges)
        for key, mark in state.edge_series:
            self._store.ignore(key, mark)
        self._counts = state.counts

    def _take(self, batch: MetricBatch, latest_ms: int) -> None:
        index = self._store.index
        known = [index.get((series.name, series.labels), _UNKNOWN) for series in batch.table]
        slot_of = np.array(known, np.int64)
        panes = batch.time_ms // self._config.pane_ms
        rows = np.asarray(batch.series, np.int64)
        # Pane by pane, so that a batch of many panes leaves what many batches would.
        for pane in np.unique(panes).tolist():
            here = panes == pane
            part, times = rows[here], batch.time_ms[here]
            new = np.unique(part[slot_of[part] == _UNKNOWN]).tolist()
            evicted = self._store.evicted
            for entry in new:
                slot_of[entry] = self._open(batch.table[entry], pane)
            if self._store.evicted != evicted:
                slot_of = self._found_again(batch.table)
            self._see_edges(slot_of[part], times, latest_ms)
            self._absorb(slot_of[part], times, batch.value[here], pane)
        self._advance(latest_ms)

    def _found_again(self, table: tuple[Series, ...]) -> NDArray[np.int64]:
        """Find slots after some changed hands; who lost its own waits for the next batch."""
        index = self._store.index
        slots = [index.get((series.name, series.labels), IGNORED) for series in table]
        return np.array(slots, np.int64)

    def _see_edges(
        self, slots: NDArray[np.int64], times: NDArray[np.int64], latest_ms: int
    ) -> None:
        """Note the samples of series that only declare edges."""
        for mark in np.unique(slots[slots < IGNORED]).tolist():
            at_ms = min(int(times[slots == mark].max()), latest_ms)
            self._clocks.advance(self._edges.see(IGNORED - 1 - mark, at_ms), at_ms)

    def _open(self, series: Series, pane: int) -> int:
        edge = self._edges.declare(series, self._resolver)
        if edge is not None and series.name.startswith("traces_service_graph_"):
            return self._store.ignore((series.name, series.labels), IGNORED - 1 - edge)
        facts = facts_of(series, self._resolver)
        slot = self._store.open(facts, pane)
        if edge is not None:
            self._edges.entries[edge].slot = slot
        if slot >= 0:
            self._seen.add_class(
                facts.environment, facts.component, facts.meaning.metric_class.value, pane
            )
            node = self._resolver.node(series.labels)
            if node is not None and node != facts.component:
                self._store.nodes[int(self._store.columns.target[slot])] = node
        return slot

    def _absorb(
        self,
        slots: NDArray[np.int64],
        times: NDArray[np.int64],
        values: NDArray[np.float64],
        pane: int,
    ) -> None:
        held = slots >= 0
        held &= ~self._says_nothing(slots, values)
        if not held.all():
            slots, times, values = slots[held], times[held], values[held]
        if not len(slots):
            return
        got = increments(self._store.columns, slots, times, values, self._config)
        self._counts["ignored"] += got.ignored
        self._window.add(got, pane)

    def _says_nothing(
        self, slots: NDArray[np.int64], values: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Tell a summary's NaN, which says "no observations", from a stale marker."""
        silent = np.isnan(values) & (slots >= 0)
        for row in np.flatnonzero(silent).tolist():
            labels = self._store.fact(int(slots[row])).labels
            silent[row] = any(name == "quantile" for name, _ in labels)
        return silent

    def _advance(self, latest_ms: int) -> None:
        store = self._store
        places = store.environment_of
        times = np.full(len(store.environments), NEVER, np.int64)
        np.maximum.at(times, places, store.places.last_ms[: len(store.places)])
        for environment, at_ms in zip(store.environments, times.tolist(), strict=True):
            self._clocks.advance(environment, min(at_ms, latest_ms))

    def _see_all(self) -> None:
        """Note when each component, edge and target on its node was last heard of."""
        places, targets, pane_ms = self._store.places, self._store.targets, self._config.pane_ms
        heard = zip(places.members, places.last_ms.tolist(), strict=False)
        for (environment, component), at_ms in heard:
            self._seen.see(environment, component, at_ms // pane_ms)
        for edge in self._edges.entries:
            if edge.slot >= 0:
                edge.seen_ms = max(edge.seen_ms, int(self._store.columns.last_ms[edge.slot]))
        for target, node in self._store.nodes.items():
            place, at_ms = targets.members[target][0], int(targets.last_ms[target])
            silent_panes = int(places.last_ms[place]) // pane_ms - at_ms // pane_ms
            if silent_panes <= self._config.sighting_panes:
                self._seen.add_node(*places.members[place], node, at_ms // pane_ms)

    def _speak(self, flush_ms: int) -> list[tuple[str, TelemetrySignal]]:
        due = self._clocks.due(flush_ms)
        if not due:
            return []
        self._window.stop_silent(self._clocks)
        self._see_all()
        said: list[tuple[str, TelemetrySignal]] = []
        config, store = self._config, self._store
        for environment, event_ms in due:
            here = store.in_environment(environment)
            whole = TelemetrySignal(
                source=self._source,
                observed_ms=event_ms,
                series=take_panes(store, here[store.columns.component], config.pane_ms),
                sightings=self._seen.tell(environment, config.sighting_panes),
                declared=self._edges.tell(environment, config.sighting_panes * config.pane_ms),
            )
            if says_nothing(whole) and not self._clocks.has_moved(environment):
                continue
            said.extend((environment, part) for part in cut(whole, config.panes_per_signal))
            self._clocks.spoke(environment)
        return said
