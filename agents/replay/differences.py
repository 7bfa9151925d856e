"""How two revisions of one incident differ, in sentences; pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from schemas.incident import Incident, IncidentAlert, IncidentStatus

_SHOWN = 5


class Kind(StrEnum):
    """What differs; a closed set."""

    MISSING = "missing"  # rebuilt, and never published
    EXTRA = "extra"  # published, and not rebuilt
    MEMBERS = "members"
    ROOT_CAUSE = "root_cause"
    STATUS = "status"
    REVISION = "revision"
    ANSWER = "answer"  # the same root cause with other probabilities, or by another model
    COURSE = "course"  # the end is the same, an earlier revision is not
    CONTRADICTION = "contradiction"  # one revision was published with two contents
    DETAILS = "details"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference of one incident."""

    incident_id: str
    environment: str
    kind: Kind
    sentence: str


def contents(published: Incident, rebuilt: Incident) -> list[tuple[Kind, str]]:
    """Compare all that two revisions say."""
    found = [*_members(published, rebuilt, growing=False), *_status(published, rebuilt)]
    found += _root_cause(published, rebuilt, pattern=True)
    if _answer(published) != _answer(rebuilt):
        found.append(
            (Kind.ANSWER, f"published {_told(published)}; rebuilt {_told(rebuilt)}"),
        )
    if not found and published != rebuilt:
        names = ", ".join(_fields(published, rebuilt))
        found.append((Kind.DETAILS, f"published and rebuilt differ in {names}"))
    return found


def outcomes(published: Incident, rebuilt: Incident, end: Incident) -> list[tuple[Kind, str]]:
    """Compare members, status and root cause of revisions that are not of the same moment.

    Args:
        published: the last that was published.
        rebuilt: the one of about the same time.
        end: the last that was rebuilt. Alerts that an open incident has only there may come with
            its next revision.
    """
    growing = published.status is IncidentStatus.OPEN
    return [
        *_members(published, end, growing=growing),
        *_status(published, rebuilt),
        *_root_cause(published, rebuilt, pattern=False),
    ]


def _root_cause(
    published: Incident, rebuilt: Incident, *, pattern: bool
) -> list[tuple[Kind, str]]:
    ours, theirs = root_of(published, pattern=pattern), root_of(rebuilt, pattern=pattern)
    return [(Kind.ROOT_CAUSE, f"published {ours}, rebuilt {theirs}")] if ours != theirs else []


def root_of(incident: Incident, *, pattern: bool = True) -> str:
    """Name the root cause that a revision gives."""
    if incident.abstained or not incident.candidates:
        return "no root cause (withheld)"
    best = incident.candidates[0]
    if pattern and best.patterns:
        return f"{best.component} ({best.patterns[0].pattern})"
    return best.component


def _members(published: Incident, rebuilt: Incident, *, growing: bool) -> list[tuple[Kind, str]]:
    ours = {alert.fingerprint: alert for alert in published.alerts}
    theirs = {alert.fingerprint: alert for alert in rebuilt.alerts}
    parts = _only("published", ours, theirs)
    if not growing:
        parts += _only("rebuilt", theirs, ours)
    return [(Kind.MEMBERS, "; ".join(parts))] if parts else []


def _only(
    word: str, these: Mapping[str, IncidentAlert], others: Mapping[str, IncidentAlert]
) -> list[str]:
    only = [these[fingerprint] for fingerprint in these.keys() - others.keys()]
    if not only:
        return []
    names = sorted(f"{alert.rule} on {alert.component}" for alert in only)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return [f"only {word}: {', '.join(names[:_SHOWN])}{more}"]


def _status(published: Incident, rebuilt: Incident) -> list[tuple[Kind, str]]:
    ours = published.status.value, published.merged_into
    theirs = rebuilt.status.value, rebuilt.merged_into
    if ours == theirs:
        return []
    said = [f"{status} into {into}" if into else status for status, into in (ours, theirs)]
    return [(Kind.STATUS, f"published {said[0]}, rebuilt {said[1]}")]


def _answer(incident: Incident) -> object:
    ranked = [
        (
            candidate.component,
            candidate.confidence,
            [(p.pattern, p.probability) for p in candidate.patterns],
        )
        for candidate in incident.candidates
    ]
    return ranked, incident.p_none, incident.abstained, incident.model_version


def _told(incident: Incident) -> str:
    best = [f"{c.component} {c.confidence:.3f}" for c in incident.candidates[:3]]
    return f"{', '.join(best) or 'nobody'} by model {incident.model_version}"


def _fields(published: Incident, rebuilt: Incident) -> list[str]:
    ours, theirs = asdict(published), asdict(rebuilt)
    return sorted(name for name, value in ours.items() if theirs[name] != value)
