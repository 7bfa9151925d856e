"""The span reducer: spans in, service panes, edge panes and sightings out.

What a span says by itself (count, errors, latency, its call) counts at once; what takes its
relatives (self time, origin of errors, whether a call was served) counts when they are together,
and is corrected when one comes late. Invariant: totals do not depend on the order of spans within
a batch, nor on repeats.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.reduce.clock import Clock, Clocks
from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.packing import Column, check_layout, dump, load, pack, unpack
from pipeline.reduce.pane_book import BookState
from pipeline.reduce.roster import NEVER, Roster
from pipeline.reduce.series_store import Place
from pipeline.reduce.sightings import Seen, SightingBook
from pipeline.reduce.span_books import SpanBooks
from pipeline.reduce.span_facts import Mark
from pipeline.reduce.span_rows import INTERNAL, SERVING, SpanReader, SpanRows
from pipeline.reduce.speech import cut, says_nothing
from pipeline.reduce.traces import Traces, Waiting
from pipeline.reduce.usual_calls import UsualState
from schemas.resolve import Resolver
from schemas.signal import TelemetrySignal
from schemas.telemetry import SpanBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanState:
    """A snapshot of the reducer."""

    layout: dict[str, int]
    places: list[Place]
    place_times: dict[str, Column]
    store: dict[str, Column]
    waiting: dict[int, Waiting]
    meanings: dict[int, int]
    speaking: list[int]
    books: tuple[BookState, BookState, int]
    clocks: dict[str, Clock]
    usual: UsualState
    seen: list[Seen]
    counts: dict[str, int]


class SpanReducer:
    """Reduces the spans of one input partition."""

    def __init__(self, source: str, resolver: Resolver, config: ReduceConfig) -> None:
        self._source = source
        self._config = config
        self._reader = SpanReader(resolver, config)
        self._books = SpanBooks(config)
        self._traces = Traces(config, self._reader, self._books)
        self._clocks = Clocks()
        self._seen = SightingBook()
        self._counts = {"spans": 0, "repeated": 0, "late": 0, "homeless": 0}

    def handle(self, batch: SpanBatch, arrived_ms: int) -> list[tuple[str, TelemetrySignal]]:
        """Take in a batch; return what there is to say, with its environment."""
        self._counts["spans"] += len(batch)
        if len(batch):
            rows = self._reader.read(batch)
            self._counts["homeless"] += len(batch) - len(rows)
            fresh = self._traces.admit(rows)
            self._counts["repeated"] += len(rows) - len(fresh)
            self._serve(fresh)
            self._sight(batch, fresh, arrived_ms + int(self._config.future_seconds * 1000))
        if len(self._traces.store) > self._config.span_limit:
            self._traces.fold(self._event_ms(), everything=False)
        return self._speak(self._config.flush_ms, everything=False)

    def flush(self) -> list[tuple[str, TelemetrySignal]]:
        """Count all that is still held; return all that changed since it was last said."""
        return self._speak(0, everything=True)

    def stats(self) -> dict[str, float]:
        """Return counts for the shell's own metrics."""
        return {
            **self._counts,
            "crowded_out": self._traces.crowded_out,
            "spans_held": len(self._traces.store),
            "components": len(self._reader.places),
        }

    def snapshot(self) -> bytes:
        """Freeze the state."""
        traces = self._traces
        return dump(
            SpanState(
                layout=self._config.layout,
                places=self._reader.places.members,
                place_times=pack(self._reader.places.columns()),
                store=pack(traces.store.arrays()),
                waiting=traces.waiting,
                meanings=traces.aliases.meanings,
                speaking=np.flatnonzero(traces.speaking).tolist(),
                books=self._books.state(),
                clocks=self._clocks.by_environment,
                usual=traces.requests.state(),
                seen=self._seen.entries,
                counts={**self._counts, "crowded_out": traces.crowded_out},
            )
        )

    def restore(self, data: bytes) -> None:
        """Take over a frozen state; the reducer then goes on as if it had never stopped."""
        state = load(data, SpanState)
        check_layout(state.layout, self._config.layout)
        self._reader.places = Roster.of(state.places, unpack(state.place_times))
        self._reader.forget()
        self._books = SpanBooks(self._config)
        self._books.restore(state.books)
        traces = self._traces = Traces(self._config, self._reader, self._books)
        traces.store.restore(unpack(state.store))
        traces.requests.restore(state.usual)
        traces.waiting = state.waiting
        traces.aliases.meanings = state.meanings
        traces.speaking[state.speaking] = True
        self._counts = state.counts
        traces.crowded_out = self._counts.pop("crowded_out")
        self._clocks = Clocks(state.clocks)
        self._seen = SightingBook(state.seen)

    def _serve(self, rows: SpanRows) -> None:
        """Count what spans say about their own service."""
        timely = self._books.in_time(rows.end_ns)
        self._counts["late"] += len(rows) - int(timely.sum())
        internal = INTERNAL[rows.kind]
        # A root that nobody called is a job: it serves whoever scheduled it.
        entry = SERVING[rows.kind] | (internal & (rows.parent == 0))
        part = rows.where(timely & entry)
        if len(part):
            self._books.serve(
                part.component, part.start_ns, part.end_ns, part.failed, part.contender
            )
        waited = timely & internal & ((rows.marks & Mark.WAIT) != 0)
        if waited.any():
            part = rows.where(waited)
            self._books.wait(part.component, part.start_ns, part.end_ns)

    def _sight(self, batch: SpanBatch, rows: SpanRows, believed_ms: int) -> None:
        """Note who sent spans, and how far event time has come."""
        latest = np.full(len(batch.resources), NEVER, np.int64)
        np.maximum.at(latest, batch.resource[rows.row], rows.end_ns // 1_000_000)
        for resource, end_ms in enumerate(latest.tolist()):
            if end_ms == NEVER:
                continue
            place, node = self._reader.owner(batch.resources[resource])
            environment, component = self._reader.places.members[place]
            pane = end_ms // self._config.pane_ms
            self._seen.add_spans(environment, component, pane)
            if node is not None and node != component:
                self._seen.add_node(environment, component, node, pane)
            self._clocks.advance(environment, min(end_ms, believed_ms))

    def _event_ms(self) -> int:
        return max(clock.event_ms for clock in self._clocks.by_environment.values())

    def _speak(self, flush_ms: int, *, everything: bool) -> list[tuple[str, TelemetrySignal]]:
        due = self._clocks.due(flush_ms)
        if not due:
            return []
        self._traces.fold(self._event_ms(), everything=everything)
        self._books.expire(self._event_ms())
        self._traces.requests.learn(self._event_ms())
        said: list[tuple[str, TelemetrySignal]] = []
        for environment, event_ms in due:
            whole = TelemetrySignal(
                source=self._source,
                observed_ms=event_ms,
                services=self._books.service_panes(self._reader.places, environment),
                edges=self._books.edge_panes(self._reader.places, environment),
                sightings=self._seen.tell(environment, self._config.sighting_panes),
            )
            if says_nothing(whole) and not self._clocks.has_moved(environment):
                continue
            said.extend((environment, part) for part in cut(whole, self._config.panes_per_signal))
            self._clocks.spoke(environment)
        return said
