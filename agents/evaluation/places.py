"""Finds recordings: folders that hold a recording.json, or folders of them, however deep."""

from collections.abc import Iterable
from pathlib import Path

from agents.evaluation.errors import EvaluationError

_HEAD = "recording.json"


def recording_folders(paths: Iterable[Path]) -> list[Path]:
    """List the recordings in the places given, each once, in the order of their paths.

    Raises:
        EvaluationError: a place is no folder, or there is no recording below it.
    """
    found: set[Path] = set()
    for path in paths:
        below = {head.parent.resolve() for head in path.rglob(_HEAD)} if path.is_dir() else set()
        if not below:
            msg = (
                f"{path} holds no recording ({_HEAD}), expected a recording's folder or a folder "
                "of them; `rootline import` and `rootline simulate` make some"
            )
            raise EvaluationError(msg)
        found |= below
    return sorted(found)
