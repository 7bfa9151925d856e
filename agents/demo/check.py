"""The verdict: whether what came out is what the simulation's truth says. Pure.

It reads what the output topic said and what the chat received, nothing else; each expectation
that is not met is one sentence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.demo.scene import Revision
from agents.notifier.plain import moment
from schemas.incident import Incident, IncidentStatus

OPENED_WITHIN_SECONDS = 17.0
STORM_SHARE = 0.8
"""Least share of the storm's alerts that the one incident has to hold."""
_LATER = ("TOP-1", "Resolved after", "Open again")
"""Words by which a message shows that it is not the first about its incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the truth says: the broken component, how it is broken, who holds what it lacks.

    `storm` and `bystanders` are the fingerprints of the fault's alerts and of those that have
    nothing to do with it.
    """

    component: str
    pattern: str
    holder: str = ""
    storm: frozenset[str]
    bystanders: frozenset[str]


def failures(
    expected: Expected, revisions: Sequence[Revision], messages: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return what is not as it should be, one sentence each; nothing when all is well.

    Args:
        expected: the truth.
        revisions: the records of the incidents topic, in their order.
        messages: the payloads that the chat received, in their order.
    """
    last = {revision.incident.incident_id: revision.incident for revision in revisions}
    holding = sorted(
        (i for i in last.values() if i.status is not IncidentStatus.MERGED and _of(expected, i)),
        key=lambda i: (-len(_of(expected, i)), i.incident_id),
    )
    if not holding:
        return ["No incident holds any of the storm's alerts, expected one that holds most."]
    main = holding[0]
    found = [_alone(holding), _most(expected, main), _strangers(expected, main)]
    found += [_quick(main, revisions), _component(expected, main), _pattern(expected, main)]
    found += [_holder(expected, main), *_told(expected, main, messages)]
    return [sentence for sentence in found if sentence]


def _of(expected: Expected, incident: Incident) -> set[str]:
    return {a.fingerprint for a in incident.alerts if a.fingerprint in expected.storm}


def _alone(holding: Sequence[Incident]) -> str:
    if len(holding) == 1:
        return ""
    sizes = ", ".join(str(incident.alert_count) for incident in holding)
    return f"{len(holding)} incidents hold the storm's alerts ({sizes}), expected one."


def _most(expected: Expected, main: Incident) -> str:
    held, all_of = len(_of(expected, main)), len(expected.storm)
    if held >= STORM_SHARE * all_of:
        return ""
    return f"The incident holds {held} of the storm's {all_of} alerts, expected most of them."


def _strangers(expected: Expected, main: Incident) -> str:
    strangers = sorted({a.rule for a in main.alerts if a.fingerprint in expected.bystanders})
    if not strangers:
        return ""
    return f"The incident holds alerts that have nothing to do with it: {', '.join(strangers)}."


def _quick(main: Incident, revisions: Sequence[Revision]) -> str:
    seconds = opened_after(main, revisions)
    if seconds is None:
        return "No record announces that the incident opened."
    if seconds <= OPENED_WITHIN_SECONDS:
        return ""
    return (
        f"The incident opened {seconds:.1f} s after its first alert, "
        f"expected at most {OPENED_WITHIN_SECONDS:.0f} s."
    )


def opened_after(main: Incident, revisions: Sequence[Revision]) -> float | None:
    """Seconds of event time from an incident's first alert to its first record."""
    of_it = [r.incident for r in revisions if r.incident.incident_id == main.incident_id]
    opened = next(
        (
            r.incident
            for r in revisions
            if r.transition == "opened" and r.incident.incident_id == main.incident_id
        ),
        None,
    )
    if opened is None:
        return None
    starts = [start for i in of_it for a in i.alerts if (start := moment(a.starts_at))]
    told = [at for text in (opened.updated_at, opened.detected_at) if (at := moment(text))]
    return (max(told) - min(starts)).total_seconds() if starts and told else None


def _component(expected: Expected, main: Incident) -> str:
    if main.abstained or not main.candidates:
        return f"The incident names no root cause, expected {expected.component}."
    top = main.candidates[0]
    if top.component == expected.component:
        return ""
    return f"TOP-1 is {top.component}, expected {expected.component}."


def _pattern(expected: Expected, main: Incident) -> str:
    best = best_pattern(main)
    if best == expected.pattern:
        return ""
    return f"The pattern of TOP-1 is {best or 'unknown'}, expected {expected.pattern}."


def best_pattern(incident: Incident) -> str:
    """Name the pattern that fits the first candidate best, or nothing."""
    patterns = incident.candidates[0].patterns if incident.candidates else ()
    return max(patterns, key=lambda p: p.probability).pattern if patterns else ""


def holders(incident: Incident) -> list[str]:
    """Name who holds what the first candidate lacks, the strongest evidence first."""
    evidence = incident.candidates[0].evidence if incident.candidates else ()
    naming = sorted(
        (e for e in evidence if e.supports and e.details.get("holder")),
        key=lambda e: (-e.strength, e.kind),
    )
    return list(dict.fromkeys(e.details["holder"] for e in naming))


def _holder(expected: Expected, main: Incident) -> str:
    named = holders(main)
    if not expected.holder or named[:1] == [expected.holder]:
        return ""
    said = f"names {', '.join(named)}" if named else "names nobody"
    return f"The evidence {said} as the holder of the connections, expected {expected.holder}."


def _told(expected: Expected, main: Incident, messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Judge what people were told: once that it opened, and in the end the right component."""
    about = [message for message in messages if main.incident_id in str(message)]
    opened = [message for message in about if not any(word in str(message) for word in _LATER)]
    found = []
    if len(opened) != 1:
        found.append(f"The chat was told {len(opened)} times that the incident opened, not once.")
    if about and expected.component not in headline(about[-1]):
        said = headline(about[-1])
        found.append(f"The last chat message says {said!r}, not {expected.component}.")
    return found


def headline(message: Mapping[str, Any]) -> str:
    """Return the header of a chat message, or its text when it has none."""
    for block in message.get("blocks") or ():
        if block.get("type") == "header":
            return str(block["text"]["text"])
    return str(message.get("text", ""))
