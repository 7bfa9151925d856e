"""A group of alerts from its first one on: pending, then an incident, then resolved or merged.

Plain data, so that it snapshots. `incident_id` comes from what opened it and never changes.
"""

import hashlib
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field

from pipeline.explanations import Explanations
from schemas.alert import Alert, Severity
from schemas.component import Component
from schemas.incident import Incident, IncidentStatus

_NAMESPACE = uuid.UUID("6f0e3c0a-5f6b-5d0e-9a53-0d0c1f2b7a11")


@dataclass(slots=True, kw_only=True)
class Member:
    """One alert of a group: when it fired last, `since_ms` first, and why it is here."""

    alert: Alert
    component: Component
    starts_ms: int
    since_ms: int
    ends_ms: int | None
    reason: str


@dataclass(slots=True, kw_only=True)
class Group:
    """Alerts that belong together. `status` is None while it is pending (not yet an incident).

    `last` is the revision published last; what happens after the window's end (resolve, merge)
    changes only its state, not its answer. `notes` are news that wait for the next revision.
    """

    incident_id: str
    dedup_key: str
    first_ms: int
    last_ms: int
    created_ms: int
    members: dict[str, Member] = field(default_factory=dict)
    known: Explanations = field(default_factory=Explanations)
    notes: list[str] = field(default_factory=list)
    status: IncidentStatus | None = None
    opened_ms: int | None = None
    resolved_ms: int | None = None
    merged_into: str | None = None
    previous_incident_id: str | None = None
    revision: int = 0
    next_look_ms: int | None = None
    window_closed: bool = False
    last: Incident | None = None
    published_ms: int = 0

    @property
    def is_pending(self) -> bool:
        """Whether it has not become an incident yet."""
        return self.status is None

    @property
    def is_open(self) -> bool:
        """Whether it is an open incident."""
        return self.status is IncidentStatus.OPEN

    @property
    def is_active(self) -> bool:
        """Whether it is pending or open."""
        return self.is_pending or self.is_open

    @property
    def is_firing(self) -> bool:
        """Whether any member still fires."""
        return any(m.ends_ms is None for m in self.members.values())

    @property
    def last_end_ms(self) -> int:
        """When the last member resolved (0 when none has)."""
        return max((m.ends_ms or 0 for m in self.members.values()), default=0)

    @property
    def severity(self) -> Severity:
        """The highest severity of its members."""
        return max((m.alert.severity for m in self.members.values()), default=Severity.UNKNOWN)

    @property
    def components(self) -> list[str]:
        """Names of the components that have members, sorted."""
        return sorted({m.component.name for m in self.members.values()})


def new_group(
    *, environment: str, alert: Alert, component: Component, now_ms: int, reason: str
) -> Group:
    """Begin a group with its first alert; identity comes from that alert alone."""
    origin = f"{environment}|{alert.fingerprint}|{alert.starts_ms}"
    group = Group(
        incident_id=str(uuid.uuid5(_NAMESPACE, origin)),
        dedup_key=hashlib.sha256(origin.encode()).hexdigest()[:32],
        first_ms=alert.starts_ms,
        last_ms=alert.starts_ms,
        created_ms=now_ms,
    )
    admit(group, alert=alert, component=component, reason=reason)
    return group


def admit(group: Group, *, alert: Alert, component: Component, reason: str) -> None:
    """Add (or renew) a member and roll the window on."""
    known = group.members.get(alert.fingerprint)
    group.members[alert.fingerprint] = Member(
        alert=alert,
        component=component,
        starts_ms=alert.starts_ms,
        since_ms=min(alert.starts_ms, known.since_ms if known else alert.starts_ms),
        ends_ms=None,
        reason=reason,
    )
    group.first_ms = min(group.first_ms, alert.starts_ms)
    group.last_ms = max(group.last_ms, alert.starts_ms)


def split_off(
    parent: Group,
    members: dict[str, Member],
    *,
    environment: str,
    now_ms: int,
    taken: Collection[str],
) -> Group:
    """Begin a group with members of another one, which it names as its predecessor.

    Identity comes from the first of its alerts, and from the parent: that alert may have opened
    the parent, whose id it gave.
    """
    first, opener = min((m.since_ms, fingerprint) for fingerprint, m in members.items())
    origin = f"{environment}|{opener}|{first}|split from {parent.incident_id}"
    while (incident_id := str(uuid.uuid5(_NAMESPACE, origin))) in taken:
        origin += "|again"
    return Group(
        incident_id=incident_id,
        dedup_key=hashlib.sha256(origin.encode()).hexdigest()[:32],
        first_ms=first,
        last_ms=max(m.starts_ms for m in members.values()),
        created_ms=now_ms,
        members=members,
        previous_incident_id=parent.incident_id,
    )
