"""`rootline cases similar INCIDENT.json|RECORDING`: the past cases that an incident resembles."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import orjson
from rich.table import Table

from agents.cases.errors import CasesError
from agents.cases.library import read_cases, read_file
from agents.cases.listing import described
from agents.cases.options import library_option, own_option
from agents.notifier.records import decode_incident
from agents.offline import OfflineConfig, run_offline
from agents.options import json_option, settings_option
from agents.rankers import configured_ranker
from agents.recordings import read_recording
from agents.settings import Settings
from agents.terminal import Terminal, say_json
from models.case_similarity import Nearest, signature_of, similar
from models.pattern_catalogue import Pattern, default_catalogue
from models.rules import RuleRanker
from pipeline.outputs import IncidentPublished
from schemas.candidate import Candidate, Diagnosis, Evidence, Question, Ranker
from schemas.component import Component, ComponentKind
from schemas.errors import SchemaError
from schemas.incident import Incident, IncidentCandidate, IncidentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """What is compared: an incident's question, and which candidate of it."""

    incident_id: str
    question: Question
    component: str


@click.command(name="similar")
@click.argument("place", metavar="INCIDENT.json|RECORDING", type=click.Path(path_type=Path))
@settings_option
@library_option
@own_option
@click.option("--component", default="", help="Whom to compare; else the likeliest root cause.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=5, show_default=True, help="Most cases shown."
)
@json_option
def similar_cases(  # noqa: PLR0913 - click passes each option as a parameter of its own
    settings: Settings,
    *,
    place: Path,
    folder: Path | None,
    own: bool,
    component: str,
    limit: int,
    as_json: bool,
) -> None:
    """Find the past cases most like an incident, and what was done first in them.

    An incident's record has evidence only; a RECORDING is run through the engine and has the
    measures as well, so it is compared more closely.
    """
    suspect = _of_recording(place, settings, component) if place.is_dir() else None
    if suspect is None:
        suspect = _of_incident(
            _incident(read_file(place, settings.limits.message_bytes)), component
        )
    library = read_cases(settings.cases, folder, shipped=not own)
    found = similar(library.cases, signature_of(suspect.question, suspect.component), limit)
    if as_json:
        say_json(_plain(suspect, found))
    else:
        _show(Terminal(), suspect, found)


def _incident(data: bytes) -> Incident:
    """Read an incident as published, or within a line of `rootline replay --json`."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        msg = f"the incident is no JSON ({error}); expected one record of the topic incidents"
        raise SchemaError(msg) from error
    if isinstance(document, dict) and isinstance(document.get("incident"), dict):
        data = orjson.dumps(document["incident"])
    return decode_incident(data)


def _of_incident(incident: Incident, component: str) -> Suspect:
    candidates = tuple(_candidate(c) for c in incident.candidates)
    question = Question(incident_id=incident.incident_id, at_ms=0, candidates=candidates)
    return _suspect(question, component, [c.component for c in incident.candidates])


def _candidate(candidate: IncidentCandidate) -> Candidate:
    if candidate.kind not in tuple(ComponentKind):
        msg = f"{candidate.component} is a {candidate.kind!r}, expected {', '.join(ComponentKind)}"
        raise SchemaError(msg)
    evidence = tuple(
        Evidence(kind=e.kind, strength=e.strength, statement=e.statement, supports=e.supports)
        for e in candidate.evidence
    )
    component = Component(name=candidate.component, kind=ComponentKind(candidate.kind))
    return Candidate(component=component, measures={}, evidence=evidence)


def _of_recording(place: Path, settings: Settings, component: str) -> Suspect:
    config = OfflineConfig(
        resolver=settings.resolver,
        reduce=settings.reduce,
        pipeline=settings.pipeline,
        future_seconds=settings.worker.future_seconds,
    )
    # Who is compared decides the ranker, unless the command line says it.
    rank: Ranker = RuleRanker() if component else configured_ranker(settings.model)
    asked: dict[str, tuple[Question, Diagnosis]] = {}

    def ask(question: Question) -> Diagnosis:
        diagnosis = rank(question)
        asked[question.incident_id] = question, diagnosis
        return diagnosis

    outputs = run_offline(read_recording(place), ask, config=config).outputs
    last = {
        o.incident.incident_id: o.incident for o in outputs if isinstance(o, IncidentPublished)
    }
    stayed = [i for i in last.values() if i.status is not IncidentStatus.MERGED]
    if not stayed:
        msg = f"no incident came of {place}, so there is nothing to compare"
        raise CasesError(msg)
    largest = min(stayed, key=lambda i: (-i.alert_count, i.incident_id))
    question, diagnosis = asked[largest.incident_id]
    return _suspect(question, component, [r.component.name for r in diagnosis.ranked])


def _suspect(question: Question, component: str, ranked: Sequence[str]) -> Suspect:
    if not ranked:
        msg = f"incident {question.incident_id} has no candidate, so there is nobody to compare"
        raise CasesError(msg)
    chosen = component or ranked[0]
    if chosen not in ranked:
        names = ", ".join(ranked[:10])
        msg = (
            f"{chosen} is no candidate of incident {question.incident_id}; expected one of {names}"
        )
        raise CasesError(msg)
    return Suspect(incident_id=question.incident_id, question=question, component=chosen)


def _pattern(nearest: Nearest) -> Pattern | None:
    return default_catalogue().find(nearest.case.last.pattern)


def _plain(suspect: Suspect, found: Sequence[Nearest]) -> dict[str, object]:
    rows = []
    for each in found:
        pattern = _pattern(each)
        rows.append(
            described(each.case)
            | {
                "similarity": round(each.similarity, 4),
                "shared": each.shared,
                "title": pattern.title if pattern is not None else "",
                "first_actions": pattern.first_actions if pattern is not None else (),
            }
        )
    return {"incident_id": suspect.incident_id, "component": suspect.component, "cases": rows}


def _show(console: Terminal, suspect: Suspect, found: Sequence[Nearest]) -> None:
    console.print(f"{suspect.component} of incident {suspect.incident_id} resembles")
    if not found:
        console.print("no case of the library: none has a root of its kind that shows the same")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("alike", justify="right")
    for column in ("case", "pattern", "because of"):
        table.add_column(column, overflow="fold")
    for each in found:
        last = each.case.last
        what = last.pattern or f"({last.fault})"
        table.add_row(f"{each.similarity:.2f}", each.case.name, what, ", ".join(each.shared))
    console.print(table)
    told: set[str] = set()
    for each in found:
        pattern = _pattern(each)
        if pattern is not None and pattern.id not in told:
            told.add(pattern.id)
            console.print(f"\n{pattern.title}; first:")
            for action in pattern.first_actions:
                console.print(f"- {action}")
