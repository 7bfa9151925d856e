"""Runs the engine over one recording once and keeps what it asked, and what baselines say to it.

Online, the incident that counts is the one with most alerts that began within the fault or five
minutes after it, and its last question in that time is the one that counts. A healthy recording is
run whole. No answer is judged here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from agents.evaluation.asked import Collected, Inquiry, Timed
from agents.evaluation.baseline_case import (
    Telemetry,
    baseline_case,
    rule_scores,
    telemetry_of,
)
from agents.evaluation.identity import Identity, identity_of
from agents.evaluation.judge import Protocol
from agents.given_window import given_window, question_of_window
from agents.offline import OfflineConfig, OfflineRun, signals_of
from agents.recordings import read_recording
from models.baselines.counts_forest import counts_of
from models.moments import kept_moments
from pipeline.correlator import Correlator
from pipeline.outputs import IncidentPublished, Output
from pipeline.timestamps import rfc3339
from schemas.candidate import Diagnosis, Question, Ranker
from schemas.incident import Incident, IncidentStatus
from schemas.recording import Recording

AFTER_FAULT_MS: Final = 300_000
"""How long after its end a fault's alerts and answers still count."""
SETTLE_MS: Final = 40_000
"""How long what was asked for in time may take to come through the reorder buffer."""
_NEVER_SECONDS: Final = 1e7
MOST_QUESTIONS: Final = 40
"""Questions kept of one incident; of more, every so manieth is kept, and the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to collect of recordings. Given onsets are moved by `onset_error_ms` (late above 0)."""

    online: bool = True
    published: bool = True
    baselines: bool = False
    onset_error_ms: int = 0
    config: OfflineConfig = OfflineConfig()  # noqa: RUF009 - frozen, so safe to share

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """Name the protocols that are collected."""
        return (*(("online",) if self.online else ()), *(("published",) if self.published else ()))


def collect_folder(folder: Path, wanted: Wanted, rank: Ranker) -> Collected | None:
    """Collect a recording from its folder; None where nobody knows what was wrong in it."""
    return collect(read_recording(folder), wanted, rank)


def collect(recording: Recording, wanted: Wanted, rank: Ranker) -> Collected | None:
    """Collect a recording. `rank` answers the engine, which only decides what is a revision."""
    if recording.truth is None:
        return None
    identity = identity_of(recording)
    found = Collected(identity=identity)
    if wanted.online:
        found = _online(recording, identity, wanted.config, rank)
    if wanted.published and recording.provenance.get("protocol"):
        recording = _mistaken(recording, int(wanted.onset_error_ms / identity.time_scale))
        question = question_of_window(recording, _patient(wanted.config))
        asked = Timed(asked_ms=given_window(recording).until_ms, question=question)
        found = replace(found, published=Inquiry(questions=(asked,)))
    if wanted.baselines and not identity.healthy:
        found = _with_baselines(recording, found, wanted.config)
    return found


def _patient(config: OfflineConfig) -> OfflineConfig:
    """Let no incident open: a given window asks by itself, and every other question costs time."""
    firing = replace(
        config.pipeline.firing,
        early_seconds=_NEVER_SECONDS,
        evaluate_seconds=_NEVER_SECONDS,
        min_interval_seconds=_NEVER_SECONDS,
    )
    return replace(config, pipeline=replace(config.pipeline, firing=firing))


def _mistaken(recording: Recording, error_ms: int) -> Recording:
    """Move the onset that the protocol gives, within its window and the recording."""
    given = dict(recording.provenance["protocol"])
    if error_ms and "onset_ms" in given:
        latest = int(given.get("window_end_ms", recording.end_ms)) - 1
        moved = int(given["onset_ms"]) + error_ms
        given["onset_ms"] = max(recording.start_ms + 1, min(moved, latest))
    return replace(recording, provenance={**recording.provenance, "protocol": given})


def _online(
    recording: Recording, identity: Identity, config: OfflineConfig, rank: Ranker
) -> Collected:
    asked: list[Timed] = []
    clock_ms = recording.start_ms

    def ask(question: Question) -> Diagnosis:
        asked.append(Timed(asked_ms=clock_ms, question=question))
        return rank(question)

    run, outputs = OfflineRun(), list[Output]()
    correlator = Correlator(config.pipeline, ask)
    until_ms = identity.fault_end_ms + AFTER_FAULT_MS
    for arrived_ms, environment, signal in signals_of(recording, config, run):
        clock_ms = arrived_ms
        if arrived_ms > until_ms + SETTLE_MS:
            break
        outputs += correlator.handle(environment, signal, arrived_ms)
    in_time = [timed for timed in asked if timed.asked_ms <= until_ms]
    incidents = _last_revisions(outputs)
    counting = None if identity.healthy else _counting(incidents, identity)
    revisions = _revisions(outputs)
    others = tuple(_others(incidents, counting, asked, identity))
    return Collected(
        identity=identity,
        online=_of_fault(counting, in_time, identity, revisions),
        others=others,
        noise=len(others),
        rejected=len(run.rejected),
    )


