"""CORRELATE for one environment: signals in, Outputs out, in order of event time.

No clock: time is what the signals say. Invariant: the same signals, shuffled within the lateness
or repeated, give the same outputs; so do they across a snapshot and restore.
"""

from dataclasses import dataclass, field

from pipeline.alert_book import AlertBook, AlertRecord, Turn
from pipeline.case_view import CaseView
from pipeline.change_log import ChangeLog
from pipeline.config import PipelineConfig
from pipeline.desk import IncidentDesk
from pipeline.given_window import GivenWindow, group_of_window
from pipeline.incident_state import Group
from pipeline.lifecycle import ms, window_end_ms
from pipeline.outputs import DropReason, Output
from pipeline.pane_store import PaneState, PaneStore
from pipeline.question import ask
from pipeline.reorder import ReorderBuffer, event_ms_of
from pipeline.service_graph import GraphState, ServiceGraph
from pipeline.viewpoint import Viewpoint
from pipeline.watermark import Watermark
from schemas.candidate import Question, Ranker
from schemas.signal import AlertSignal, ChangeSignal, Signal, TelemetrySignal, TickSignal

_NEVER_MS = 1 << 62
DECLARED = "graph:"
"""Sources of declared edges; they say nothing about time."""


@dataclass(slots=True, kw_only=True)
class EngineState:
    """Everything an engine knows, as plain data."""

    environment: str
    clock_ms: int = 0
    watermark: Watermark = field(default_factory=Watermark)
    buffer: list[str] = field(default_factory=list)
    graph: GraphState = field(default_factory=GraphState)
    panes: PaneState = field(default_factory=PaneState)
    records: dict[str, AlertRecord] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    changes: list[ChangeSignal] = field(default_factory=list)
    changes_seen: bool = False
    housekept_ms: int = 0


