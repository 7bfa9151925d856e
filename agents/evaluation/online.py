"""Runs the engine over a recording once and finds out which incident and which question counts.

The incident with most alerts that began within the fault or five minutes after it counts, and its
last question in that time. A healthy recording is run whole. No answer is judged here.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from agents.evaluation.asked import Collected, Inquiry, Timed
from agents.evaluation.identity import Identity
from agents.offline import OfflineConfig, OfflineRun, signals_of
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
MOST_QUESTIONS: Final = 40
"""Questions kept of one incident; of more, every so manieth is kept, and the last."""


def ask_online(
    recording: Recording, identity: Identity, config: OfflineConfig, rank: Ranker
) -> Collected:
    """Keep what the engine asks of a recording; `rank` answers it meanwhile.

    Questions do not depend on the answers, which only decide what is worth a revision.
    """
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
    return Inquiry(questions=thinned(own), revisions=revisions[counting.incident_id])


def thinned(questions: Sequence[Timed]) -> tuple[Timed, ...]:
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
            found.append(Inquiry(questions=thinned([own[i] for i in kept_moments(ages)])))
    return found
