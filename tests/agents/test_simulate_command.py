import orjson
import pytest
from click.testing import CliRunner, Result

from agents.cli import main
from agents.recordings import read_recording
from models.simulator.faults import FAULTS

SHORT = ("--warmup", "60", "--storm", "60", "--rate", "2")


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *arguments])


def test_list_names_every_fault_with_what_it_does():
    rows = orjson.loads(simulate("--list", "--json").stdout)
    assert [row["name"] for row in rows] == ["none", *FAULTS]
    assert len(rows) > 10
    assert all(row["description"] for row in rows)
    lines = simulate("--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [row["name"] for row in rows]


def test_a_fault_becomes_a_recording_that_reads_back(tmp_path):
    out = tmp_path / "storm"
    result = simulate("pool_exhaustion", "--out", str(out), "--json", "--recovery", "30", *SHORT)
    assert result.exit_code == 0, result.output
    facts = orjson.loads(result.stdout)
    recording = read_recording(out)
    assert facts["out"] == str(out)
    assert facts["alert_messages"] == len(recording.alerts)
    assert facts["spans"] == len(recording.spans or ()) > 0
    assert facts["samples"] == len(recording.metrics or ()) > 0
    assert facts["changes"] == len(recording.changes)
    assert [t["component"] for t in facts["truth"]] == ["mysql-primary"]
    assert recording.end_ms - recording.start_ms == 150_000


def test_text_says_what_was_written_and_what_to_do_next(tmp_path):
    out = tmp_path / "calm"
    result = simulate("none", "--out", str(out), "--start-ms", "1700000000000", *SHORT)
    assert result.stdout.splitlines()[-1] == f"next: rootline replay {out}"
    assert read_recording(out).start_ms == 1_700_000_000_000
    assert read_recording(out).truth == ()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "needs a FAULT and --out DIR"),
        (("cpu",), "needs a FAULT and --out DIR"),
        (("gremlins", "--out", "x", *SHORT), "there is no fault 'gremlins'; choose one of none"),
        (("none", "--out", "x", "--storm", "5"), "must both be at least 60"),
        (("none", "--out", "x", "--rate", "0"), "must lie between"),
        (("none", "--out", "x", "--recovery", "-1"), "recovery_seconds not negative"),
        (("none", "--out", "x", "--topology", "star"), "'star' is not one of"),
        (("pool_exhaustion", "--out", "x", "--target", "moon", *SHORT), "moon"),
        (("none", "--out", "file", *SHORT), "--out file cannot be written"),
        (("none", "--seed", "one"), "'one' is not a valid integer"),
    ],
)
def test_bad_arguments_are_a_sentence_and_exit_code_2(tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    result = simulate(*arguments)
    assert result.exit_code == 2, result.exception
    assert says in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "x").exists()
