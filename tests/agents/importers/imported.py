"""What the tests of importers share: the command as it is called, and where real sets may lie."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agents.cli import main
from agents.given_window import question_of_window
from agents.offline import OfflineRun, run_offline
from agents.recordings import read_recording
from models.rules import RuleRanker
from pipeline.outputs import IncidentPublished
from schemas.alert import Alert
from schemas.codecs.alerts import decode_alerts
from schemas.recording import Recording
from schemas.resolve import Resolver, ResolverConfig

ROOT = Path(__file__).parents[3]


def import_set(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["import", *map(str, arguments)])


def imported(name: str, src: Path, dest: Path, *more: object) -> dict[str, Recording]:
    """Import a set and return the recordings by suite and case."""
    result = import_set(name, src, dest, *more)
    assert result.exit_code == 0, result.output
    found = [read_recording(path.parent) for path in sorted(dest.rglob("recording.json"))]
    return {f"{r.provenance['suite']}/{r.provenance['case']}": r for r in found}


def real_set(folder: str) -> Path:
    """Return the folder of a set as it was downloaded; skip where this machine has none."""
    named = os.environ.get("ROOTLINE_DATASETS")
    base = Path(named) if named else ROOT.parent / "shared" / "datasets"
    if not (base / folder).is_dir():
        pytest.skip(f"{base / folder} is not there; set ROOTLINE_DATASETS to where the sets lie")
    return base / folder


def alerts_in(recording: Recording) -> list[Alert]:
    return [
        alert
        for message in recording.alerts
        for alert in decode_alerts(message.value, received_ms=message.arrived_ms)
    ]


def incidents_of(recording: Recording) -> dict[str, IncidentPublished]:
    """The last revision of each incident that the engine makes of a recording."""
    run: OfflineRun = run_offline(recording, RuleRanker())
    assert run.rejected == []
    published = [o for o in run.outputs if isinstance(o, IncidentPublished)]
    return {output.incident.incident_id: output for output in published}


def judged(recording: Recording) -> dict[str, dict[str, float]]:
    """The measures of every candidate at the published window."""
    question = question_of_window(recording)
    return {c.component.name: dict(c.measures) for c in question.candidates}


def assert_resolves(recording: Recording) -> None:
    """Whatever a label names is known by its own name, and the truth's component is one of it."""
    resolver = Resolver(ResolverConfig())
    seen = {resolver.component(alert.labels).component.name for alert in alerts_in(recording)}
    for series in recording.metrics.table if recording.metrics else ():
        seen.add(resolver.component(series.labels, metric=series.name).component.name)
    for edge in (recording.graph or {"edges": ()})["edges"]:
        for side in ("caller", "callee"):
            assert resolver.component((("service", edge[side]),)).component.name == edge[side]
            seen.add(edge[side])
    assert {fault.component for fault in recording.truth or ()} <= seen
