"""SECURITY.md and docs/FUZZING.md name tests, settings and counts that are there."""

import re
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
FUZZING = (ROOT / "docs" / "FUZZING.md").read_text(encoding="utf-8")
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+(?:\.py)?)`", SECURITY + FUZZING)))
FILES = sorted(set(re.findall(r"`(test_\w+\.py)`", SECURITY)))


@pytest.mark.parametrize("path", TESTS)
def test_what_shows_a_defence_is_there(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", FILES)
def test_a_test_named_in_short_is_there(name):
    assert list((ROOT / "tests").rglob(name))


def test_every_row_of_what_is_defended_names_a_test_or_a_run():
    table = SECURITY.split("## What is defended")[1].split("## What is not")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    for row in rows:
        assert "tests/" in row.split("|")[3], row


def test_every_fuzz_target_has_its_counts():
    rows = re.findall(r"^\| ([a-z_]+) \| ([\d,]+) \|", FUZZING, re.MULTILINE)
    counts = {name: int(count.replace(",", "")) for name, count in rows if name in TARGETS}
    assert counts.keys() == TARGETS.keys()
    assert min(counts.values()) > 0
