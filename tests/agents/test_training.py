"""`rootline train` and what makes its rows."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from agents.case_factory import Run, rows_of_recording, runs_of
from agents.errors import RootlineError
from agents.training import train
from models.artefact import default_artefact
from models.simulator.config import SimulationConfig
from models.simulator.simulate import simulate

SHORT = SimulationConfig(warmup_seconds=240, storm_seconds=210, request_rate=8)


def test_the_shipped_rows_give_the_shipped_ranker(tmp_path: Path):
    out = tmp_path / "ranker.json"
    result = CliRunner().invoke(train, ["--out", str(out)])
    assert result.exit_code == 0, result.output
    made, shipped = orjson.loads(out.read_bytes()), orjson.loads(default_artefact())
    # Byte for byte on one machine; another one's linear algebra may differ in the last digits.
    assert made["weights"] == pytest.approx(shipped["weights"], abs=1e-3)
    assert made["calibration"] == pytest.approx(shipped["calibration"], abs=1e-2)
    assert made["provenance"]["rows_sha256"] == shipped["provenance"]["rows_sha256"]


def test_a_run_gives_rows_that_name_the_root_and_nobody_by_name():
    run = Run(fault="crash_loop", topology="shop", seed=3)
    recording = simulate(run.fault, seed=run.seed, topology=run.topology, config=SHORT)
    rows = rows_of_recording(recording, run)
    assert rows
    assert recording.truth is not None
    (fault,) = recording.truth
    assert {row.pattern for row in rows} == {fault.pattern}
    assert rows[-1].root is not None
    assert fault.component not in repr(rows)


def test_runs_cover_every_fault_on_every_topology_with_every_seed():
    runs = runs_of(["shop", "random"], 2)
    assert len(runs) == len(set(runs))
    assert {(r.topology, r.seed) for r in runs} == {
        ("shop", 1),
        ("shop", 2),
        ("random", 1),
        ("random", 2),
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rows", "nowhere.jsonl"],
        ["--simulate", "0"],
        ["--simulate", "1", "--topologies", "moon"],
    ],
    ids=["no-file", "no-seeds", "no-such-system"],
)
def test_what_cannot_be_trained_from_gets_a_sentence(arguments: list[str], tmp_path: Path):
    result = CliRunner().invoke(train, [*arguments, "--out", str(tmp_path / "r.json")])
    assert isinstance(result.exception, RootlineError)
    assert "expected" in str(result.exception) or "wants" in str(result.exception)
