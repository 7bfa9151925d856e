"""The sentences of a message, each a pure function of an incident (see story.py).

All text that comes from telemetry goes through `plain` here, with a length of its own.
"""

from collections.abc import Iterable

from agents.notifier.plain import clock, count, elapsed, percent, plain
from agents.notifier.sent import Sent
from schemas.incident import Incident, IncidentCandidate, IncidentEvidence, IncidentPattern

_NAME = 60  # characters of a component's name
_TITLE = 78  # of a pattern's: with name, mark and percentage it fits into a header of 150
_SENTENCE = 240  # characters of a statement
_EVIDENCE_SHOWN = 5
_COUNTER_SHOWN = 2
_ALTERNATIVES_SHOWN = 3
_ACTIONS_SHOWN = 3
_COMPONENTS_SHOWN = 6
_PATH_SHOWN = 6
# Evidence that names a culprit says more in one line than evidence that names a symptom.
_NAMING = ("holder_dominant", "slow_statement", "cert_expired", "change_recent")


def verdict(incident: Incident) -> str:
    """One line: which component, what is wrong with it, how sure."""
    if not incident.candidates:
        return "No root cause yet: nothing points to a component"
    top = incident.candidates[0]
    if incident.abstained:
        return f"No clear root cause yet; best guess {_name(top)}, {percent(top.confidence)}"
    return f"{_what(top)}, {percent(top.confidence)}"


def _what(candidate: IncidentCandidate) -> str:
    pattern = best_pattern(candidate)
    if pattern is None:
        return f"{_name(candidate)} is the likely root cause"
    return f"{_name(candidate)}: {_lower(plain(pattern.title, _TITLE))}"


def _name(candidate: IncidentCandidate) -> str:
    return plain(candidate.component, _NAME) or "(unnamed)"


def _lower(text: str) -> str:
    """Lower the first letter, unless the word is an abbreviation.

    >>> _lower("Connection pool exhausted"), _lower("CPU saturated")
    ('connection pool exhausted', 'CPU saturated')
    """
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def best_pattern(candidate: IncidentCandidate) -> IncidentPattern | None:
    """Return the pattern that fits best."""
    return max(candidate.patterns, key=lambda found: found.probability, default=None)


def lead(incident: Incident) -> str:
    """The one fact to know with the verdict, or the reason for having none."""
    if incident.abstained:
        reason = plain(incident.abstain_reason, _SENTENCE)
        return f"Not confident enough to name a cause: {reason or 'no reason was given'}"
    if not incident.candidates:
        return ""
    fact = _leading(incident.candidates[0])
    return plain(fact.statement, _SENTENCE) if fact is not None else ""


def _leading(candidate: IncidentCandidate) -> IncidentEvidence | None:
    strongest = _strongest(candidate.evidence, supports=True)
    naming = [found for found in strongest if found.kind in _NAMING]
    return next(iter(naming or strongest), None)


def _strongest(found: Iterable[IncidentEvidence], *, supports: bool) -> list[IncidentEvidence]:
    side = [item for item in found if item.supports is supports and item.statement.strip()]
    return sorted(side, key=lambda item: (-item.strength, item.kind, item.statement))


def size(incident: Incident) -> tuple[str, ...]:
    """How many alerts on how many components became one incident."""
    alerts = count(incident.alert_count, "alert")
    components = count(len(incident.components), "component")
    return (f"{alerts} on {components} became this one incident.",)


def facts(incident: Incident) -> tuple[str, ...]:
    """How big it is, since when, where, and along which path it spread."""
    delay = elapsed(incident.started_at, incident.detected_at)
    opened = f", opened {delay} later" if delay else ""
    found = [*size(incident), f"First alert at {clock(incident.started_at)}{opened}."]
    names = _some(incident.components, _COMPONENTS_SHOWN, ", ")
    if names:
        found.append(f"Affected: {names}")
    if incident.candidates and len(incident.candidates[0].path) > 1:
        found.append(f"Path: {_some(incident.candidates[0].path, _PATH_SHOWN, ' → ')}")
    return tuple(found)


