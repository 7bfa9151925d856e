import subprocess
import sys

import orjson
import pytest
from click.testing import CliRunner

from agents.cli import main
from agents.recordings import write_recording
from schemas.recording import Message
from tests.agents.recorded import START_MS, alert_message, small, storm


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "recording"


def replayed(*arguments: str) -> list[dict]:
    result = CliRunner().invoke(main, ["replay", *arguments, "--json"])
    assert result.exit_code == 0, result.stderr
    return [orjson.loads(line) for line in result.stdout.splitlines()]


def test_the_command_prints_the_same_bytes_in_every_process(folder):
    write_recording(storm(), folder)
    command = [sys.executable, "-m", "agents", "replay", str(folder), "--json"]
    runs = [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"PYTHONHASHSEED": seed}
        )
        for seed in ("1", "2")
    ]
    (first, said), (second, _) = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert said == b""
    assert first == second
    rows = [orjson.loads(line) for line in first.splitlines()]
    published = [row["incident"] for row in rows if "incident" in row]
    assert len({incident["incident_id"] for incident in published}) == 1
    assert published[-1]["candidates"][0]["component"] == "mysql-primary"


def test_final_prints_each_incident_once_at_its_last_revision(folder):
    alerts = (alert_message(), alert_message("web", at_s=1))
    resolved = orjson.loads(alert_message().value) | {
        "status": "resolved",
        "endsAt": "2026-03-02T10:00:30Z",
    }
    ended = Message(arrived_ms=START_MS + 31_000, value=orjson.dumps(resolved))
    write_recording(small(alerts=(*alerts, ended)), folder)
    every, final = replayed(str(folder)), replayed(str(folder), "--final")
    ids = [row["incident"]["incident_id"] for row in final]
    assert len(ids) == len(set(ids)) == 2
    assert len(every) > len(final)
    assert {row["incident"]["status"] for row in final} == {"open", "resolved"}


def test_malformed_alerts_are_listed_as_rejected_and_the_rest_is_answered(folder):
    bad = Message(arrived_ms=START_MS, value=b'{"labels": "none"}')
    text = Message(arrived_ms=START_MS, value=b"no json at all")
    write_recording(small(alerts=(bad, alert_message(), text)), folder)
    rows = replayed(str(folder))
    rejected = [row for row in rows if "rejected" in row]
    assert [(row["stream"], row["index"]) for row in rejected] == [("alerts", 0), ("alerts", 2)]
    assert all(row["rejected"] for row in rejected)
    assert next(row["transition"] for row in rows if "incident" in row) == "opened"
    shown = CliRunner().invoke(main, ["replay", str(folder)])
    assert "not read: alerts 0: " in shown.stdout
    assert "cart" in shown.stdout


def test_an_alert_apart_is_named_with_its_reason(folder):
    value = orjson.loads(alert_message().value)
    value["labels"]["severity"] = "warning"
    message = Message(arrived_ms=START_MS, value=orjson.dumps(value))
    write_recording(small(alerts=(message,)), folder)
    (row,) = replayed(str(folder))
    assert row["set_aside"] == "alone"
    shown = CliRunner().invoke(main, ["replay", str(folder)])
    assert "apart: HighLatency on cart (alone)" in shown.stdout


def test_a_recording_without_alerts_says_so(folder):
    write_recording(small(), folder)
    result = CliRunner().invoke(main, ["replay", str(folder)])
    assert result.stdout == "no alert in this recording\n"
    assert replayed(str(folder)) == []


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("recording.json", None, "holds no recording.json"),
        ("recording.json", b"{", "is no JSON"),
        ("alerts.jsonl", b"{\n", "alerts.jsonl:1"),
        ("spans.npz", b"x", "spans.npz"),
        ("graph.json", b'{"edges": 3}', "graph.json"),
    ],
)
def test_a_damaged_recording_is_one_sentence_and_exit_code_2(folder, name, content, says):
    write_recording(small(), folder)
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    result = CliRunner().invoke(main, ["replay", str(folder), "--json"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
