"""CORRELATE for one environment: signals in, Outputs out, in order of event time.

The funnel reads top down in `_look`: L1 regroups, L2 to L4 evaluate (metrics, traces, ranking),
then it is published if there is news. No clock: time is what the signals say. Invariant: the same
signals, shuffled within the lateness or repeated, give the same outputs.
"""

from dataclasses import dataclass, field, replace

from pipeline.alert_book import AlertBook, AlertRecord, Turn
from pipeline.case_view import CaseView
from pipeline.config import PipelineConfig
from pipeline.groups import Groups
from pipeline.incident_state import Group
from pipeline.lifecycle import due_ms, is_forgettable, ms, news, opens, window_end_ms
from pipeline.outputs import AlertSetAside, DropReason, IncidentPublished, Output, Transition
from pipeline.pane_store import PaneState, PaneStore
from pipeline.publish import Answer, alerts_of, snapshot
from pipeline.question import ask
from pipeline.reorder import ReorderBuffer, event_ms_of
from pipeline.service_graph import GraphState, ServiceGraph
from pipeline.timestamps import rfc3339
from pipeline.viewpoint import Viewpoint
from pipeline.watermark import Watermark
from schemas.candidate import Question, Ranker
from schemas.incident import Firing, Incident, IncidentStatus
from schemas.signal import AlertSignal, ChangeSignal, Signal, TelemetrySignal, TickSignal

