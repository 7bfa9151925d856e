"""Where imported recordings go: DEST/<suite>/<case>/, never over anything else.

Invariant: a folder that holds anything but a recording of the same case is left as it is.
"""

from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from agents.importers.errors import DestinationError
from agents.recordings import write_recording
from schemas.recording import Recording


def store(recording: Recording, dest: Path) -> Path:
    """Write one case into its folder and return it; the same case of before is replaced.

    Raises:
        DestinationError: when something else lies there, or it cannot be written.
    """
    folder = dest / _place(recording)
    if folder.exists():
        _check_ours(folder, recording)
    try:
        write_recording(recording, folder)
    except OSError as error:
        msg = f"{folder} cannot be written ({error.strerror}); name a DEST that can be made"
        raise DestinationError(msg) from error
    return folder


def _place(recording: Recording) -> PurePosixPath:
    suite, case = recording.provenance["suite"], recording.provenance["case"]
    place = PurePosixPath(suite) / PurePosixPath(case)
    if place.is_absolute() or ".." in place.parts or not str(place).isprintable():
        msg = f"the set names a case {str(place)!r}, which leads out of DEST; check the set"
        raise DestinationError(msg)
    return place


def _check_ours(folder: Path, recording: Recording) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        return
    held = _provenance(folder / "recording.json")
    if any(held.get(key) != recording.provenance[key] for key in ("set", "suite", "case")):
        msg = (
            f"{folder} is there and holds no import of this case, so it is left as it is;"
            " name another DEST or move it away"
        )
        raise DestinationError(msg)


def _provenance(head: Path) -> dict[str, Any]:
    try:
        return dict(orjson.loads(head.read_bytes())["provenance"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
