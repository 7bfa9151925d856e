"""An incident told in a few sentences: pure, and the same for every chat target.

The order is the order of reading: verdict first, then how big it is, what changed, why, what else
it could be, what to do. `slack.py` (and whatever follows it) only lays a Story out.
"""

from dataclasses import dataclass
from urllib.parse import quote

from agents.notifier import sentences
from agents.notifier.plain import plain
from agents.notifier.sent import Occasion, Sent
from schemas.incident import Incident

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
    lead, *changes = _lead(incident, occasion, before)
    return Story(
        occasion=occasion,
        severity=severity,
        headline=sentences.verdict(incident),
        lead=lead,
        facts=(*changes, *sentences.facts(incident)),
        sections=_sections(incident),
        notes=notes,
        link=link,
    )


def _lead(incident: Incident, occasion: Occasion, before: Sent | None) -> tuple[str, ...]:
    """The sentence to read with the verdict, and what belongs right below it."""
    if occasion is Occasion.TOP_CHANGED and incident.candidates:
        return sentences.top_changed(incident, before)
    if occasion is Occasion.REOPENED:
        return ("Open again: it had been reported as over.", sentences.lead(incident))
    return (sentences.lead(incident),)


def _sections(incident: Incident) -> tuple[Section, ...]:
    if not incident.candidates:
        return ()
    top = incident.candidates[0]
    # Titles do not claim more than the answer does.
    why = "What speaks for the best guess" if incident.abstained else "Why"
    actions = sentences.action_title(incident, top)
    found = (
        Section(title=why, items=sentences.evidence(incident, top)),
        Section(title=actions, items=sentences.first_actions(top)),
        Section(title="Speaks against it", items=sentences.counter_evidence(top)),
        Section(title="Also possible", items=sentences.alternatives(incident)),
    )
    return tuple(section for section in found if section.items)


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
