"""Names that come from data never choose where something is written.

The embedded broker's topics, which name folders, are held to that in agents/broker/test_topics.py.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from agents.importers.errors import DestinationError
from agents.importers.store import store
from agents.recordings import read_recording, write_recording
from schemas.recording import Recording

LEADING_OUT = (
    "../outside",
    "a/../../outside",
    "/etc/cron.d/x",
    "a\x00b",
    "a\nb",
    "..",
)


def a_recording(suite: str, case: str) -> Recording:
    return Recording(
        environment="prod",
        start_ms=0,
        end_ms=1,
        resolution_seconds=1.0,
        provenance={"set": "s", "suite": suite, "case": case},
        alerts=(),
        changes=(),
        diagnostics=(),
        metrics=None,
        spans=None,
        graph=None,
        truth=None,
    )


@pytest.mark.parametrize("name", LEADING_OUT)
def test_an_imported_case_stays_below_its_destination(tmp_path: Path, name: str) -> None:
    dest = tmp_path / "dest"
    for suite, case in (("s", name), (name, "c")):
        with pytest.raises(DestinationError, match="leads out of DEST"):
            store(a_recording(suite, case), dest)
    assert not (tmp_path / "outside").exists()
    assert store(a_recording("s", "c"), dest) == dest / "s" / "c"


@pytest.mark.parametrize("environment", ["../../outside", "/etc", "a\x00b"])
def test_a_recording_is_written_under_fixed_names_only(tmp_path: Path, environment: str) -> None:
    written = replace(a_recording("s", "c"), environment=environment)
    write_recording(written, tmp_path / "r")
    assert {path.name for path in (tmp_path / "r").iterdir()} == {"recording.json"}
    assert read_recording(tmp_path / "r") == written
    assert {path.name for path in tmp_path.iterdir()} == {"r"}