_NEVER_MS = 1 << 62


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
        self._rank = rank
        self.clock_ms = 0
        self.watermark = Watermark()
        self.questions: list[Question] | None = None
        self._buffer = ReorderBuffer()
        self._graph = ServiceGraph(config.graph)
        self._store = PaneStore(config.evidence)
        self._book = AlertBook(config.grouping)
        viewpoint = Viewpoint(config=config, store=self._store, graph=self._graph, book=self._book)
        self._viewpoint = viewpoint
        self._groups = Groups(
            environment=environment, config=config, book=self._book, viewpoint=viewpoint
        )
        self._changes: list[ChangeSignal] = []
        self._changes_seen = False
        self._housekept_ms = 0
        self._next_due_ms: int | None = None

    def handle(self, signal: Signal, arrived_ms: int) -> list[Output]:
        """Take in one signal that arrived at `arrived_ms` and let event time pass."""
        watermark_ms = self._observe(signal, arrived_ms)
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
                outputs += self._run_timers(self.clock_ms)
        self.clock_ms = max(self.clock_ms, watermark_ms)
        return outputs

    def next_wakeup(self) -> int | None:
        """Return the event time at which something is due though nothing may happen before."""
        if self._next_due_ms is None:
            dues = [
                due_ms(g, self._config.grouping, self._config.firing)
                for g in self._groups.by_id.values()
            ]
            self._next_due_ms = min(dues, default=_NEVER_MS)
        return None if self._next_due_ms == _NEVER_MS else self._next_due_ms

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
            groups=dict(sorted(self._groups.by_id.items())),
            changes=list(self._changes),
            changes_seen=self._changes_seen,
            housekept_ms=self._housekept_ms,
        )

    def restore(self, state: EngineState) -> None:
        """Replace all state by a snapshot."""
        self.clock_ms, self.watermark = state.clock_ms, state.watermark
        self._buffer.restore(state.buffer)
        self._graph.restore(state.graph)
        self._store.restore(state.panes)
        self._book.restore(state.records)
        self._groups.by_id = dict(state.groups)
        self._changes, self._changes_seen = list(state.changes), state.changes_seen
        self._housekept_ms = state.housekept_ms
        self._next_due_ms = None

    def stats(self) -> dict[str, float]:
        """Return sizes and times for the shell's metrics."""
        active = self._groups.active()
        return {
            "watermark_ms": float(self.watermark.value_ms),
            "buffered": float(len(self._buffer)),
            "components": float(self._graph.graph.number_of_nodes()),
            "edges": float(self._graph.graph.number_of_edges()),
            "alerts_known": float(len(self._book.records)),
            "incidents_open": float(sum(g.is_open for g in active)),
            "groups_pending": float(sum(g.is_pending for g in active)),
        }

    # -- one event -------------------------------------------------------------------------------

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
                return self._housekeep(now_ms)
            case ChangeSignal():
                self._note_change(signal)
                return []
            case AlertSignal():
                self._next_due_ms = None
                return self._on_alert(signal, now_ms)
            case TickSignal():
                return []

    def _learn(self, signal: TelemetrySignal) -> None:
        self._store.add(signal)
        seen_ms = signal.observed_ms
        for service in signal.services:
            self._graph.add_component(service.component)
        for edge in signal.edges:
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

    def _note_change(self, signal: ChangeSignal) -> None:
        self._changes_seen = True
        self._graph.add_component(signal.component)
        if all(c.change.change_id != signal.change.change_id for c in self._changes):
            self._changes.append(signal)
            self._changes.sort(key=lambda c: (c.change.at_ms, c.change.change_id))
            del self._changes[: -self._config.evidence.max_changes]

    def _on_alert(self, signal: AlertSignal, now_ms: int) -> list[Output]:
        self._graph.add_component(signal.component)
        turn = self._book.fold(signal, now_ms)
        record = self._book.records[signal.alert.fingerprint]
        match turn:
            case Turn.FIRED:
                return self._on_fired(record, now_ms)
            case Turn.RESOLVED:
                self._end_member(record)
                return []
            case Turn.RESOLVED_UNSEEN:
                return [self._set_aside(record, DropReason.RESOLVED_UNSEEN, now_ms)]
            case Turn.REPEATED:
                return []

    def _on_fired(self, record: AlertRecord, now_ms: int) -> list[Output]:
        group = self._groups.of(record)
        if group is not None and self._takes_back(group, record, now_ms):
            return self._rejoin(group, record, now_ms)
        if record.starts_ms < now_ms - ms(self._config.watermark.late_seconds):
            return [self._set_aside(record, DropReason.LATE, now_ms)]
        if record.flapping:
            return [self._set_aside(record, DropReason.FLAPPING, now_ms)]
        outputs = self._make_room(now_ms)
        group = self._groups.place(record, now_ms)
        self._schedule(group, now_ms)
        return outputs

    def _takes_back(self, group: Group, record: AlertRecord, now_ms: int) -> bool:
        """Whether an alert that fires again belongs to where it was before."""
        if record.alert.fingerprint not in group.members:
            return False
        if group.is_active:
            return True
        reopen_ms = ms(self._config.firing.reopen_seconds)
        resolved_ms = group.resolved_ms or 0
        return group.status is IncidentStatus.RESOLVED and now_ms <= resolved_ms + reopen_ms

    def _rejoin(self, group: Group, record: AlertRecord, now_ms: int) -> list[Output]:
        member = group.members[record.alert.fingerprint]
        member.alert, member.starts_ms, member.ends_ms = record.alert, record.starts_ms, None
        if not group.window_closed:
            group.last_ms = max(group.last_ms, record.starts_ms)
        if group.is_active:
            return []
        group.status, group.resolved_ms = IncidentStatus.OPEN, None
        return self._restate(group, Transition.REOPENED, now_ms, ("a member alert fires again",))

    def _end_member(self, record: AlertRecord) -> None:
        group = self._groups.of(record)
        if group is not None and record.alert.fingerprint in group.members:
            member = group.members[record.alert.fingerprint]
            member.alert, member.ends_ms = record.alert, record.ends_ms

    def _schedule(self, group: Group, now_ms: int) -> None:
        """Look at a group soon after it grew: at its early firing, or when it may speak again."""
        firing = self._config.firing
        if group.is_pending:
            look_ms = max(now_ms, group.first_ms + ms(firing.early_seconds))
        else:
            last_ms = group.next_look_ms if group.next_look_ms is not None else now_ms
            soonest = now_ms + ms(firing.min_interval_seconds)
            look_ms = min(max(last_ms, now_ms), soonest)
        if group.next_look_ms is None or not group.is_pending:
            group.next_look_ms = look_ms
        else:
            group.next_look_ms = min(max(group.next_look_ms, now_ms), look_ms)
        self._next_due_ms = None

    # -- timers ----------------------------------------------------------------------------------

    def _run_timers(self, now_ms: int) -> list[Output]:
        outputs: list[Output] = []
        for group in sorted(
            self._groups.by_id.values(), key=lambda g: (g.first_ms, g.incident_id)
        ):
            if group.incident_id not in self._groups.by_id:
                continue
            if due_ms(group, self._config.grouping, self._config.firing) <= now_ms:
                outputs += self._attend(group, now_ms)
        self._next_due_ms = None
        return outputs

    def _attend(self, group: Group, now_ms: int) -> list[Output]:
        """Do what is due for one group."""
        if is_forgettable(group, now_ms, self._config.firing):
            del self._groups.by_id[group.incident_id]
            return []
        outputs: list[Output] = []
        ends = not group.window_closed and now_ms >= window_end_ms(group, self._config.grouping)
        if ends or (group.next_look_ms is not None and now_ms >= group.next_look_ms):
            outputs += self._look(group, now_ms, ends=ends)
        if group.is_open and self._is_over(group, now_ms):
            outputs.append(self._resolve(group, now_ms))
        return outputs

    def _look(self, group: Group, now_ms: int, *, ends: bool) -> list[Output]:
        """Regroup, evaluate, and publish what is new."""
        outputs, group = self._regroup(group, now_ms)
        ends = ends and now_ms >= window_end_ms(group, self._config.grouping)
        group.next_look_ms = None if ends else now_ms + ms(self._config.firing.evaluate_seconds)
        if group.is_pending:
            if opens(group, self._book, self._config.grouping):
                outputs.append(self._open(group, now_ms))
            elif not ends:
                group.next_look_ms = None  # nothing to say until it grows or its window ends
        elif group.is_open:
            outputs += self._update(group, now_ms, ends=ends)
        if ends:
            group.window_closed = True
            if group.is_pending:
                outputs += self._give_up(group, now_ms)
        return outputs

    def _regroup(self, group: Group, now_ms: int) -> tuple[list[Output], Group]:
        """L1 again, now that more is known: groups that turn out to be one become one."""
        outputs: list[Output] = []
        for other, reason in self._groups.linked_pairs(group, now_ms):
            first, second = sorted((group, other), key=_survivor_order)
            self._groups.absorb(first, second, reason)
            outputs += self._end_merged(first, second, now_ms)
            group = first
        return outputs, group

    def _end_merged(self, survivor: Group, loser: Group, now_ms: int) -> list[Output]:
        if loser.is_pending:
            del self._groups.by_id[loser.incident_id]
            return []
        loser.status, loser.merged_into = IncidentStatus.MERGED, survivor.incident_id
        loser.resolved_ms = now_ms
        told = (f"merged into {survivor.incident_id}",)
        return self._restate(loser, Transition.MERGED, now_ms, told)

    def _open(self, group: Group, now_ms: int) -> Output:
        group.status, group.opened_ms = IncidentStatus.OPEN, now_ms
        incident = self._evaluate(group, now_ms, Firing.EARLY)
        return self._publish(group, incident, Transition.OPENED, ("opened",))

    def _update(self, group: Group, now_ms: int, *, ends: bool) -> list[Output]:
        last = group.last
        assert last is not None, "an open incident has been published"
        firing = Firing.LATE if group.window_closed else Firing.EARLY
        incident = self._evaluate(group, now_ms, Firing.ON_TIME if ends else firing)
        quiet_ms = now_ms - group.published_ms
        told = news(last, incident, self._config.firing, quiet_ms)
        if ends:
            told = (*told, "its window ended")
        if not told:
            return []
        return [self._publish(group, incident, Transition.UPDATED, told)]

    def _evaluate(self, group: Group, now_ms: int, firing: Firing) -> Incident:
        """L2 to L4: measure every candidate, rank, and lay out the snapshot."""
        until_ms = min(now_ms, window_end_ms(group, self._config.grouping))
        scene = self._viewpoint.scene(until_ms, group.first_ms)
        case = CaseView(group, scene, self._changes, max_hops=self._config.grouping.max_hops)
        question = ask(
            case,
            flaps=lambda fingerprint: self._book.flaps(fingerprint, now_ms),
            changes_seen=self._changes_seen,
        )
        if self.questions is not None:
            self.questions.append(question)
        answer = Answer(case=case, question=question, diagnosis=self._rank(question))
        gap_ms = ms(self._config.grouping.gap_seconds)
        return snapshot(
            group,
            answer,
            environment=self.environment,
            firing=firing,
            now_ms=now_ms,
            gap_ms=gap_ms,
        )

    def _is_over(self, group: Group, now_ms: int) -> bool:
        firing = self._config.firing
        quiet = now_ms >= group.last_end_ms + ms(firing.quiet_seconds)
        expired = now_ms >= group.first_ms + ms(firing.expire_seconds)
        return (not group.is_firing and quiet) or expired

    def _resolve(self, group: Group, now_ms: int) -> Output:
        group.status = IncidentStatus.RESOLVED
        group.resolved_ms = now_ms if group.is_firing else group.last_end_ms
        group.window_closed, group.next_look_ms = True, None
        told = "its alerts never resolved, closed by age" if group.is_firing else "resolved"
        return self._restate(group, Transition.RESOLVED, now_ms, (told,))[0]

    def _restate(
        self, group: Group, transition: Transition, now_ms: int, told: tuple[str, ...]
    ) -> list[Output]:
        """Publish the last answer again with the group's new state."""
        last = group.last
        assert last is not None, "only a published incident is restated"
        incident = replace(
            last,
            status=group.status or IncidentStatus.OPEN,
            updated_at=rfc3339(now_ms),
            resolved_at=rfc3339(group.resolved_ms) if group.resolved_ms is not None else None,
            merged_into=group.merged_into,
            components=tuple(group.components),
            alerts=alerts_of(group),
            alert_count=len(group.members),
        )
        return [self._publish(group, incident, transition, told)]

    def _publish(
        self, group: Group, incident: Incident, transition: Transition, told: tuple[str, ...]
    ) -> Output:
        group.revision += 1
        flapping = tuple(
            f for f in sorted(group.members) if (r := self._book.records.get(f)) and r.flapping
        )
        incident = replace(incident, revision=group.revision, changed=told, flapping=flapping)
        group.last, group.published_ms = incident, self.clock_ms
        return IncidentPublished(transition=transition, incident=incident)

    # -- endings ---------------------------------------------------------------------------------

    def _give_up(self, group: Group, now_ms: int) -> list[Output]:
        """A pending group's window ended without company: its alerts are set aside."""
        return self._disband(group, DropReason.ALONE, now_ms)

    def _disband(self, group: Group, reason: DropReason, now_ms: int) -> list[Output]:
        del self._groups.by_id[group.incident_id]
        outputs: list[Output] = []
        for fingerprint in sorted(group.members):
            member, record = group.members[fingerprint], self._book.records.get(fingerprint)
            flaps = record is not None and record.flapping
            outputs.append(
                AlertSetAside(
                    environment=self.environment,
                    alert=member.alert,
                    component=member.component,
                    reason=DropReason.FLAPPING if flaps else reason,
                    at_ms=now_ms,
                )
            )
        return outputs

    def _set_aside(self, record: AlertRecord, reason: DropReason, now_ms: int) -> Output:
        record.group = None
        return AlertSetAside(
            environment=self.environment,
            alert=record.alert,
            component=record.component,
            reason=reason,
            at_ms=now_ms,
        )

    def _make_room(self, now_ms: int) -> list[Output]:
        """Keep the number of active groups within its limit by ending the oldest."""
        active = self._groups.active()
        if len(active) < self._config.grouping.max_groups:
            return []
        pending = [g for g in active if g.is_pending]
        if pending:
            return self._disband(pending[0], DropReason.OVERFLOW, now_ms)
        return [self._resolve(active[0], now_ms)]

    def _housekeep(self, now_ms: int) -> list[Output]:
        """Once a minute of event time, forget what is too old to be read."""
        if now_ms - self._housekept_ms >= 60_000:
            self._housekept_ms = now_ms
            self._graph.expire(now_ms)
            self._store.expire(now_ms, hold_from_ms=self._held_from(now_ms))
        return []

    def _held_from(self, now_ms: int) -> int:
        evidence = self._config.evidence
        past_ms = ms(evidence.baseline_seconds + evidence.baseline_gap_seconds)
        late_ms = ms(self._config.firing.late_seconds)
        read = [
            g.first_ms - past_ms
            for g in self._groups.active()
            if now_ms <= window_end_ms(g, self._config.grouping) + late_ms
        ]
        return min(read, default=now_ms)


def _survivor_order(group: Group) -> tuple[bool, int, str]:
    """What is published stays; then the earlier one; then the lower id."""
    return group.is_pending, group.first_ms, group.incident_id
