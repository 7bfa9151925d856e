"""Reads the library's files: those that ship, then those of the user's own folder."""

from pathlib import Path

from agents.cases.case_file import whole_lines
from agents.cases.config import CasesConfig
from agents.cases.errors import CasesError
from models.case_checks import OPERATORS_FILE
from models.case_library import CaseLibrary, FileBytes, read_library, shipped_files


def library_files(config: CasesConfig, folder: Path | None, *, shipped: bool) -> list[FileBytes]:
    """Read every file of case rows.

    Args:
        config: names the user's folder where `folder` does not.
        folder: the user's own folder, as given on the command line.
        shipped: whether the files that ship come first.

    Raises:
        CasesError: the folder or a file in it cannot be read.
    """
    found = shipped_files() if shipped else []
    own = folder or config.library_dir
    if own is None:
        return found
    if not own.is_dir():
        if folder is None:
            # The worker makes it with the first verdict.
            return found
        msg = f"{own} is no folder; expected one that holds files of cases (*.jsonl)"
        raise CasesError(msg)
    for path in sorted(own.glob("*.jsonl")):
        data = read_file(path, config.max_file_bytes)
        # A worker may be writing to it at this moment, or have died at it.
        found.append(
            (path.name, whole_lines(data) if OPERATORS_FILE.fullmatch(path.name) else data)
        )
    return found


def read_cases(config: CasesConfig, folder: Path | None, *, shipped: bool = True) -> CaseLibrary:
    """Read the whole library.

    Raises:
        CasesError: the folder or a file in it cannot be read.
        ModelError: a file holds something else than case rows.
    """
    return read_library(library_files(config, folder, shipped=shipped))


def read_file(path: Path, limit: int) -> bytes:
    """Read a file of case rows.

    Raises:
        CasesError: it cannot be read, or is too large.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror}); expected a file of case rows"
        raise CasesError(msg) from error
    if len(data) > limit:
        msg = f"{path} is larger than {limit} bytes (cases.max_file_bytes); split the file"
        raise CasesError(msg)
    return data
