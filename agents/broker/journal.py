"""An append-only file of JSON rows, each with a checksum: topics, offsets and producer ids.

What the rows add up to lives in memory with their owner; the file is replayed on start, cut at the
first torn row, and rewritten when most of it is history.
"""

import json
import logging
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from agents.broker.disk import sync_folder, write_all

logger = logging.getLogger(__name__)

Row = list[Any]

REWRITE_FROM_BYTES = 4 * 1024 * 1024


class Journal:
    """Rows on disk; call `replay` once, before anything else."""

    def __init__(self, path: Path, *, fsync: bool) -> None:
        self._path = path
        self._fsync = fsync
        self._fd = -1
        self._size = 0
        self._size_after_rewrite = 0

    def replay(self, apply: Callable[[Row], None]) -> None:
        """Hand every whole row to `apply` in order, cut a torn end, and open for appending.

        Raises:
            RuntimeError: a row is damaged with whole rows behind it, which no crash can explain.
        """
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        if self._fsync:
            sync_folder(self._path.parent)
        with self._path.open("rb") as lines:
            for line in lines:
                row = _decode(line)
                if row is None:
                    self._check_torn(lines)
                    break
                self._size += len(line)
                apply(row)
        os.ftruncate(self._fd, self._size)

    def _check_torn(self, rest: Iterable[bytes]) -> None:
        if any(_decode(line) is not None for line in rest):
            msg = (
                f"{self._path} is damaged at byte {self._size}, not at its end: restore it from a "
                "copy, or start with an empty data folder"
            )
            raise RuntimeError(msg)
        logger.warning("%s is torn at byte %d; the rest is cut", self._path, self._size)

    def append(self, rows: Iterable[Row]) -> None:
        """Add rows at the end, all of them or, when the disk refuses, none.

        Raises:
            OSError: the disk refused.
        """
        data = b"".join(map(_encode, rows))
        try:
            write_all(self._fd, data)
            if self._fsync:
                os.fdatasync(self._fd)
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(data)

    def rewrite_if_large(self, rows: Callable[[], Iterator[Row]]) -> None:
        """Replace the file by the rows that still count, once it has outgrown them."""
        if self._size < max(REWRITE_FROM_BYTES, 2 * self._size_after_rewrite):
            return
        fresh = self._path.with_suffix(".fresh")
        with fresh.open("wb") as file:
            for row in rows():
                file.write(_encode(row))
            file.flush()
            os.fsync(file.fileno())
        opened = os.open(fresh, os.O_RDWR | os.O_APPEND)  # before anything is given up
        fresh.replace(self._path)
        sync_folder(self._path.parent)
        os.close(self._fd)
        self._fd = opened
        self._size = self._size_after_rewrite = os.fstat(self._fd).st_size

    def close(self) -> None:
        """Release the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _encode(row: Row) -> bytes:
    body = json.dumps(row, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _decode(line: bytes) -> Row | None:
    """Return the row of one line, or None when the line is not whole.

    >>> _decode(_encode(["topic", 1]))
    ['topic', 1]
    >>> _decode(_encode(["topic", 1])[:-3]) is None
    True
    """
    checksum, _, body = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(body):
        return None
    row: Row = json.loads(body)
    return row
