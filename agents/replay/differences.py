"""How two revisions of one incident differ, in sentences; pure."""

from dataclasses import asdict, dataclass
from enum import StrEnum

from schemas.incident import Incident

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


def contents(published: Incident, rebuilt: Incident, *, numbers: bool) -> list[tuple[Kind, str]]:
    """Compare what two revisions say.

    Args:
        published: as it was published.
        rebuilt: as it was rebuilt.
        numbers: whether probabilities, patterns and wording can be expected to be the same.
    """
    found = [*_members(published, rebuilt), *_status(published, rebuilt)]
    roots = root_of(published, pattern=numbers), root_of(rebuilt, pattern=numbers)
    if roots[0] != roots[1]:
        found.append((Kind.ROOT_CAUSE, f"published {roots[0]}, rebuilt {roots[1]}"))
    if not numbers:
        return found
    if _answer(published) != _answer(rebuilt):
        found.append(
            (Kind.ANSWER, f"published {_told(published)}; rebuilt {_told(rebuilt)}"),
        )
    if not found and published != rebuilt:
        names = ", ".join(_fields(published, rebuilt))
        found.append((Kind.DETAILS, f"published and rebuilt differ in {names}"))
    return found


def root_of(incident: Incident, *, pattern: bool = True) -> str:
    """Name the root cause that a revision gives."""
    if incident.abstained or not incident.candidates:
        return "no root cause (withheld)"
    best = incident.candidates[0]
    if pattern and best.patterns:
        return f"{best.component} ({best.patterns[0].pattern})"
    return best.component


def _members(published: Incident, rebuilt: Incident) -> list[tuple[Kind, str]]:
    ours = {alert.fingerprint: alert for alert in published.alerts}
    theirs = {alert.fingerprint: alert for alert in rebuilt.alerts}
    parts = []
    for only, word in (
        (ours.keys() - theirs.keys(), "published"),
        (theirs.keys() - ours.keys(), "rebuilt"),
    ):
        if only:
            known = ours if word == "published" else theirs
            names = sorted(f"{known[f].rule} on {known[f].component}" for f in only)
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            parts.append(f"only {word}: {', '.join(names[:_SHOWN])}{more}")
    return [(Kind.MEMBERS, "; ".join(parts))] if parts else []


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
