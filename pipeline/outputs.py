"""Everything the core wants done; `agents/worker/perform.py` is the one match that does it."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.alert import Alert
from schemas.component import Component
from schemas.incident import Incident


class Transition(StrEnum):
    """What made a revision worth publishing."""

    OPENED = "opened"
    UPDATED = "updated"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    MERGED = "merged"


class DropReason(StrEnum):
    """Why an alert ended in no incident; a closed set, each counted."""

    LATE = "late"  # older than the watermark by more than the allowed lateness
    ALONE = "alone"  # nothing related came within its window and it does not page by itself
    FLAPPING = "flapping"  # it changes state too often to open anything
    RESOLVED_UNSEEN = "resolved_unseen"  # a resolve of an alert that never fired here
    OVERFLOW = "overflow"  # the engine's limit of pending alerts was reached


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPublished:
    """A new revision of an incident."""

    transition: Transition
    incident: Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSetAside:
    """An alert that ended outside every incident, with the reason; never silence."""

    environment: str
    alert: Alert
    component: Component
    reason: DropReason
    at_ms: int


Output = IncidentPublished | AlertSetAside
