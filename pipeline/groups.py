"""L1's bookkeeping: where a firing alert goes, and which groups turn out to be one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.alert_book import AlertBook, AlertRecord
from pipeline.anchors import Anchors
from pipeline.config import PipelineConfig
from pipeline.incident_state import Group, Member, admit, new_group, split_off
from pipeline.lifecycle import may_join, ms
from pipeline.viewpoint import Viewpoint
from schemas.incident import IncidentStatus


class Groups:
    """All groups of one environment by incident id, with an index by component."""

    def __init__(
        self, *, environment: str, config: PipelineConfig, book: AlertBook, viewpoint: Viewpoint
    ) -> None:
        self._environment = environment
        self._config = config
        self._book = book
        self._viewpoint = viewpoint
        self.by_id: dict[str, Group] = {}
        self._on: dict[str, set[str]] = {}
        self._anchors = Anchors(self.by_id)

    def active(self) -> list[Group]:
        """Return pending and open groups, in the order in which they would survive a merge."""
        return sorted((g for g in self.by_id.values() if g.is_active), key=survivor_order)

    def of(self, record: AlertRecord) -> Group | None:
        """Return the group that a fingerprint went to, if it is still remembered."""
        return self.by_id.get(record.group) if record.group else None

    def place(self, record: AlertRecord, now_ms: int) -> Group:
        """Put a firing alert where it belongs: an active group it is linked to, or a new one."""
        alert, name = record.alert, record.component.name
        previous: str | None = None
        for group in self._linked(name, now_ms, alert.starts_ms):
            if self._may_join(group, alert.starts_ms, now_ms):
                reason = self._reason(group, name, now_ms, alert.starts_ms)
                admit(group, alert=alert, component=record.component, reason=reason)
                self._anchors.note(group)
                self._on.setdefault(name, set()).add(group.incident_id)
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
        group.previous_incident_id = previous or self._recently_resolved(name)
        self.add(group)
        record.group = group.incident_id
        return group

    def family(self, group: Group, now_ms: int) -> list[Group]:
        """Return a group and the other active ones that are linked with it, in survivor order."""
        found = {group.incident_id: group}
        size = len(group.members)
        for name in group.components:
            for other in self._linked(name, now_ms, group.first_ms):
                room = size + len(other.members) <= self._config.grouping.max_alerts
                if other.incident_id not in found and room and self._in_step(group, other):
                    found[other.incident_id] = other
                    size += len(other.members)
        return sorted(found.values(), key=survivor_order)

    def anchor(self, start_ms: int) -> int:
        """Return the earliest first alert of the windows that are open, this one's included."""
        earliest = self._anchors.earliest()
        return start_ms if earliest is None else min(earliest, start_ms)

    def add(self, group: Group) -> None:
        """Remember a group."""
        self._anchors.forget(group)  # one of this id may have been there and closed
        self.by_id[group.incident_id] = group
        self._index(group)

    def remove(self, group: Group) -> None:
        """Forget a group."""
        del self.by_id[group.incident_id]
        self._anchors.forget(group)
        for name in group.components:
            self._leave(group, name)

    def restore(self, groups: dict[str, Group]) -> None:
        """Replace all groups by a snapshot."""
        self.by_id, self._on = {}, {}
        self._anchors = Anchors(self.by_id)
        for group in groups.values():
            self.add(group)

    def move(self, source: Group, target: Group, fingerprints: Sequence[str]) -> None:
        """Move alerts from one group to another; a source that loses all keeps a copy of them."""
        members = self._take_out(source, fingerprints)
        target.members |= members
        starts = [m.starts_ms for m in members.values()]
        target.first_ms = min(target.first_ms, *starts)
        target.last_ms = max(target.last_ms, *starts)
        self._take_in(source, target, members)

    def split(self, source: Group, fingerprints: Sequence[str], now_ms: int) -> Group:
        """Begin a group with alerts of another one."""
        members = self._take_out(source, fingerprints)
        group = split_off(
            source, members, environment=self._environment, now_ms=now_ms, taken=self.by_id
        )
        self.add(group)
        self._take_in(source, group, members)
        return group

    def _take_out(self, source: Group, fingerprints: Sequence[str]) -> dict[str, Member]:
        members = {f: replace(source.members[f]) for f in fingerprints}
        if len(members) < len(source.members):
            for fingerprint in fingerprints:
                del source.members[fingerprint]
        return members

    def _take_in(self, source: Group, target: Group, members: dict[str, Member]) -> None:
        names = sorted({m.component.name for m in members.values()})
        target.known.take(source.known)
        for name in names:
            if name not in source.components:
                self._leave(source, name)
        for fingerprint in members:
            record = self._book.records.get(fingerprint)
            if record is not None and record.group == source.incident_id:
                record.group = target.incident_id
        self._index(target)

    def _leave(self, group: Group, name: str) -> None:
        ids = self._on.get(name, set())
        ids.discard(group.incident_id)
        if not ids:
            self._on.pop(name, None)

    def _linked(self, name: str, now_ms: int, start_ms: int) -> list[Group]:
        """Return the active groups that this component belongs with, in survivor order.

        All are judged in one scene, whose past ends before the earliest window that is open.
        """
        kin = {name} | self._viewpoint.meeting(now_ms, self.anchor(start_ms), name, self._on)
        ids = {incident_id for other in kin for incident_id in self._on.get(other, ())}
        groups = (self.by_id[incident_id] for incident_id in ids)
        return sorted((g for g in groups if g.is_active), key=survivor_order)

    def _reason(self, group: Group, name: str, now_ms: int, start_ms: int) -> str:
        """Say by which path a component belongs with a group that it is linked to."""
        if group.incident_id in self._on.get(name, ()):
            return f"same component: {name}"
        anchor_ms = self.anchor(start_ms)
        nearest = self._viewpoint.nearest(now_ms, anchor_ms, name, group.components)
        assert nearest is not None, "a linked group meets somewhere"
        mine = self._viewpoint.reach(now_ms, anchor_ms, name)
        _, other, meeting = nearest
        return path_reason(mine[meeting], other)

    def _index(self, group: Group) -> None:
        self._anchors.note(group)
        for name in group.components:
            self._on.setdefault(name, set()).add(group.incident_id)

    def _may_join(self, group: Group, start_ms: int, now_ms: int) -> bool:
        return may_join(
            group,
            start_ms,
            now_ms,
            config=self._config.grouping,
            late_ms=ms(self._config.firing.late_seconds),
        )

    def _in_step(self, group: Group, other: Group) -> bool:
        """Whether two groups' windows are open and touch, and both fit into one."""
        gap = ms(self._config.grouping.gap_seconds)
        apart = max(group.first_ms, other.first_ms) - min(group.last_ms, other.last_ms)
        room = len(group.members) + len(other.members) <= self._config.grouping.max_alerts
        return apart <= gap and room and not (group.window_closed or other.window_closed)

    def _recently_resolved(self, name: str) -> str | None:
        here: Iterable[Group] = (self.by_id[i] for i in self._on.get(name, ()))
        ended = [g for g in here if g.status is IncidentStatus.RESOLVED]
        latest = max(ended, key=lambda g: (g.resolved_ms or 0, g.incident_id), default=None)
        return latest.incident_id if latest is not None else None


def survivor_order(group: Group) -> tuple[bool, int, str]:
    """What is published stays; then the earlier one; then the lower id."""
    return group.is_pending, group.first_ms, group.incident_id


def path_reason(path: tuple[str, ...], other: str) -> str:
    """Say which path links an alert to the group.

    >>> path_reason(("cart", "orders", "db"), "stock")
    'path cart > orders > db, which stock reaches too'
    >>> path_reason(("cart", "orders"), "orders")
    'path cart > orders'
    """
    shown = " > ".join(path)
    return f"path {shown}" if path[-1] == other else f"path {shown}, which {other} reaches too"
