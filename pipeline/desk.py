"""The life of incidents: when a group becomes one, what is published, how it ends.

The funnel reads top down in `_look`: L1 regroups, L2 to L4 evaluate (metrics, traces, ranking),
then it is published if there is news.
"""

from dataclasses import replace

from pipeline.agenda import Agenda
from pipeline.alert_book import AlertBook, AlertRecord
from pipeline.case_view import CaseView
from pipeline.change_log import ChangeLog
from pipeline.config import PipelineConfig
from pipeline.groups import Groups
from pipeline.incident_state import Group
from pipeline.lifecycle import due_ms, is_forgettable, ms, news, opens, window_end_ms
from pipeline.outputs import AlertSetAside, DropReason, IncidentPublished, Output, Transition
from pipeline.publish import Answer, alerts_of, snapshot
from pipeline.question import ask
from pipeline.regroup import Regrouper
from pipeline.timestamps import rfc3339
from pipeline.viewpoint import Viewpoint
from schemas.candidate import Ranker
from schemas.incident import Firing, Incident, IncidentStatus

_SPLIT_LOOK_MS = 1_000
"""A group that split off is looked at this much later, so that a look never calls for another."""


class IncidentDesk:
    """Attends to the groups of one environment; every method returns what the shell must do."""

    def __init__(
        self,
        *,
        environment: str,
        config: PipelineConfig,
        rank: Ranker,
        book: AlertBook,
        viewpoint: Viewpoint,
        changes: ChangeLog,
    ) -> None:
        self._environment = environment
        self._config = config
        self._rank = rank
        self._book = book
        self._viewpoint = viewpoint
        self._changes = changes
        self.groups = Groups(
            environment=environment, config=config, book=book, viewpoint=viewpoint
        )
        self._regrouper = Regrouper(self.groups, viewpoint)
        self._agenda = Agenda(lambda g: due_ms(g, config.grouping, config.firing))

    def next_due(self) -> int | None:
        """Return the next instant at which some group needs attention."""
        return self._agenda.next_due()

    def restore(self, groups: dict[str, Group]) -> None:
        """Replace all groups by a snapshot."""
        self.groups.restore(groups)
        self._agenda.rebuild(self.groups.by_id.values())

    def fire(self, record: AlertRecord, now_ms: int) -> list[Output]:
        """Put an alert that began to fire where it belongs."""
        group = self.groups.of(record)
        if group is not None and self._takes_back(group, record, now_ms):
            return self._rejoin(group, record, now_ms)
        if record.starts_ms < now_ms - ms(self._config.watermark.late_seconds):
            return [self.set_aside(record, DropReason.LATE, now_ms)]
        if record.flapping:
            return [self.set_aside(record, DropReason.FLAPPING, now_ms)]
        outputs = self._make_room(now_ms)
        group = self.groups.place(record, now_ms)
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
            self._schedule(group, now_ms)
            return []
        group.status, group.resolved_ms = IncidentStatus.OPEN, None
        self._agenda.touch(group)
        return self._restate(group, Transition.REOPENED, now_ms, ("a member alert fires again",))

    def end_member(self, record: AlertRecord) -> None:
        """Note that a member resolved."""
        group = self.groups.of(record)
        if group is not None and record.alert.fingerprint in group.members:
            member = group.members[record.alert.fingerprint]
            member.alert, member.ends_ms = record.alert, record.ends_ms
            self._agenda.touch(group)

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
        self._agenda.touch(group)

    def run_timers(self, now_ms: int) -> list[Output]:
        """Attend to every group that is due, the earliest first."""
        outputs: list[Output] = []
        due = [self.groups.by_id[i] for i in self._agenda.due_at(now_ms)]
        for group in sorted(due, key=lambda g: (g.first_ms, g.incident_id)):
            if group.incident_id in self.groups.by_id:
                outputs += self._attend(group, now_ms)
            if group.incident_id in self.groups.by_id:
                self._agenda.touch(group)
        return outputs

    def _attend(self, group: Group, now_ms: int) -> list[Output]:
        """Do what is due for one group."""
        if is_forgettable(group, now_ms, self._config.firing):
            self._forget(group)
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
                outputs += self._disband(group, DropReason.ALONE, now_ms)
        return outputs

    def _regroup(self, group: Group, now_ms: int) -> tuple[list[Output], Group]:
        """L1 again, now that more is known; every group that it touches is looked at soon."""
        outputs: list[Output] = []
        result = self._regrouper.regroup(group, now_ms)
        for survivor, loser in result.merged:
            outputs += self._end_merged(survivor, loser, now_ms)
        for other in result.created:
            self._schedule(other, now_ms + _SPLIT_LOOK_MS)
        for other in result.changed:
            if other is not result.group:
                self._schedule(other, now_ms + ms(self._config.firing.min_interval_seconds))
        self._agenda.touch(result.group)
        return outputs, result.group

    def _end_merged(self, survivor: Group, loser: Group, now_ms: int) -> list[Output]:
        if loser.is_pending:
            self._forget(loser)
            return []
        loser.status, loser.merged_into = IncidentStatus.MERGED, survivor.incident_id
        loser.resolved_ms = now_ms
        self._agenda.touch(loser)
        told = (f"merged into {survivor.incident_id}",)
        return self._restate(loser, Transition.MERGED, now_ms, told)

    def _open(self, group: Group, now_ms: int) -> Output:
        group.status, group.opened_ms = IncidentStatus.OPEN, now_ms
        incident = self._evaluate(group, now_ms, Firing.EARLY)
        return self._publish(group, incident, Transition.OPENED, now_ms, ("opened",))

    def _update(self, group: Group, now_ms: int, *, ends: bool) -> list[Output]:
        last = group.last
        assert last is not None, "an open incident has been published"
        firing = Firing.LATE if group.window_closed else Firing.EARLY
        incident = self._evaluate(group, now_ms, Firing.ON_TIME if ends else firing)
        quiet_ms = now_ms - group.published_ms
        told = (*group.notes, *news(last, incident, self._config.firing, quiet_ms))
        if ends:
            told = (*told, "its window ended")
        if not told:
            return []
        return [self._publish(group, incident, Transition.UPDATED, now_ms, told)]

    def _evaluate(self, group: Group, now_ms: int, firing: Firing) -> Incident:
        """L2 to L4: measure every candidate, rank, and lay out the snapshot."""
        until_ms = min(now_ms, self._evidence_end_ms(group))
        scene = self._viewpoint.scene(until_ms, group.first_ms)
        case = CaseView(
            group, scene, self._changes.signals, max_hops=self._config.grouping.max_hops
        )
        question = ask(
            case,
            flaps=lambda fingerprint: self._book.flaps(fingerprint, now_ms),
            changes_seen=self._changes.any_seen,
        )
        answer = Answer(case=case, question=question, diagnosis=self._rank(question))
        gap_ms = ms(self._config.grouping.gap_seconds)
        return snapshot(
            group,
            answer,
            environment=self._environment,
            firing=firing,
            now_ms=now_ms,
            gap_ms=gap_ms,
        )

    def _evidence_end_ms(self, group: Group) -> int:
        """Where the evidence ends: a while after the last alert, and not after all telemetry."""
        end_ms = group.last_ms + ms(self._config.evidence.after_seconds)
        newest_ms = self._viewpoint.telemetry_until_ms
        return min(end_ms, newest_ms) if newest_ms > group.first_ms else end_ms

    def _is_over(self, group: Group, now_ms: int) -> bool:
        firing = self._config.firing
        quiet = now_ms >= group.last_end_ms + ms(firing.quiet_seconds)
        expired = now_ms >= group.first_ms + ms(firing.expire_seconds)
        return (not group.is_firing and quiet) or expired

    def _resolve(self, group: Group, now_ms: int) -> Output:
        group.status = IncidentStatus.RESOLVED
        group.resolved_ms = now_ms if group.is_firing else group.last_end_ms
        group.window_closed, group.next_look_ms = True, None
        self._agenda.touch(group)
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
        return [self._publish(group, incident, transition, now_ms, told)]

    def _publish(
        self,
        group: Group,
        incident: Incident,
        transition: Transition,
        now_ms: int,
        told: tuple[str, ...],
    ) -> Output:
        group.revision += 1
        flapping = tuple(
            f for f in sorted(group.members) if (r := self._book.records.get(f)) and r.flapping
        )
        incident = replace(incident, revision=group.revision, changed=told, flapping=flapping)
        group.last, group.published_ms, group.notes = incident, now_ms, []
        return IncidentPublished(transition=transition, incident=incident)

    def _forget(self, group: Group) -> None:
        self.groups.remove(group)
        self._agenda.drop(group.incident_id)

    def _disband(self, group: Group, reason: DropReason, now_ms: int) -> list[Output]:
        self._forget(group)
        outputs: list[Output] = []
        for fingerprint in sorted(group.members):
            member, record = group.members[fingerprint], self._book.records.get(fingerprint)
            flaps = record is not None and record.flapping
            outputs.append(
                AlertSetAside(
                    environment=self._environment,
                    alert=member.alert,
                    component=member.component,
                    reason=DropReason.FLAPPING if flaps else reason,
                    at_ms=now_ms,
                )
            )
        return outputs

    def set_aside(self, record: AlertRecord, reason: DropReason, now_ms: int) -> Output:
        """End an alert outside every incident."""
        record.group = None
        return AlertSetAside(
            environment=self._environment,
            alert=record.alert,
            component=record.component,
            reason=reason,
            at_ms=now_ms,
        )

    def _make_room(self, now_ms: int) -> list[Output]:
        """Keep the number of active groups within its limit by ending the oldest."""
        if len(self.groups.by_id) < self._config.grouping.max_groups:
            return []
        active = self.groups.active()
        if len(active) < self._config.grouping.max_groups:
            return []
        pending = [g for g in active if g.is_pending]
        if pending:
            return self._disband(pending[0], DropReason.OVERFLOW, now_ms)
        return [self._resolve(active[0], now_ms)]

    def close(self, now_ms: int) -> list[Output]:
        """End every group: incidents resolve, alerts that wait for company overflow."""
        outputs: list[Output] = []
        for group in self.groups.active():
            if group.is_pending:
                outputs += self._disband(group, DropReason.OVERFLOW, now_ms)
            else:
                outputs.append(self._resolve(group, now_ms))
        return outputs
