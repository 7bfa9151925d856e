"""An incident told in a few sentences: pure, and the same for every chat target.

The order is the order of reading: verdict first, then how big it is, what changed, why, what else
it could be, what to do. `slack.py` (and whatever follows it) only lays a Story out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from agents.notifier import sentences
from agents.notifier.plain import plain
from agents.notifier.sent import Occasion, Sent
from schemas.incident import Incident, IncidentCandidate

_MAX_TRACES = 2
_MAX_FLAPPING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled list of sentences, the most important first."""

    title: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A place to go on reading."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a message says, without any target's markup.

    `headline` is the verdict on one line, `lead` the one fact to know with it, `facts` how big and
    since when, `notes` the small print. Sections come in the order of reading, which is also the
    order in which a target with little room keeps them.
    """

    occasion: Occasion
    severity: str
    headline: str
    lead: str = ""
    facts: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()
    link: Link | None = None


def tell(
    incident: Incident, occasion: Occasion, *, before: Sent | None = None, console_url: str = ""
) -> Story:
    """Tell an incident on an occasion.

    Args:
        incident: the revision to tell.
        occasion: why it is told.
        before: what the receiver was last told about it, for the sentence on what changed.
        console_url: where the console is; "" leaves the link out.
    """
    link = _link(incident, console_url)
    notes = _notes(incident)
    severity = plain(incident.severity, 20)
    if occasion is Occasion.MERGED:
        headline, lead = "Merged into another incident", sentences.merged(incident)
        return Story(occasion=occasion, severity=severity, headline=headline, lead=lead, link=link)
    if occasion is Occasion.RESOLVED:
        return Story(
            occasion=occasion,
            severity=severity,
            headline=sentences.resolved(incident),
            lead=sentences.cause_was(incident),
            facts=sentences.size(incident),
            notes=notes,
            link=link,
        )
    return Story(
        occasion=occasion,
        severity=severity,
        headline=sentences.verdict(incident),
        lead=sentences.lead(incident),
        facts=(*_changes(incident, occasion, before), *sentences.facts(incident)),
        sections=_sections(incident),
        notes=notes,
        link=link,
    )


def _changes(incident: Incident, occasion: Occasion, before: Sent | None) -> tuple[str, ...]:
    if occasion is Occasion.TOP_CHANGED:
        return sentences.top_changed(incident, before)
    if occasion is Occasion.REOPENED:
        return ("It had been reported as over; its alerts fire again.",)
    return ()


def _sections(incident: Incident) -> tuple[Section, ...]:
    top = incident.candidates[0] if incident.candidates else None
    # Titles do not claim more than the answer does.
    why = "What speaks for the best guess" if incident.abstained else "Why"
    parts: tuple[tuple[str, Callable[[IncidentCandidate], tuple[str, ...]]], ...] = (
        (why, sentences.evidence),
        ("First actions", sentences.first_actions),
        ("Speaks against it", sentences.counter_evidence),
    )
    found = [Section(title=title, items=items(top)) for title, items in parts if top is not None]
    others = Section(title="Also possible", items=sentences.alternatives(incident))
    return tuple(section for section in (*found, others) if section.items)


def _notes(incident: Incident) -> tuple[str, ...]:
    """The small print: what to quote when asking somebody else about it."""
    notes = [
        f"environment {plain(incident.environment, 60)}",
        f"severity {plain(incident.severity, 20)}",
        f"incident {plain(incident.incident_id, 80)}, revision {incident.revision}",
    ]
    if incident.traces:
        ids = ", ".join(plain(trace.trace_id, 32) for trace in incident.traces[:_MAX_TRACES])
        notes.append(f"traces {ids}")
    if incident.flapping:
        names = ", ".join(plain(name, 40) for name in incident.flapping[:_MAX_FLAPPING])
        notes.append(f"flapping: {names}")
    if incident.previous_incident_id:
        notes.append(f"follows {plain(incident.previous_incident_id, 80)}")
    notes.append(f"model {plain(incident.model_version, 40)}")
    return tuple(notes)


def _link(incident: Incident, console_url: str) -> Link | None:
    if not console_url:
        return None
    place = quote(plain(incident.incident_id, 200), safe="")
    return Link(label="Open in the console", url=f"{console_url.rstrip('/')}/incidents/{place}")
