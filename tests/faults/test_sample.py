"""A sample of `make faults`: real processes, a kill, compared with the undisturbed run."""

import json
import subprocess
import sys

import pytest

from tests.faults.processes import ROOT

pytestmark = pytest.mark.integration

SAMPLE = "kill-worker"


@pytest.mark.timeout(900)
def test_a_worker_that_is_killed_changes_nothing_that_comes_out(tmp_path):
    command = [sys.executable, "-m", "tests.faults", "--quick", "--rows", SAMPLE, "--count", "1"]
    done = subprocess.run(
        [*command, "--json", "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=840,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert [row["runs"] for row in report["rows"]] == [1]
    assert report["failures"] == []
    assert (tmp_path / "report.md").read_text().startswith("# Faults")
