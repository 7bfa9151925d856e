"""L1's bookkeeping: where a firing alert goes, and which groups turn out to be one."""

from collections.abc import Iterable

from pipeline.alert_book import AlertBook, AlertRecord
from pipeline.config import PipelineConfig
from pipeline.grouping import link
from pipeline.incident_state import Group, admit, new_group
from pipeline.lifecycle import may_join, ms
from pipeline.viewpoint import Viewpoint
from schemas.incident import IncidentStatus


class Groups:
    """All groups of one environment by incident id."""

    def __init__(
        self, *, environment: str, config: PipelineConfig, book: AlertBook, viewpoint: Viewpoint
    ) -> None:
        self._environment = environment
        self._config = config
        self._book = book
        self._viewpoint = viewpoint
        self.by_id: dict[str, Group] = {}

    def active(self) -> list[Group]:
        """Return pending and open groups, earliest first."""
        return sorted((g for g in self.by_id.values() if g.is_active), key=_age)

    def of(self, record: AlertRecord) -> Group | None:
        """Return the group that a fingerprint went to, if it is still remembered."""
        return self.by_id.get(record.group) if record.group else None

    def place(self, record: AlertRecord, now_ms: int) -> Group:
        """Put a firing alert where it belongs: an active group it is linked to, or a new one."""
        alert, name = record.alert, record.component.name
        previous: str | None = None
        for group in self.active():
            reason = self._reason(group, name, alert.starts_ms, now_ms)
            if reason is None:
                continue
            if self._may_join(group, alert.starts_ms, now_ms):
                admit(group, alert=alert, component=record.component, reason=reason)
                record.group = group.incident_id
                return group
            previous = previous or group.incident_id
        group = new_group(
            environment=self._environment,
            alert=alert,
            component=record.component,
            now_ms=now_ms,
            reason="opened it",
        )
        group.previous_incident_id = previous or self._recently_resolved(name, now_ms)
        self.by_id[group.incident_id] = group
        record.group = group.incident_id
        return group

    def linked_pairs(self, group: Group, now_ms: int) -> list[tuple[Group, str]]:
        """Return other active groups that belong with this one, and through what."""
        pairs: list[tuple[Group, str]] = []
        for other in self.active():
            if other is group or other.window_closed or group.window_closed:
                continue
            if not self._in_step(group, other):
                continue
            meeting = self._meeting(group, other, now_ms)
            if meeting is not None:
                pairs.append((other, meeting))
        return pairs

    def absorb(self, survivor: Group, loser: Group, reason: str) -> None:
        """Move the loser's members to the survivor; the caller ends the loser."""
        for fingerprint, member in sorted(loser.members.items()):
            if fingerprint not in survivor.members:
                member.reason = reason
                survivor.members[fingerprint] = member
            record = self._book.records.get(fingerprint)
            if record is not None and record.group == loser.incident_id:
                record.group = survivor.incident_id
        survivor.first_ms = min(survivor.first_ms, loser.first_ms)
        survivor.last_ms = max(survivor.last_ms, loser.last_ms)

    def _reason(self, group: Group, name: str, start_ms: int, now_ms: int) -> str | None:
        """Why an alert on this component belongs to the group, or None when it does not."""
        if name in group.components:
            return f"same component: {name}"
        scene = self._viewpoint.scene(now_ms, min(group.first_ms, start_ms))
        mine = self._viewpoint.reach(scene, name)
        for component in group.components:
            meeting = link(mine, self._viewpoint.reach(scene, component))
            if meeting is not None:
                return path_reason(mine[meeting], component)
        return None

    def _meeting(self, group: Group, other: Group, now_ms: int) -> str | None:
        scene = self._viewpoint.scene(now_ms, min(group.first_ms, other.first_ms))
        for name in group.components:
            mine = self._viewpoint.reach(scene, name)
            for component in other.components:
                meeting = link(mine, self._viewpoint.reach(scene, component))
                if meeting is not None:
                    return path_reason(mine[meeting], component)
        return None

    def _may_join(self, group: Group, start_ms: int, now_ms: int) -> bool:
        return may_join(
            group,
            start_ms,
            now_ms,
            config=self._config.grouping,
            late_ms=ms(self._config.firing.late_seconds),
        )

    def _in_step(self, group: Group, other: Group) -> bool:
        gap = ms(self._config.grouping.gap_seconds)
        apart = max(group.first_ms, other.first_ms) - min(group.last_ms, other.last_ms)
        room = len(group.members) + len(other.members) <= self._config.grouping.max_alerts
        return apart <= gap and room

    def _recently_resolved(self, name: str, now_ms: int) -> str | None:
        ended: Iterable[Group] = (
            g
            for g in self.by_id.values()
            if g.status is IncidentStatus.RESOLVED and name in g.components
        )
        latest = max(ended, key=lambda g: (g.resolved_ms or 0, g.incident_id), default=None)
        return latest.incident_id if latest is not None else None


def path_reason(path: tuple[str, ...], other: str) -> str:
    """Say which path links an alert to the group.

    >>> path_reason(("cart", "orders", "db"), "stock")
    'path cart > orders > db, which stock reaches too'
    >>> path_reason(("cart", "orders"), "orders")
    'path cart > orders'
    """
    shown = " > ".join(path)
    return f"path {shown}" if path[-1] == other else f"path {shown}, which {other} reaches too"


def _age(group: Group) -> tuple[bool, int, str]:
    """Survivor order: what is published stays, then the earlier one, then the lower id."""
    return group.is_pending, group.first_ms, group.incident_id