class Engine:
    """One environment. `handle` and `advance` return what the shell must do."""

    def __init__(self, environment: str, config: PipelineConfig, rank: Ranker) -> None:
        self.environment = environment
        self._config = config
        self.clock_ms = 0
        self.watermark = Watermark()
        self._buffer = ReorderBuffer()
        self._graph = ServiceGraph(config.graph)
        self._store = PaneStore(config.evidence)
        self._book = AlertBook(config.grouping)
        self._changes = ChangeLog(limit=config.evidence.max_changes)
        self._viewpoint = Viewpoint(
            config=config, store=self._store, graph=self._graph, book=self._book
        )
        self.desk = IncidentDesk(
            environment=environment,
            config=config,
            rank=rank,
            book=self._book,
            viewpoint=self._viewpoint,
            changes=self._changes,
        )
        self._housekept_ms = 0

    def handle(self, signal: Signal, arrived_ms: int) -> list[Output]:
        """Take in one signal that arrived at `arrived_ms` and let event time pass."""
        if isinstance(signal, TelemetrySignal) and signal.source.startswith(DECLARED):
            self._learn(signal)  # what a file declares happened at no time
            return []
        watermark_ms = self._observe(signal, arrived_ms)
        if isinstance(signal, TickSignal):
            return self.advance(watermark_ms)  # were it held, it would ask for the next tick
        outputs: list[Output] = []
        if event_ms_of(signal) <= self.clock_ms:
            outputs += self._process(signal, self.clock_ms)
        else:
            self._buffer.push(signal)
        while len(self._buffer) > self._config.watermark.max_buffered:
            head = self._buffer.head_ms or self.clock_ms
            outputs += self.advance(max(watermark_ms, head))
        return outputs + self.advance(watermark_ms)

    def advance(self, watermark_ms: int) -> list[Output]:
        """Process everything that is due up to the watermark, events before timers."""
        outputs: list[Output] = []
        while True:
            head_ms = self._buffer.head_ms
            timer_ms = self.next_wakeup()
            due = min(_NEVER_MS if head_ms is None else head_ms, timer_ms or _NEVER_MS)
            if due > watermark_ms:
                break
            self.clock_ms = max(self.clock_ms, due)
            if head_ms == due:
                outputs += self._process(self._buffer.pop(), self.clock_ms)
            else:
                outputs += self.desk.run_timers(self.clock_ms)
        self.clock_ms = max(self.clock_ms, watermark_ms)
        return outputs

    def close(self) -> list[Output]:
        """End the environment: process what is held, then end every group, each with an output."""
        outputs: list[Output] = []
        while len(self._buffer):
            outputs += self._process(self._buffer.pop(), self.clock_ms)
        return outputs + self.desk.close(self.clock_ms)

    def question_of(self, window: GivenWindow) -> Question:
        """Measure everybody in a window that was given; what is known now is what counts."""
        case = CaseView(
            group_of_window(window, self._book.records.values()),
            self._viewpoint.scene(window.until_ms, window.onset_ms),
            self._changes.signals,
            max_hops=self._config.grouping.max_hops,
            given=window,
        )
        return ask(
            case,
            flaps=lambda fingerprint: self._book.flaps(fingerprint, window.until_ms),
            changes_seen=self._changes.any_seen,
        )

    def next_wakeup(self) -> int | None:
        """Return the event time at which something is due though nothing may happen before."""
        return self.desk.next_due()

    def buffered_until(self) -> int | None:
        """Return the event time of the first signal that waits for the watermark."""
        return self._buffer.head_ms

    def snapshot(self) -> EngineState:
        """Return all state as plain data."""
        return EngineState(
            environment=self.environment,
            clock_ms=self.clock_ms,
            watermark=self.watermark,
            buffer=self._buffer.snapshot(),
            graph=self._graph.snapshot(),
            panes=self._store.snapshot(),
            records=dict(sorted(self._book.records.items())),
            groups=dict(sorted(self.desk.groups.by_id.items())),
            changes=list(self._changes.signals),
            changes_seen=self._changes.any_seen,
            housekept_ms=self._housekept_ms,
        )

    def restore(self, state: EngineState) -> None:
        """Replace all state by a snapshot."""
        self.clock_ms, self.watermark = state.clock_ms, state.watermark
        self._buffer.restore(state.buffer)
        self._graph.restore(state.graph)
        self._store.restore(state.panes)
        self._book.restore(state.records)
        self.desk.restore(state.groups)
        self._changes.signals, self._changes.any_seen = list(state.changes), state.changes_seen
        self._housekept_ms = state.housekept_ms

    def stats(self) -> dict[str, float]:
        """Return sizes and times for the shell's metrics."""
        active = self.desk.groups.active()
        return {
            "watermark_ms": float(self.watermark.value_ms),
            "buffered": float(len(self._buffer)),
            "components": float(self._graph.graph.number_of_nodes()),
            "edges": float(self._graph.graph.number_of_edges()),
            "alerts_known": float(len(self._book.records)),
            "incidents_open": float(sum(g.is_open for g in active)),
            "groups_pending": float(sum(g.is_pending for g in active)),
        }

    def _observe(self, signal: Signal, arrived_ms: int) -> int:
        config = self._config.watermark
        if isinstance(signal, TelemetrySignal):
            return self.watermark.dense(
                signal.source, signal.observed_ms, arrived_ms, config=config
            )
        return self.watermark.sparse(event_ms_of(signal), arrived_ms, config=config)

    def _process(self, signal: Signal, now_ms: int) -> list[Output]:
        match signal:
            case TelemetrySignal():
                self._learn(signal)
                self._housekeep(now_ms)
                return []
            case ChangeSignal():
                self._graph.add_component(signal.component)
                self._changes.add(signal)
                return []
            case AlertSignal():
                return self._on_alert(signal, now_ms)
            case TickSignal():
                return []

    def _learn(self, signal: TelemetrySignal) -> None:
        self._store.add(signal)
        seen_ms = signal.observed_ms
        for service in signal.services:
            self._graph.add_component(service.component)
        for edge in (e for e in signal.edges if e.count):
            self._graph.add_edge(edge.caller, edge.callee, source="spans", seen_ms=seen_ms)
        for declared in signal.declared:
            self._graph.add_edge(
                declared.caller, declared.callee, source=declared.source, seen_ms=seen_ms
            )
        for sighting in signal.sightings:
            self._graph.add_component(sighting.component)
            for node in sighting.runs_on:
                self._graph.add_edge(
                    sighting.component, node, source="resource", seen_ms=seen_ms, runs_on=True
                )

    def _on_alert(self, signal: AlertSignal, now_ms: int) -> list[Output]:
        self._graph.add_component(signal.component)
        turn = self._book.fold(signal, now_ms)
        record = self._book.records[signal.alert.fingerprint]
        match turn:
            case Turn.FIRED:
                return self.desk.fire(record, now_ms)
            case Turn.RESOLVED:
                self.desk.end_member(record)
                return []
            case Turn.RESOLVED_UNSEEN:
                return [self.desk.set_aside(record, DropReason.RESOLVED_UNSEEN, now_ms)]
            case Turn.REPEATED:
                return []

    def _housekeep(self, now_ms: int) -> None:
        """Once a minute of event time, forget what is too old to be read."""
        if now_ms - self._housekept_ms >= 60_000:
            self._housekept_ms = now_ms
            self._graph.expire(now_ms)
            self._store.expire(now_ms, hold_from_ms=self._held_from(now_ms))

    def _held_from(self, now_ms: int) -> int:
        evidence = self._config.evidence
        past_ms = ms(evidence.baseline_seconds + evidence.baseline_gap_seconds)
        late_ms = ms(self._config.firing.late_seconds)
        read = [
            g.first_ms - past_ms
            for g in self.desk.groups.active()
            if now_ms <= window_end_ms(g, self._config.grouping) + late_ms
        ]
        return min(read, default=now_ms)
