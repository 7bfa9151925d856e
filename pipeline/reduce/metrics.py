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
from pipeline.reduce.packing import dump, load
from pipeline.reduce.pairing import Derivation
from pipeline.reduce.rates import Increments, increments
from pipeline.reduce.roster import NEVER
from pipeline.reduce.series_facts import DERIVED, facts_of
from pipeline.reduce.series_panes import take_panes
from pipeline.reduce.series_store import IGNORED, SeriesStore, StoreState
from pipeline.reduce.sightings import Seen, SightingBook
from pipeline.reduce.speech import cut
from schemas.component import Component
from schemas.resolve import Resolver
from schemas.signal import TelemetrySignal
from schemas.telemetry import MetricBatch, Series

_UNKNOWN = -(1 << 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricState:
    """A snapshot of the reducer."""

    store: StoreState
    clocks: dict[str, Clock]
    seen: list[Seen]
    edges: list[DeclaredEdge]
    nodes: dict[int, Component]
    edge_series: list[tuple[tuple[str, tuple[tuple[str, str], ...]], int]]
    counts: dict[str, int]


class MetricReducer:
    """Reduces the samples of one input partition."""

    def __init__(self, source: str, resolver: Resolver, config: ReduceConfig) -> None:
        self._source = source
        self._resolver = resolver
        self._config = config
        self._store = SeriesStore(config)
        self._clocks = Clocks()
        self._seen = SightingBook()
        self._edges = DeclaredEdges()
        self._nodes: dict[int, Component] = {}
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
                store=self._store.state(),
                clocks=self._clocks.by_environment,
                seen=self._seen.entries,
                edges=self._edges.entries,
                nodes=self._nodes,
                edge_series=[(key, mark) for key, mark in index if mark < IGNORED],
                counts=self._counts,
            )
        )

    def restore(self, data: bytes) -> None:
        """Take over a frozen state; the reducer then goes on as if it had never stopped."""
        state = load(data, MetricState)
        self._store = SeriesStore(self._config)
        self._store.restore(state.store)
        self._clocks = Clocks(state.clocks)
        self._seen = SightingBook(state.seen)
        self._edges = DeclaredEdges(state.edges)
        self._nodes = state.nodes
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
                self._nodes[int(self._store.columns.target[slot])] = node
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
        self._add(got, pane)

    def _says_nothing(
        self, slots: NDArray[np.int64], values: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Tell a summary's NaN, which says "no observations", from a stale marker."""
        silent = np.isnan(values) & (slots >= 0)
        for row in np.flatnonzero(silent).tolist():
            labels = self._store.fact(int(slots[row])).labels
            silent[row] = any(name == "quantile" for name, _ in labels)
        return silent

    def _add(self, got: Increments, pane: int) -> None:
        columns, slots = self._store.columns, got.slots
        self._roll(slots, np.full(len(slots), pane))
        columns.sum[slots] += got.sums
        columns.weight[slots] += got.weights
        columns.samples[slots] += got.samples
        columns.last_ms[slots] = got.last_ms
        columns.last_value[slots] = got.last_value
        columns.stale[slots[~got.stopped]] = 0
        self._stop(slots[got.stopped], np.full(int(got.stopped.sum()), pane))
        self._store.places.touch(columns.component[slots], got.last_ms)
        self._store.targets.touch(columns.target[slots], got.last_ms)
        self._judge(slots[columns.judged[slots] & (columns.samples[slots] > 0)])
        derived = self._store.pairs.derive(columns, slots)
        if derived is not None:
            self._add_derived(derived)

    def _add_derived(self, derived: Derivation) -> None:
        columns, slots = self._store.columns, derived.slots
        self._roll(slots, derived.panes)
        columns.sum[slots] = derived.sums
        columns.weight[slots] = derived.weights
        columns.samples[slots] = derived.samples
        columns.last_ms[slots] = derived.last_ms
        self._judge(slots[derived.weights > 0])

    def _roll(self, slots: NDArray[np.int64], panes: NDArray[np.int64]) -> None:
        """Close the open panes of slots that come to a new one: remember and learn them."""
        columns = self._store.columns
        moving = columns.pane[slots] < panes
        slots, panes = slots[moving], panes[moving]
        if not len(slots):
            return
        done = slots[(columns.samples[slots] > 0) & (columns.weight[slots] > 0)]
        done = done[columns.judged[done]]
        values, old = columns.sum[done] / columns.weight[done], columns.pane[done]
        place = old % columns.history
        columns.past_pane[done, place] = old
        columns.past_value[done, place] = values
        columns.past_samples[done, place] = columns.samples[done]
        columns.past_sent[done, place] = columns.sent[done]
        columns.closed_value[done] = values
        self._store.bank.update(done, values, old * self._config.pane_ms)
        for now, before in (
            (columns.pane, columns.before_pane),
            (columns.sum, columns.before_sum),
            (columns.weight, columns.before_weight),
            (columns.samples, columns.before_samples),
        ):
            before[slots] = now[slots]
            now[slots] = 0
        columns.sent[slots] = 0
        columns.pane[slots] = panes

    def _judge(self, slots: NDArray[np.int64]) -> None:
        """Mark series as anomalous by their open panes."""
        columns = self._store.columns
        slots = slots[columns.weight[slots] > 0]
        values = columns.sum[slots] / columns.weight[slots]
        z = self._store.bank.z(slots, values)
        sign = columns.sign[slots]
        bad = np.where(sign == 0, np.abs(z), sign * z) >= self._config.anomaly_z
        closed = columns.closed_value[slots]
        bad |= columns.watched[slots] & (np.abs(values - closed) > 1e-9)
        hot = slots[bad]
        until = columns.pane[hot] + self._config.history_panes
        columns.hot_until[hot] = until
        np.maximum.at(self._store.places.hot_until, columns.component[hot], until)

    def _stop(self, slots: NDArray[np.int64], panes: NDArray[np.int64]) -> None:
        """Mark series that stopped, if they were known well enough to be missed."""
        columns, known = self._store.columns, self._store.bank.known
        # Who holds a connection comes and goes without anything having stopped.
        missed = columns.judged[slots] & (columns.stale[slots] == 0) & ~columns.companion[slots]
        missed &= (known[slots] >= self._config.baseline.warm_up) | (known[slots] < 0)
        columns.stale[slots[missed]] = 1
        columns.stale_pane[slots[missed]] = panes[missed]

    def _stop_silent(self) -> None:
        """Find series whose siblings speak on, and components that fell silent as a whole."""
        columns, places, targets = self._store.columns, self._store.places, self._store.targets
        slots = np.flatnonzero(columns.live & columns.judged & (columns.stale == 0))
        slots = slots[columns.reading[slots] != DERIVED]
        sibling_ms = targets.last_ms[columns.target[slots]]
        alone = sibling_ms - columns.last_ms[slots] > self._config.stale_seconds * 1000
        self._stop(slots[alone], sibling_ms[alone] // self._config.pane_ms)
        clocks = self._clocks.by_environment
        place = self._store.environment_of
        events = [clocks[name].event_ms for name in self._store.environments]
        now = np.array(events, np.int64)[place]
        gone = now - places.last_ms[: len(places)] > self._config.silent_seconds * 1000
        silent = slots[gone[columns.component[slots]]]
        self._stop(silent, now[columns.component[silent]] // self._config.pane_ms)

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
        for target, node in self._nodes.items():
            place, at_ms = targets.members[target][0], int(targets.last_ms[target])
            silent_panes = int(places.last_ms[place]) // pane_ms - at_ms // pane_ms
            if silent_panes <= self._config.sighting_panes:
                self._seen.add_node(*places.members[place], node, at_ms // pane_ms)

    def _speak(self, flush_ms: int) -> list[tuple[str, TelemetrySignal]]:
        due = self._clocks.due(flush_ms)
        if not due:
            return []
        self._stop_silent()
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
            said.extend((environment, part) for part in cut(whole, config.panes_per_signal))
            self._clocks.spoke(environment)
        return said
