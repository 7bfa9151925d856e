"""Disk, descriptors and memory run out: real limits on real processes, then compared."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.processes import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory that is filled in a moment."""
    mounting = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(tmp_path)]
    done = subprocess.run(mounting, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here ({done.stderr.strip()})")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def played(rows: str, folder: Path) -> dict[str, object]:
    command = [sys.executable, "-m", "tests.faults", "--quick", "--rows", rows, "--count", "1"]
    done = subprocess.run(
        [*command, "--json", "--out", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-4_000:]
    report: dict[str, object] = json.loads(done.stdout)
    assert report["failures"] == []
    return report


def test_a_disk_that_is_full_for_a_while_changes_nothing_that_comes_out(small_disk):
    played("full-disk", small_disk)


@pytest.mark.parametrize(
    "row", ["full-disk", "few-files-broker", "few-files-worker", "little-memory"]
)
def test_a_limit_that_is_in_force_for_a_while_changes_nothing_that_comes_out(row, tmp_path):
    played(row, tmp_path)
