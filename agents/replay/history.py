"""The revisions of incidents by number, as they were published or as they were rebuilt."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from schemas.incident import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision: its bytes, and when it was published or the signal came that made it."""

    incident: Incident
    value: bytes
    at_ms: int


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
