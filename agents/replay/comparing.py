"""Compares what was published with what the log makes of itself again; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.replay.differences import Difference, Kind, contents, outcomes
from agents.replay.history import History, epoch_ms
from schemas.incident import Incident, IncidentStatus

_SAME_SHARE = 0.5
"""Of the alerts of the smaller one: as many in common make two incidents the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which incidents are compared, and how far the rebuilding can be trusted.

    Incidents count that were detected from `since_ms` on and before `until_ms`. `read_from_ms` is
    where reading began. `numbers` tells whether revisions and probabilities can be expected to be
    the same: they are a function of the signals log, but not of the input topics alone, whose
    records come in no certain order.
    """

    since_ms: int
    until_ms: int | None
    read_from_ms: int
    numbers: bool


@dataclass(slots=True, kw_only=True)
class Comparison:
    """The result; `uncertain` are differences that the start of reading may explain."""

    compared: int = 0
    rebuilt: int = 0
    published: int = 0
    differences: list[Difference] = field(default_factory=list)
    uncertain: list[Difference] = field(default_factory=list)
    begun_before: list[str] = field(default_factory=list)
    unsettled: int = 0
    notes: list[str] = field(default_factory=list)

    def differs(self, *, exact: bool) -> bool:
        """Whether anything differs; other details count only where exactness is asked for."""
        return any(exact or each.kind is not Kind.DETAILS for each in self.differences)


def compare(
    published: Mapping[str, History], rebuilt: Mapping[str, History], window: Window
) -> Comparison:
    """Compare incident by incident."""
    result = Comparison()
    if not window.numbers:
        rebuilt = _matched(published, rebuilt, result)
    hidden = _members_of_older(published, window)
    for incident_id in sorted(published.keys() | rebuilt.keys()):
        ours, theirs = published.get(incident_id), rebuilt.get(incident_id)
        known = (ours or theirs or History()).last.incident
        if not _is_meant(known, window):
            if ours is not None and _begun_before(known, window):
                result.begun_before.append(incident_id)
            continue
        if ours is None and theirs is not None and not _is_settled(theirs):
            result.unsettled += 1
            continue
        result.compared += 1
        result.published += ours is not None
        result.rebuilt += theirs is not None
        found = _differences(ours, theirs, window)
        members = {f for side in (ours, theirs) if side is not None for f in _members_of(side)}
        target = result.uncertain if members & hidden else result.differences
        target += [
            Difference(
                incident_id=incident_id,
                environment=known.environment,
                kind=kind,
                sentence=sentence,
            )
            for kind, sentence in found
        ]
    return result


def _matched(
    published: Mapping[str, History], rebuilt: Mapping[str, History], result: Comparison
) -> dict[str, History]:
    """Give a rebuilt incident the id of the published one that has most of its alerts.

    The id is made of the first alert, and which one that is depends on the order of arrival.
    """
    found = {known: history for known, history in rebuilt.items() if known in published}
    for incident_id, history in sorted(rebuilt.items()):
        if incident_id in found:
            continue
        members = _members_of(history)
        shares = [
            (len(members & _members_of(other)) / min(len(members), len(_members_of(other))), known)
            for known, other in sorted(published.items())
            if known not in found and members and _members_of(other)
        ]
        share, name = max(shares, default=(0.0, ""))
        if share < _SAME_SHARE:
            found[incident_id] = history
            continue
        found[name] = history
        result.notes.append(
            f"{name} is {incident_id} when rebuilt: its alerts were taken in another order"
        )
    return found


def _members_of(history: History) -> set[str]:
    return {alert.fingerprint for alert in history.last.incident.alerts}


def _is_meant(incident: Incident, window: Window) -> bool:
    at_ms = epoch_ms(incident.detected_at)
    return at_ms >= window.since_ms and (window.until_ms is None or at_ms < window.until_ms)


def _begun_before(incident: Incident, window: Window) -> bool:
    """Whether an incident reached into the time that is compared."""
    began = epoch_ms(incident.detected_at) < window.since_ms
    return began and _ended_ms(incident) >= window.since_ms


def _members_of_older(published: Mapping[str, History], window: Window) -> set[str]:
    """Alerts of incidents that were open when reading began: nobody knows here who had them."""
    return {
        alert.fingerprint
        for history in published.values()
        if epoch_ms((last := history.last.incident).detected_at) < window.read_from_ms
        and _ended_ms(last) >= window.read_from_ms
        for alert in last.alerts
    }


def _ended_ms(incident: Incident) -> int:
    if incident.status is IncidentStatus.OPEN:
        return 1 << 62
    return epoch_ms(incident.resolved_at or incident.updated_at)


def _is_settled(history: History) -> bool:
    return history.revisions[min(history.revisions)].settled


def _differences(
    published: History | None, rebuilt: History | None, window: Window
) -> list[tuple[Kind, str]]:
    if published is None:
        assert rebuilt is not None
        return [(Kind.MISSING, f"rebuilt and not published: {_named(rebuilt.last.incident)}")]
    if rebuilt is None:
        return [(Kind.EXTRA, f"published and not rebuilt: {_named(published.last.incident)}")]
    found = [
        (Kind.CONTRADICTION, f"revision {number} was published with different contents")
        for number in sorted(published.contradicted)
    ]
    if not window.numbers:
        last = published.last.incident
        return found + outcomes(last, rebuilt.nearest(last), rebuilt.last.incident)
    return found + _revisions(published, rebuilt)


def _revisions(published: History, rebuilt: History) -> list[tuple[Kind, str]]:
    settled = [number for number, each in rebuilt.revisions.items() if each.settled]
    ours, theirs = max(published.revisions), max(rebuilt.revisions)
    found: list[tuple[Kind, str]] = []
    if ours > theirs or max(settled, default=0) > ours:
        found.append((Kind.REVISION, f"published up to revision {ours}, rebuilt up to {theirs}"))
    common = sorted(published.revisions.keys() & rebuilt.revisions.keys())
    if not common:
        last = published.last.incident, rebuilt.last.incident
        return found + contents(*last)
    *earlier, end = common
    at_end = _at(published, rebuilt, end)
    found += [(kind, f"revision {end}: {said}") for kind, said in at_end]
    if not at_end:
        found += _course(published, rebuilt, earlier)
    return found


def _course(published: History, rebuilt: History, numbers: list[int]) -> list[tuple[Kind, str]]:
    """The first revision on the way to the same end that was another."""
    for number in numbers:
        differing = _at(published, rebuilt, number)
        if differing:
            kind, sentence = differing[0]
            if kind is Kind.DETAILS:
                return [(kind, f"revision {number}: {sentence}")]
            return [(Kind.COURSE, f"revision {number} ({kind.value}): {sentence}")]
    return []


def _at(published: History, rebuilt: History, number: int) -> list[tuple[Kind, str]]:
    ours, theirs = published.revisions[number], rebuilt.revisions[number]
    if ours.value == theirs.value:
        return []
    return contents(ours.incident, theirs.incident)


def _named(incident: Incident) -> str:
    return (
        f"{incident.title} ({incident.alert_count} alerts since {incident.started_at}, "
        f"{incident.status.value})"
    )
