"""Operators' verdicts, plain or as CloudEvents.

`{"incident_id", "outcome", "component", "pattern", "who", "at", "note", "revision"}`;
docs/FORMATS.md has the table.
"""

from collections.abc import Mapping
from typing import Any

from schemas.codecs.cloudevents import Headers, open_json
from schemas.codecs.instants import read_instant
from schemas.codecs.json_text import as_object, as_text, describe
from schemas.codecs.limits import DEFAULT_LIMITS, CodecLimits
from schemas.errors import SchemaError
from schemas.verdict import Outcome, Verdict

REVISIONS_LIMIT = 1_000_000


def decode_verdict(
    value: bytes,
    headers: Headers = (),
    *,
    received_ms: int | None = None,
    limits: CodecLimits = DEFAULT_LIMITS,
) -> Verdict:
    """Decode one verdict.

    Args:
        value: the message.
        headers: its Kafka headers.
        received_ms: the record's Kafka timestamp, which stands in for `at` where neither the
            verdict nor its CloudEvents envelope has a time.
        limits: what one message may hold.
    """
    opened = open_json(value, headers, limits)
    document = as_object(opened.document, "the verdict")
    short = limits.label_value_chars
    outcome = _outcome(document, short)
    verdict = Verdict(
        incident_id=_incident(document, short),
        outcome=outcome,
        at_ms=_at(document, opened.time, received_ms),
        component=as_text(document.get("component"), "component", short).strip(),
        pattern=as_text(document.get("pattern"), "pattern", short).strip(),
        who=as_text(document.get("who"), "who", short).strip(),
        note=as_text(document.get("note"), "note", limits.annotation_value_chars),
        revision=_revision(document),
    )
    _check_root(verdict)
    return verdict


def _incident(document: Mapping[str, Any], limit: int) -> str:
    incident_id = as_text(document.get("incident_id"), "incident_id", limit).strip()
    if not incident_id:
        msg = (
            "the verdict has no incident_id, expected that of an incident: say which one it is on"
        )
        raise SchemaError(msg)
    return incident_id


def _outcome(document: Mapping[str, Any], limit: int) -> Outcome:
    word = as_text(document.get("outcome"), "outcome", limit).strip().lower()
    try:
        return Outcome(word)
    except ValueError:
        found = f'the outcome "{word[:60]}"' if word else "no outcome"
        msg = f"the verdict has {found}, expected one of {', '.join(Outcome)}: correct the sender"
        raise SchemaError(msg) from None


def _at(document: Mapping[str, Any], envelope_time: str, received_ms: int | None) -> int:
    at_ms = read_instant(document.get("at"), "at")
    if at_ms is None:
        at_ms = read_instant(envelope_time, "the CloudEvents time")
    if at_ms is None:
        at_ms = received_ms
    if at_ms is None:
        msg = "the verdict has no at, expected an RFC 3339 time like 2026-09-01T10:00:00Z: add it"
        raise SchemaError(msg)
    return at_ms


def _revision(document: Mapping[str, Any]) -> int:
    found = document.get("revision", 1)
    if type(found) is not int or not 1 <= found <= REVISIONS_LIMIT:
        shown = f"{found}" if type(found) is int else describe(found)
        msg = (
            f"revision is {shown}, expected a whole number from 1 on: count the verdicts on an "
            "incident, or leave it out for the first"
        )
        raise SchemaError(msg)
    return found


def _check_root(verdict: Verdict) -> None:
    if verdict.outcome is Outcome.NOTHING_WRONG:
        named = verdict.component or verdict.pattern
        if named:
            msg = (
                f'the verdict says nothing_wrong and names "{named[:60]}", expected neither '
                "component nor pattern then: leave them out, or say corrected"
            )
            raise SchemaError(msg)
    elif not verdict.component:
        msg = (
            f"the verdict says {verdict.outcome} and names no component, expected the root cause "
            "as the incident names it: add component, or say nothing_wrong"
        )
        raise SchemaError(msg)