def _some(names: tuple[str, ...], limit: int, between: str) -> str:
    """Join the first names, and count the others.

    >>> _some(("a", "b", "c"), 2, ", ")
    'a, b and 1 more'
    """
    shown = between.join(plain(name, _NAME) for name in names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def top_changed(incident: Incident, before: Sent | None) -> tuple[str, ...]:
    """What the answer was, what it is, and because of what."""
    top = incident.candidates[0]
    now = f"{_name(top)} ({percent(top.confidence)})"
    fact = _leading(top)
    because = f" because {plain(fact.statement, _SENTENCE)}" if fact is not None else ""
    if before is None or not before.top:
        return (f"Until now there was no clear answer; TOP-1 is now {now}{because}",)
    was = f"{plain(before.top, _NAME)} ({percent(before.confidence)})"
    return (f"TOP-1 changed from {was} to {now}{because}", *_fall(incident, before.top))


def _fall(incident: Incident, name: str) -> tuple[str, ...]:
    """What became of the former TOP-1."""
    former = next((found for found in incident.candidates if found.component == name), None)
    if former is None:
        return (f"{plain(name, _NAME)} is no candidate any more.",)
    against = _strongest(former.evidence, supports=False)
    reason = f": {plain(against[0].statement, _SENTENCE)}" if against else ""
    return (f"{_name(former)} is now at {percent(former.confidence)}{reason}",)


def evidence(incident: Incident, candidate: IncidentCandidate) -> tuple[str, ...]:
    """The strongest evidence for a candidate, without the fact that the message leads with."""
    found = _strongest(candidate.evidence, supports=True)
    # An abstention leads with its reason, so all the evidence is still untold.
    leading = None if incident.abstained else _leading(candidate)
    return _statements([item for item in found if item != leading], _EVIDENCE_SHOWN)


def counter_evidence(candidate: IncidentCandidate) -> tuple[str, ...]:
    """The strongest evidence against a candidate."""
    return _statements(_strongest(candidate.evidence, supports=False), _COUNTER_SHOWN)


def _statements(found: list[IncidentEvidence], limit: int) -> tuple[str, ...]:
    # dict: one sentence may come from two series.
    shown = dict.fromkeys(plain(item.statement, _SENTENCE) for item in found)
    return tuple(text for text in shown if text)[:limit]


def first_actions(candidate: IncidentCandidate) -> tuple[str, ...]:
    """What to do first about the pattern that fits best."""
    pattern = best_pattern(candidate)
    if pattern is None:
        return ()
    actions = (plain(action, _SENTENCE) for action in pattern.first_actions[:_ACTIONS_SHOWN])
    return tuple(action for action in actions if action)


def action_title(incident: Incident, candidate: IncidentCandidate) -> str:
    """Actions upon a guess are marked as such."""
    return f"If it is {_name(candidate)}" if incident.abstained else "First actions"


def alternatives(incident: Incident) -> tuple[str, ...]:
    """The next candidates with their probabilities, and what is left for none of them."""
    others = incident.candidates[1 : 1 + _ALTERNATIVES_SHOWN]
    found = [f"{_alternative(other)}, {percent(other.confidence)}" for other in others]
    if found and incident.p_none >= 0.01:
        found.append(f"none of the candidates, {percent(incident.p_none)}")
    return tuple(found)


def _alternative(candidate: IncidentCandidate) -> str:
    return _what(candidate) if candidate.patterns else _name(candidate)


def resolved(incident: Incident) -> str:
    """How long it took."""
    took = elapsed(incident.started_at, incident.resolved_at or incident.updated_at)
    return f"Resolved after {took}" if took else "Resolved"


def cause_was(incident: Incident) -> str:
    """What it was, said as carefully as while it burned."""
    if not incident.candidates:
        return "Its root cause was not found."
    top = incident.candidates[0]
    share = percent(top.confidence)
    if incident.abstained:
        return f"Its root cause stayed unclear; best guess {_what(top)}, {share}."
    return f"It was {_what(top)}, {share}."


def merged(incident: Incident) -> str:
    """Where a merged incident goes on."""
    target = plain(incident.merged_into or "", 80) or "an unnamed incident"
    what = f" ({verdict(incident)})" if incident.candidates else ""
    return f"Incident {plain(incident.incident_id, 80)}{what} goes on as {target}."
