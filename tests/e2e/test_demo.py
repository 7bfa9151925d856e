"""`rootline demo` as its user runs it: every process real, exit code and result checked."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clusters import chosen
from tests.clusters.embedded import EmbeddedCluster
from tests.contracts.broker.clients import Clients

pytestmark = pytest.mark.integration

_SECONDS = 150


def demo(folder, *arguments):
    """Start the demo with a folder of its own for temporary files."""
    return subprocess.Popen(
        [sys.executable, "-m", "agents", "demo", "--plain", *arguments],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_of(folder):
    """Command lines of processes that work in a folder."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if str(folder) in str((process / "cwd").readlink()):
                found.append((process / "cmdline").read_bytes())
        except OSError:
            continue
    return found


@pytest.fixture
def stage(request):
    """Where the demo plays: its own embedded broker, or the cluster that was chosen."""
    if chosen.is_embedded():
        return ()
    return ("--bootstrap", request.getfixturevalue("clean_cluster").bootstrap)


@pytest.mark.timeout(_SECONDS + 30)
def test_a_storm_becomes_one_incident_with_its_cause_and_nothing_stays_behind(tmp_path, stage):
    folder = tmp_path / "demo"
    folder.mkdir()
    picture = folder / "demo.svg"
    process = demo(folder, "--json", "--speed", "60", "--svg", str(picture), *stage)
    out, narration = process.communicate(timeout=_SECONDS)
    assert process.returncode == 0, f"{out}\n{narration}"
    result = json.loads(out)
    assert result["problems"] == []
    incident = result["incident"]
    assert (incident["top"], incident["holder"]) == ("mysql-primary", "report-job")
    assert incident["pattern"] == "db_sql.mysql.conn_exhausted"
    assert incident["alerts"] >= 40
    assert incident["opened_after_seconds"] <= 17
    assert incident["confidence"] > 0.5
    rules = {row["rule"] for row in result["apart"]}
    assert rules == {"BatchJobFailed", "CertificateExpiresSoon", "NodeDiskAlmostFull"}
    assert "mysql-primary" in result["chat_messages"][0]["text"]
    assert "incident  opened revision 1" in narration
    assert "mysql-primary" in picture.read_text()
    assert picture.stat().st_size < 150_000
    assert [path.name for path in folder.iterdir()] == ["demo.svg"]
    assert processes_of(folder) == []


def test_it_does_not_play_on_a_cluster_where_its_topics_are_somebodys(tmp_path):
    with EmbeddedCluster(tmp_path / "cluster") as cluster:
        Clients(cluster.bootstrap).create("alerts")
        process = demo(tmp_path, "--bootstrap", cluster.bootstrap)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "has topics that the demo would write to: alerts; give a cluster" in said
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["cluster"]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
@pytest.mark.timeout(90)
def test_an_interrupt_stops_every_process_and_removes_the_folder(tmp_path):
    process = demo(tmp_path)
    assert process.stdout is not None
    seen = next(line for line in process.stdout if "worker: http" in line)
    assert seen
    assert len(processes_of(tmp_path)) >= 4
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=45)
    assert process.returncode == 130
    assert "stopped" in said
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
@pytest.mark.timeout(90)
def test_a_process_that_dies_ends_the_demo_with_its_last_words(tmp_path):
    process = demo(tmp_path)
    assert process.stdout is not None
    next(line for line in process.stdout if "worker: http" in line)
    broker = next(
        int(path.name)
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and _is_broker(path, tmp_path)
    )
    os.kill(broker, signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "the broker ended with code -9; the end of its log:\n  " in said
    assert "Traceback" not in said
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def _is_broker(process, folder):
    try:
        line = (process / "cmdline").read_bytes()
    except OSError:
        return False
    return b"\0broker\0" in line and str(folder).encode() in line
