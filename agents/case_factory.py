"""Makes training rows: simulate a fault, run the engine over it, keep what it asked and the truth.

Each incident is a case. The fault's incidents are asked about from its start on; incidents of
noise and of healthy runs have no root. Few moments of each are kept (models/moments.py).
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from agents.offline import run_offline
from models.cases import CaseLabel, CaseRow, row_of
from models.moments import kept_moments
from models.pattern_catalogue import default_catalogue
from models.rules import RuleRanker
from models.simulator.config import SimulationConfig
from models.simulator.faults import FAULTS, HEALTHY
from models.simulator.simulate import simulate
from pipeline.outputs import IncidentPublished, Output
from pipeline.timestamps import rfc3339
from schemas.candidate import Diagnosis, Question
from schemas.component import Component
from schemas.incident import Incident, IncidentStatus
from schemas.recording import Fault, Recording

WORLDS = 12
"""Seeds that a round of runs is dealt over."""
HEALTHY_WORLDS = 3
"""How many of them are also run without a fault."""
CASE_CONFIG = SimulationConfig(warmup_seconds=420.0, storm_seconds=300.0, request_rate=12.0)
"""Shorter and calmer than a storm to watch: a library needs many cases, not long ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One simulated run."""

    fault: str
    topology: str
    seed: int


def runs_of(topologies: Sequence[str], rounds: int) -> list[Run]:
    """Return `rounds` runs of every fault, each in another kind of topology, and healthy runs.

    A round deals the kinds of topology out in turn, and `WORLDS` seeds over each, so that about a
    dozen faults share a world: enough to leave whole worlds out in cross-validation.
    """
    runs: list[Run] = []
    for turn in range(rounds):
        for place, fault in enumerate(sorted(FAULTS)):
            topology = topologies[(place + turn) % len(topologies)]
            seed = turn * WORLDS + 1 + place // len(topologies) % WORLDS
            runs.append(Run(fault=fault, topology=topology, seed=seed))
        for topology in topologies:
            first = turn * WORLDS + 1
            runs += [
                Run(fault=HEALTHY, topology=topology, seed=seed)
                for seed in range(first, first + HEALTHY_WORLDS)
            ]
    return runs


def make_rows(
    runs: Sequence[Run], *, jobs: int, done: Callable[[Run], None]
) -> Iterator[list[CaseRow]]:
    """Yield the rows of each run, in the order of the runs whatever finishes first."""
    if jobs <= 1:
        for run in runs:
            yield rows_of_run(run)
            done(run)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for run, rows in zip(runs, pool.imap(rows_of_run, runs), strict=True):
            yield rows
            done(run)


def rows_of_run(run: Run) -> list[CaseRow]:
    """Simulate one run and return its rows; none where no incident came of it."""
    recording = simulate(run.fault, seed=run.seed, topology=run.topology, config=CASE_CONFIG)
    return rows_of_recording(recording, run)


def rows_of_recording(recording: Recording, run: Run) -> list[CaseRow]:
    """Run the engine over a recording with its truth and return the rows of all its incidents."""
    rank, asked = RuleRanker(), []

    def ask(question: Question) -> Diagnosis:
        asked.append(question)
        return rank(question)

    incidents = _incidents(run_offline(recording, ask).outputs)
    truth = recording.truth[0] if recording.truth else None
    rows: list[CaseRow] = []
    for place, incident in enumerate(incidents):
        fault = truth if truth is not None and _is_of(truth, incident) else None
        began_ms = fault.start_ms if fault is not None else recording.start_ms
        label = _label(run, fault, place)
        of_incident = [
            row_of(question, label, default_catalogue())
            for question in asked
            if question.incident_id == incident.incident_id and question.at_ms >= began_ms
        ]
        rows += _kept(of_incident)
    return rows


def _kept(rows: Sequence[CaseRow]) -> list[CaseRow]:
    # Evidence ends a while after the last alert: later questions have the same age, and two of
    # them would both count as the case's last answer.
    by_age = {row.elapsed_s: row for row in rows}
    ages = sorted(by_age)
    return [by_age[ages[moment]] for moment in kept_moments(ages)]


def _incidents(outputs: Sequence[Output]) -> list[Incident]:
    """Return the last revision of each incident that was not merged away, the largest first."""
    last = {
        output.incident.incident_id: output.incident
        for output in outputs
        if isinstance(output, IncidentPublished)
    }
    stayed = [i for i in last.values() if i.status is not IncidentStatus.MERGED]
    return sorted(stayed, key=attrgetter("alert_count", "incident_id"), reverse=True)


def _is_of(fault: Fault, incident: Incident) -> bool:
    """Whether more than half of the alerts began after the fault; a storm takes old ones in."""
    began_at = rfc3339(fault.start_ms)
    after = sum(alert.starts_at >= began_at for alert in incident.alerts)
    return 2 * after > len(incident.alerts)


def _label(run: Run, fault: Fault | None, place: int) -> CaseLabel:
    case = f"{run.fault}/{run.topology}/{run.seed}"
    # Each random topology is a system of its own, and is never torn in cross-validation.
    random = run.topology.startswith("random")
    topology = f"{run.topology}/{run.seed}" if random else run.topology
    return CaseLabel(
        case=f"{case}/{place}" if place else case,
        topology=topology,
        fault=run.fault if fault is not None else HEALTHY,
        seed=run.seed,
        source="simulated",
        pattern=fault.pattern if fault is not None else "",
        root=Component(name=fault.component) if fault is not None else None,
    )
