"""The demo's verdict: a pure function of what was published and what chat received.

The expectation comes from the recording's truth, which nothing else in the demo sees.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from schemas.incident import Incident, IncidentStatus
from schemas.recording import Fault

OPEN_WITHIN_SECONDS = 17.0
_MEMBERS_SHARE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a right answer names, and which alerts have nothing to do with it."""

    component: str
    pattern: str
    holder: str
    related: frozenset[str]
    unrelated: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether everything came out as it should; each shortcoming is a sentence."""

    problems: tuple[str, ...] = field(default_factory=tuple)

    @property
    def is_right(self) -> bool:
        """Whether there is no shortcoming."""
        return not self.problems


def expect(
    fault: Fault, alerts: Mapping[str, Mapping[str, str]], bystanders: frozenset[str]
) -> Expected:
    """Make the expectation from the truth.

    Args:
        fault: what was injected.
        alerts: labels by fingerprint of every alert that was sent.
        bystanders: label values that name things outside the system.
    """
    unrelated = frozenset(
        fingerprint
        for fingerprint, labels in alerts.items()
        if any(name in value for value in labels.values() for name in bystanders)
    )
    return Expected(
        component=fault.component,
        pattern=fault.pattern,
        holder=fault.details.get("holder", ""),
        related=frozenset(alerts) - unrelated,
        unrelated=unrelated,
    )


def judge(
    incidents: Sequence[Incident], messages: Sequence[Mapping[str, Any]], expected: Expected
) -> Verdict:
    """Judge the last revisions of all incidents and the chat payloads, in order of arrival."""
    standing = [i for i in incidents if i.status is not IncidentStatus.MERGED]
    storms = [i for i in standing if _members(i) & expected.related]
    if len(storms) != 1:
        found = "; ".join(i.title for i in storms) or "none"
        return Verdict(problems=(f"{len(storms)} incidents hold the storm, expected 1: {found}",))
    storm = storms[0]
    return Verdict(
        problems=(
            *_membership(storm, expected),
            *_timing(storm),
            *_answer(storm, expected),
            *_chat(storm, messages, expected),
        )
    )


def seconds_to_open(incident: Incident) -> float:
    """Event time from the first alert to the incident."""
    detected = datetime.fromisoformat(incident.detected_at)
    return (detected - datetime.fromisoformat(incident.started_at)).total_seconds()


def holder_of(incident: Incident) -> str:
    """Return who holds the connections, as the first candidate's evidence names it."""
    if not incident.candidates:
        return ""
    named = (e.details.get("holder", "") for e in incident.candidates[0].evidence)
    return next((holder for holder in named if holder), "")


def _members(incident: Incident) -> frozenset[str]:
    return frozenset(a.fingerprint for a in incident.alerts)


def _membership(storm: Incident, expected: Expected) -> list[str]:
    problems: list[str] = []
    strangers = _members(storm) & expected.unrelated
    if strangers:
        rules = sorted(a.rule for a in storm.alerts if a.fingerprint in strangers)
        problems.append(f"unrelated alerts are members: {', '.join(rules)}")
    share = len(_members(storm) & expected.related) / max(1, len(expected.related))
    if share < _MEMBERS_SHARE:
        problems.append(f"the incident holds {share:.0%} of the storm's alerts, expected 80 %")
    return problems


def _timing(storm: Incident) -> list[str]:
    took = seconds_to_open(storm)
    if took <= OPEN_WITHIN_SECONDS:
        return []
    return [f"it opened {took:.1f} s after the first alert, expected within {OPEN_WITHIN_SECONDS}"]


def _answer(storm: Incident, expected: Expected) -> list[str]:
    if not storm.candidates:
        return ["the incident names no candidate"]
    top = storm.candidates[0]
    problems: list[str] = []
    if top.component != expected.component:
        problems.append(f"TOP-1 is {top.component}, expected {expected.component}")
    if storm.abstained:
        problems.append(f"the answer is withheld: {storm.abstain_reason}")
    pattern = top.patterns[0].pattern if top.patterns else "none"
    if pattern != expected.pattern:
        problems.append(f"the pattern is {pattern}, expected {expected.pattern}")
    if expected.holder and holder_of(storm) != expected.holder:
        named = holder_of(storm) or "nobody"
        problems.append(f"{named} is named as the holder, expected {expected.holder}")
    return problems


def _chat(storm: Incident, messages: Sequence[Mapping[str, Any]], expected: Expected) -> list[str]:
    about = [m for m in messages if storm.incident_id in orjson.dumps(m).decode()]
    if not about:
        return ["chat got no message about the incident"]
    if expected.component not in orjson.dumps(about[-1]).decode():
        return [f"the last chat message does not name {expected.component}"]
    return []
