"""The sets that can be imported, by name, and checks of their layouts.

A set's module is imported only when the set is asked for; its `recordings(src)` yields one
recording a case. Invariant: a file that the layout asks for and that is not there ends as a
sentence that says which.
"""

from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from agents.importers.errors import LayoutError
from schemas.recording import Recording


class PublicSet(NamedTuple):
    """Which module reads a set, and the line that `--list` shows for it."""

    module: str
    summary: str


SETS: dict[str, PublicSet] = {
    "tvdiag": PublicSet("agents.importers.tvdiag", "Alert events with a graph a case."),
    "petshop": PublicSet("agents.importers.petshop", "5-minute metrics and a call graph."),
    "rcd": PublicSet("agents.importers.rcd", "Sock Shop, metrics every second."),
    "nezha": PublicSet("agents.importers.nezha", "Spans and 60 s metrics, 3 minutes a fault."),
    "rcaeval": PublicSet("agents.importers.rcaeval", "RE1 to RE3: metrics and traces."),
}


def recordings_of(name: str, src: Path) -> Iterator[Recording]:
    """Yield the recordings of a set that lies in a folder.

    Raises:
        LayoutError: when there is no such set, or the folder does not hold it.
    """
    if name not in SETS:
        msg = f"there is no set {name!r} to import; choose one of {', '.join(SETS)}"
        raise LayoutError(msg)
    if not src.is_dir():
        msg = f"{src} is no folder; name the one into which {name} was unpacked"
        raise LayoutError(msg)
    read = import_module(SETS[name].module).recordings
    found: Iterable[Recording] = read(src)
    yield from found


def folders_holding(src: Path, file: str, *, of: str) -> list[Path]:
    """Return the folders at or below a source that hold a file (a relative path), sorted.

    Raises:
        LayoutError: when none does.
    """
    depth = len(Path(file).parts)
    found = sorted({path.parents[depth - 1] for path in src.rglob(file)})
    if not found:
        msg = (
            f"{src} holds no {file}, at no depth, so it is not the layout of {of};"
            " name the folder into which the set was unpacked (docs/IMPORT.md shows it)"
        )
        raise LayoutError(msg)
    return found


def existing(path: Path, *, of: str) -> Path:
    """Return a file that a layout asks for.

    Raises:
        LayoutError: when it is not there.
    """
    if not path.is_file():
        msg = f"{path} is not there, but {of} has it; unpack the whole set again"
        raise LayoutError(msg)
    return path
