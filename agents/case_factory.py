"""Makes training rows: simulate a fault, run the engine over it, keep what it asked and the truth.

Each run is a case; the questions of its largest incident from the fault's start on are kept at a
few moments (models/moments.py), so that early answers with little evidence are learnt too.
"""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from agents.offline import run_offline
from models.cases import CaseLabel, CaseRow, row_of
from models.moments import kept_moments
from models.pattern_catalogue import default_catalogue
from models.rules import RuleRanker
from models.simulator.faults import FAULTS
from models.simulator.simulate import simulate
from pipeline.outputs import IncidentPublished
from schemas.candidate import Diagnosis, Question
from schemas.component import Component
from schemas.recording import Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One simulated run."""

    fault: str
    topology: str
    seed: int


def runs_of(topologies: Sequence[str], seeds: int) -> list[Run]:
    """Return every fault on every topology with the seeds 1 to `seeds`."""
    return [
        Run(fault=fault, topology=topology, seed=seed)
        for topology in topologies
        for seed in range(1, seeds + 1)
        for fault in sorted(FAULTS)
    ]


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
    recording = simulate(run.fault, seed=run.seed, topology=run.topology)
    return rows_of_recording(recording, run)


def rows_of_recording(recording: Recording, run: Run) -> list[CaseRow]:
    """Run the engine over a recording with its truth and return the rows of its main incident."""
    rank, asked = RuleRanker(), []

    def ask(question: Question) -> Diagnosis:
        asked.append(question)
        return rank(question)

    outputs = run_offline(recording, ask).outputs
    alerts = Counter[str]()
    for output in outputs:
        if isinstance(output, IncidentPublished):
            alerts[output.incident.incident_id] = output.incident.alert_count
    if not alerts:
        return []
    main = max(alerts, key=lambda incident_id: (alerts[incident_id], incident_id))
    label, began_ms = _label(recording, run)
    rows = [
        row_of(question, label, default_catalogue())
        for question in asked
        if question.incident_id == main and question.at_ms >= began_ms
    ]
    return [rows[place] for place in kept_moments([row.elapsed_s for row in rows])]


def _label(recording: Recording, run: Run) -> tuple[CaseLabel, int]:
    truth = recording.truth[0] if recording.truth else None
    # Each random topology is a system of its own, and is never torn in cross-validation.
    topology = f"{run.topology}/{run.seed}" if run.topology == "random" else run.topology
    label = CaseLabel(
        case=f"{run.fault}/{run.topology}/{run.seed}",
        topology=topology,
        fault=run.fault,
        seed=run.seed,
        source="simulated",
        pattern=truth.pattern if truth else "",
        root=Component(name=truth.component) if truth else None,
    )
    return label, truth.start_ms if truth else recording.start_ms
