"""`rootline train` and what makes its rows."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from agents import training
from agents.case_factory import Run, make_rows, rows_of_recording, runs_of
from agents.errors import RootlineError
from agents.training import train
from models.artefact import default_artefact, read_artefact
from models.case_rows import encode_rows
from models.simulator.config import SimulationConfig
from models.simulator.faults import FAULTS
from models.simulator.simulate import simulate

SHORT = SimulationConfig(warmup_seconds=240, storm_seconds=210, request_rate=8)


@pytest.mark.slow
def test_the_shipped_rows_give_the_shipped_ranker(tmp_path: Path):
    out = tmp_path / "ranker.json"
    result = CliRunner().invoke(train, ["--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "its topology" in result.output
    assert "thread_pool_exhaustion" in result.output  # the longest name, on 80 columns
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
    main = [row for row in rows if row.case == "crash_loop/shop/3"]
    assert {row.pattern for row in main} == {fault.pattern}
    assert main[-1].root is not None
    assert fault.component not in repr(rows)
    assert len({(row.case, row.elapsed_s) for row in rows}) == len(rows)


def test_incidents_from_before_the_fault_are_noise_without_a_root():
    run = Run(fault="crash_loop", topology="shop", seed=3)
    recording = simulate(run.fault, seed=run.seed, topology=run.topology, config=SHORT)
    assert recording.truth is not None
    (fault,) = recording.truth
    # The same storm, said to be from before the fault: nobody of the truth is to blame for it.
    later = replace(fault, start_ms=recording.end_ms)
    rows = rows_of_recording(replace(recording, truth=(later,)), run)
    assert rows
    assert {(row.fault, row.root, row.pattern) for row in rows} == {("none", None, "")}


def test_a_run_without_a_fault_has_no_root_whatever_its_incidents():
    run = Run(fault="crash_loop", topology="shop", seed=3)
    recording = simulate(run.fault, seed=run.seed, topology=run.topology, config=SHORT)
    rows = rows_of_recording(replace(recording, truth=()), replace(run, fault="none"))
    assert rows
    assert {(row.case, row.fault, row.root) for row in rows} >= {("none/shop/3", "none", None)}
    assert all(row.root is None for row in rows)


@pytest.mark.integration
def test_two_processes_make_the_rows_of_one_in_the_same_order():
    runs = [Run(fault=f, topology="shop", seed=1) for f in ("slow_query", "crash_loop")]
    told: list[Run] = []
    alone = list(make_rows(runs, jobs=1, done=told.append))
    shared = list(make_rows(runs, jobs=2, done=told.append))
    assert all(alone)
    assert [b"".join(encode_rows(r)) for r in shared] == [b"".join(encode_rows(r)) for r in alone]
    assert told == [*runs, *runs]


def test_an_installed_rootline_wants_to_know_where_the_ranker_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(training, "_ROOT", tmp_path)
    result = CliRunner().invoke(train, [])
    assert isinstance(result.exception, RootlineError)
    assert "--out" in str(result.exception)


def test_a_place_that_cannot_be_written_to_is_found_before_training(tmp_path: Path):
    for arguments in (
        ["--out", str(tmp_path / "no" / "r.json")],
        ["--out", str(tmp_path)],
        ["--simulate", "9", "--rows-out", str(tmp_path / "no" / "rows"), "--out", "r.json"],
    ):
        result = CliRunner().invoke(train, arguments)
        assert isinstance(result.exception, RootlineError)
        assert "cannot be written" in str(result.exception)


def test_rows_from_several_files_are_learnt_together(tmp_path: Path):
    shipped = training._read(())
    cases = sorted({row.case for row in shipped})[::8]
    few = [row for row in shipped if row.case in cases]
    for name, part in (("a", few[:40]), ("b", few[40:]), ("all", few)):
        (tmp_path / name).write_bytes(b"".join(encode_rows(part)))
    files = {"parts": ("b", "a"), "whole": ("all",)}
    made = {}
    for out, names in files.items():
        rows = [word for name in names for word in ("--rows", str(tmp_path / name))]
        result = CliRunner().invoke(train, [*rows, "--out", str(tmp_path / out), "--json"])
        assert result.exit_code == 0, result.output
        assert orjson.loads(result.stdout)["report"]["cases"] == len(cases)
        made[out] = (tmp_path / out).read_bytes()
    assert made["parts"] == made["whole"]
    assert read_artefact(made["whole"]).version.startswith(("conditional-logit/", "logit-forest/"))


def test_every_round_gives_every_fault_another_kind_of_topology():
    runs = runs_of(["shop", "random"], 2)
    assert len(runs) == len(set(runs))
    for fault in FAULTS:
        assert sorted(r.topology for r in runs if r.fault == fault) == ["random", "shop"]
    assert {r.topology for r in runs if r.fault == "none"} == {"shop", "random"}
    first = {r.seed for r in runs[: len(FAULTS)]}
    assert first.isdisjoint({r.seed for r in runs[-len(FAULTS) :]})


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rows", "nowhere.jsonl"],
        ["--simulate", "0"],
        ["--simulate", "1", "--topologies", "moon"],
        ["--simulate", "1", "--rows", "some.jsonl"],
        ["--rows-out", "new.jsonl"],
    ],
    ids=["no-file", "no-seeds", "no-such-system", "two-origins", "nothing-new"],
)
def test_what_cannot_be_trained_from_gets_a_sentence(arguments: list[str], tmp_path: Path):
    result = CliRunner().invoke(train, [*arguments, "--out", str(tmp_path / "r.json")])
    assert isinstance(result.exception, RootlineError)
    assert "expected" in str(result.exception) or "wants" in str(result.exception)
