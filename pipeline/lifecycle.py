"""When a group is to be looked at next, when it becomes an incident, and what counts as news."""

from pipeline.alert_book import AlertBook
from pipeline.config import FiringConfig, GroupingConfig
from pipeline.incident_state import Group
from schemas.alert import Severity
from schemas.incident import Incident, IncidentStatus

_ALONE = {
    "info": Severity.INFO,
    "warning": Severity.WARNING,
    "unknown": Severity.UNKNOWN,
    "critical": Severity.CRITICAL,
}


def ms(seconds: float) -> int:
    """Turn configured seconds into event-time milliseconds."""
    return int(seconds * 1000)


def window_end_ms(group: Group, config: GroupingConfig) -> int:
    """Return when its window ends: a gap after its last alert, but never beyond its full age."""
    return min(group.last_ms + ms(config.gap_seconds), group.first_ms + ms(config.max_age_seconds))


def due_ms(group: Group, grouping: GroupingConfig, firing: FiringConfig) -> int:
    """Return the next instant at which the group needs attention."""
    if not group.is_active:
        kept = max(firing.reopen_seconds, firing.late_seconds)
        return (group.resolved_ms or group.first_ms) + ms(kept)
    due = [group.first_ms + ms(firing.expire_seconds)]
    if group.next_look_ms is not None:
        due.append(group.next_look_ms)
    if not group.window_closed:
        due.append(window_end_ms(group, grouping))
    if group.is_open and not group.is_firing:
        due.append(group.last_end_ms + ms(firing.quiet_seconds))
    # Nothing is due before the group existed: alerts may come with a start long ago.
    return max(min(due), group.created_ms)


def may_join(
    group: Group, start_ms: int, now_ms: int, *, config: GroupingConfig, late_ms: int
) -> bool:
    """Whether an alert that started at `start_ms` may still join this group."""
    gap = ms(config.gap_seconds)
    in_reach = group.first_ms - gap <= start_ms <= group.last_ms + gap
    young = abs(start_ms - group.first_ms) <= ms(config.max_age_seconds)
    in_time = not group.window_closed or now_ms <= window_end_ms(group, config) + late_ms
    room = len(group.members) < config.max_alerts
    return group.is_active and in_reach and young and in_time and room


def opens(group: Group, book: AlertBook, config: GroupingConfig) -> bool:
    """Whether its alerts are enough for an incident: one that pages by itself, or two kinds.

    Flapping alerts do not count; two copies of one rule on one component are one kind.
    """
    steady = [
        member
        for fingerprint, member in group.members.items()
        if not (record := book.records.get(fingerprint)) or not record.flapping
    ]
    alone = _ALONE[config.open_alone_severity]
    if any(m.alert.severity >= alone for m in steady):
        return True
    return len({(m.alert.rule, m.component.name) for m in steady}) >= 2


def news(last: Incident, now: Incident, config: FiringConfig, quiet_ms: int) -> tuple[str, ...]:
    """Say what is new since the last revision; empty when it is not worth a new one.

    Args:
        last: the revision published last.
        now: what would be published.
        config: thresholds.
        quiet_ms: event time since the last revision.
    """
    told: list[str] = []
    before, after = _top(last), _top(now)
    if before != after:
        told.append(f"best candidate changed from {before or 'none'} to {after or 'none'}")
    moved = _confidence(now) - _confidence(last)
    if before == after and abs(moved) > config.confidence_step:
        told.append(f"confidence moved from {_confidence(last):.2f} to {_confidence(now):.2f}")
    if last.abstained != now.abstained:
        told.append("the answer is withheld now" if now.abstained else "there is an answer now")
    if before == after and _pattern(last) != _pattern(now) and not now.abstained:
        told.append(f"pattern changed from {_pattern(last)} to {_pattern(now)}")
    grown = now.alert_count - last.alert_count
    much = grown > last.alert_count * config.growth_share
    if much or (grown > 0 and quiet_ms >= ms(config.growth_seconds)):
        told.append(f"{grown} more alert{'' if grown == 1 else 's'}")
    if not told and quiet_ms >= ms(config.refresh_seconds):
        told.append("refresh")
    return tuple(told)


def is_forgettable(group: Group, now_ms: int, config: FiringConfig) -> bool:
    """Whether a resolved or merged group can no longer be reopened."""
    ended = group.status in {IncidentStatus.RESOLVED, IncidentStatus.MERGED}
    kept = ms(max(config.reopen_seconds, config.late_seconds))
    return ended and now_ms >= (group.resolved_ms or group.first_ms) + kept


def _top(incident: Incident) -> str:
    return incident.candidates[0].component if incident.candidates else ""


def _confidence(incident: Incident) -> float:
    return incident.candidates[0].confidence if incident.candidates else 0.0


def _pattern(incident: Incident) -> str:
    patterns = incident.candidates[0].patterns if incident.candidates else ()
    return patterns[0].pattern if patterns else ""
