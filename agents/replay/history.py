"""The revisions of incidents by number, as they were published or as they were rebuilt."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from schemas.incident import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision and its bytes.

    It is settled unless it was rebuilt from a signal that the worker may not have handled yet.
    """

    incident: Incident
    value: bytes
    settled: bool = True


@dataclass(slots=True, kw_only=True)
class History:
    """What there is of one incident; a compacted topic keeps only its end.

    `contradicted` are revisions of which two records exist that are not the same.
    """

    revisions: dict[int, Revision] = field(default_factory=dict)
    contradicted: set[int] = field(default_factory=set)

    def add(self, revision: Revision) -> None:
        """Take in a revision; a repeat of it changes nothing."""
        number = revision.incident.revision
        known = self.revisions.get(number)
        if known is not None and known.value != revision.value:
            self.contradicted.add(number)
        self.revisions.setdefault(number, revision)

    @property
    def last(self) -> Revision:
        """The highest revision."""
        return self.revisions[max(self.revisions)]

    def nearest(self, other: Incident) -> Incident:
        """Return the revision of about the same time as another's."""
        at_ms = epoch_ms(other.updated_at)
        return min(
            (each.incident for _, each in sorted(self.revisions.items())),
            key=lambda incident: abs(epoch_ms(incident.updated_at) - at_ms),
        )


def histories(revisions: Iterable[Revision]) -> dict[str, History]:
    """Sort revisions by incident."""
    found: dict[str, History] = {}
    for revision in revisions:
        found.setdefault(revision.incident.incident_id, History()).add(revision)
    return found


def epoch_ms(instant: str) -> int:
    """Read a time of an incident record.

    >>> epoch_ms("1970-01-01T00:00:01.500Z")
    1500
    """
    return round(datetime.fromisoformat(instant).timestamp() * 1000)