def _last_revisions(outputs: Sequence[Output]) -> list[Incident]:
    last = {
        output.incident.incident_id: output.incident
        for output in outputs
        if isinstance(output, IncidentPublished)
    }
    return [i for i in last.values() if i.status is not IncidentStatus.MERGED]


def _revisions(outputs: Sequence[Output]) -> dict[str, int]:
    return {
        output.incident.incident_id: output.incident.revision
        for output in outputs
        if isinstance(output, IncidentPublished)
    }


def _counting(incidents: Sequence[Incident], identity: Identity) -> Incident | None:
    began = rfc3339(identity.fault_start_ms)
    ended = rfc3339(identity.fault_end_ms + AFTER_FAULT_MS)
    inside = [i for i in incidents if _began_within(i, began, ended)]
    # Of equally large ones the first, then by id: nothing that the truth would have a say in.
    inside.sort(key=lambda i: (-_began_within(i, began, ended), i.started_at, i.incident_id))
    return inside[0] if inside else None


def _began_within(incident: Incident, began: str, ended: str) -> int:
    return sum(began <= alert.starts_at <= ended for alert in incident.alerts)


def _of_fault(
    counting: Incident | None,
    in_time: Sequence[Timed],
    identity: Identity,
    revisions: dict[str, int],
) -> Inquiry | None:
    if counting is None:
        return None
    own = [
        timed
        for timed in in_time
        if timed.question.incident_id == counting.incident_id
        and timed.asked_ms >= identity.fault_start_ms
    ]
    if not own:
        return None
    return Inquiry(questions=_thinned(own), revisions=revisions[counting.incident_id])


def _thinned(questions: Sequence[Timed]) -> tuple[Timed, ...]:
    """Keep a bounded number, and texts only of the last, which alone is read for patterns."""
    step = -(-len(questions) // MOST_QUESTIONS)
    kept = [*questions[:-1][::step]] if step > 1 else [*questions[:-1]]
    return (*(replace(t, question=_bare(t.question)) for t in kept), questions[-1])


def _bare(question: Question) -> Question:
    candidates = [
        replace(c, evidence=tuple(replace(e, references=()) for e in c.evidence))
        for c in question.candidates
    ]
    return replace(question, candidates=tuple(candidates))


def _others(
    incidents: Sequence[Incident],
    counting: Incident | None,
    asked: Sequence[Timed],
    identity: Identity,
) -> list[Inquiry]:
    """List incidents without a root: all of a healthy recording, else those before the fault."""
    began = rfc3339(identity.fault_start_ms)
    found = []
    for incident in incidents:
        before = identity.healthy or all(a.starts_at < began for a in incident.alerts)
        if incident is counting or not before:
            continue
        own = [t for t in asked if t.question.incident_id == incident.incident_id]
        if not identity.healthy:
            own = [t for t in own if t.asked_ms < identity.fault_start_ms]
        if own:
            ages = [t.question.context.get("elapsed_s", 0.0) for t in own]
            found.append(Inquiry(questions=_thinned([own[i] for i in kept_moments(ages)])))
    return found


def _with_baselines(recording: Recording, found: Collected, config: OfflineConfig) -> Collected:
    telemetry = telemetry_of(recording, config)
    online, published = found.online, found.published
    if online is not None:
        # Our own onset: what the engine took for the incident's first alert.
        last = online.questions[-1]
        elapsed_ms = int(last.question.context.get("elapsed_s", 0.0) * 1000)
        onset_ms = last.question.at_ms - elapsed_ms
        online = _scored(telemetry, online, onset_ms=onset_ms, until_ms=last.question.at_ms)
    if published is not None:
        window = given_window(recording)
        published = _scored(
            telemetry,
            published,
            onset_ms=window.onset_ms,
            until_ms=window.until_ms,
            symptom=window.symptom,
        )
    return replace(found, online=online, published=published)


def _scored(
    telemetry: Telemetry, inquiry: Inquiry, *, onset_ms: int, until_ms: int, symptom: str = ""
) -> Inquiry:
    case = baseline_case(
        telemetry, inquiry.last, onset_ms=onset_ms, until_ms=until_ms, symptom=symptom
    )
    return replace(inquiry, scores=rule_scores(case), counts=counts_of(case))
