"""A file of case rows that grows: every append is whole and on the disk, or it has not happened.

A line that a crash cut short is taken off before the next append; what had returned before stays.
A file that another version wrote, whose header names other measures, is written anew as a whole.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import orjson

from agents.cases.errors import CasesError
from models.case_rows import decode_rows, encode_rows
from models.cases import CaseRow
from models.errors import ModelError


class Standing(StrEnum):
    """How a row stands to those that the file has of its case."""

    NEW = "new"
    REPEATED = "repeated"
    OVERRULED = "overruled"
    CONTRADICTORY = "contradictory"


class CaseFile:
    """One file, with what is known of its cases. One writer at a time; others may read.

    Args:
        path: where it is; made with its folder when something is appended.

    Raises:
        CasesError: it cannot be read, or holds something else than case rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[str, str, str], CaseRow] = {}
        for row in self._read():
            self._note(row)

    def standing(self, row: CaseRow) -> Standing:
        """Tell whether a verdict (the case's `seed` is its revision) says anything new."""
        known = self._known.get(_key(row))
        if known is None or row.seed > known.seed:
            return Standing.NEW
        if row.seed < known.seed:
            return Standing.OVERRULED
        same = (row.root, row.pattern, row.fault) == (known.root, known.pattern, known.fault)
        return Standing.REPEATED if same else Standing.CONTRADICTORY

    def has(self, source: str, topology: str, case: str) -> bool:
        """Tell whether the file has a row of this case."""
        return (source, topology, case) in self._known

    def append(self, rows: Sequence[CaseRow]) -> None:
        """Append rows and return when they are on the disk.

        Raises:
            CasesError: they cannot be written.
        """
        if not rows:
            return
        header, *lines = encode_rows(rows)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked() as descriptor:
                self._write(descriptor, header, lines)
            _sync_folder(self.path.parent)
        except OSError as error:
            msg = f"{self.path} cannot be written ({error.strerror}); expected a writable folder"
            raise CasesError(msg) from error
        for row in rows:
            self._note(row)

    def _write(self, descriptor: int, header: bytes, lines: Iterable[bytes]) -> None:
        data = self.path.read_bytes()
        found = whole_lines(data)
        if found and not found.startswith(header):
            _, *converted = encode_rows(decode_rows(found))
            _replace(self.path, b"".join([header, *converted, *lines]))
            return
        os.ftruncate(descriptor, min(len(found), len(data)))
        _write_all(descriptor, b"".join([found[len(data) :] if found else header, *lines]))
        os.fsync(descriptor)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        # Two workers may share a folder, and a hand-over may overlap for a moment.
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Else the other writer has put a new file here while we waited for the old one.
                if self._is_here(descriptor):
                    yield descriptor
                    return
            finally:
                os.close(descriptor)

    def _is_here(self, descriptor: int) -> bool:
        return self.path.exists() and os.path.samestat(os.fstat(descriptor), self.path.stat())

    def _read(self) -> list[CaseRow]:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            msg = f"{self.path} cannot be read ({error.strerror}); expected a file of case rows"
            raise CasesError(msg) from error
        whole = whole_lines(data)
        try:
            return list(decode_rows(whole)) if whole else []
        except ModelError as error:
            msg = f"{self.path}: {error} Nothing is appended to it as it is"
            raise CasesError(msg) from error

    def _note(self, row: CaseRow) -> None:
        known = self._known.get(_key(row))
        if known is None or row.seed >= known.seed:
            self._known[_key(row)] = row


def _key(row: CaseRow) -> tuple[str, str, str]:
    return row.source, row.topology, row.case


def whole_lines(data: bytes) -> bytes:
    r"""Leave out a last line that a crash cut short, which was never promised; end a whole one.

    >>> whole_lines(b'{"a":1}\n{"b":'), whole_lines(b'{"a":1}\n{"b":2}')
    (b'{"a":1}\n', b'{"a":1}\n{"b":2}\n')
    """
    end = data.rfind(b"\n") + 1
    try:
        orjson.loads(data[end:])
    except orjson.JSONDecodeError:
        return data[:end]
    return data + b"\n"


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _replace(path: Path, data: bytes) -> None:
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
