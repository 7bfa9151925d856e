"""One segment file: record batches end to end, with a sparse index of it in memory.

The file's name is the offset of its first batch. The index holds one entry per
`index_interval_bytes` of log, never one per record, and is rebuilt by reading the batch headers.
"""

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path

from agents.broker.batch import HEADER_SIZE, BatchHeader, is_intact, read_header
from agents.broker.disk import sync_folder, write_all

SUFFIX = ".log"
# What compaction writes before it takes a segment's place; left over only after a crash.
FRESH_SUFFIX = ".fresh"
_SCAN_WINDOW = 1024 * 1024
_LOOKUP_WINDOW = 64 * 1024


class Segment:
    """A run of batches in one file; only the last segment of a partition is appended to."""

    def __init__(self, path: Path, *, index_interval_bytes: int, created_at_ms: int) -> None:
        self.path = path
        self.base_offset = int(path.stem)
        self.next_offset = self.base_offset
        self.size = 0
        self.max_timestamp_ms = -1
        self.created_at_ms = created_at_ms
        self._interval = index_interval_bytes
        self._fd: int | None = None
        self._unindexed = index_interval_bytes  # so that the first batch gets an entry
        self._offsets = array("q")
        self._positions = array("q")
        # Largest timestamp before each entry's position: never falls, so it can be bisected.
        self._timestamps = array("q")

    def load(self, on_batch: Callable[[BatchHeader], None], *, verify: bool) -> int:
        """Index the file by reading its batch headers; return the bytes that are not batches.

        Args:
            on_batch: told each header in order.
            verify: check each batch's checksum too, as the last segment needs after a crash.
        """
        on_disk = self.path.stat().st_size
        for position, header in self._walk(0, on_disk, _SCAN_WINDOW):
            if verify and not is_intact(header, self._pread(header.size, position)):
                break
            self._note(header, position)
            on_batch(header)
        return on_disk - self.size

    def open_for_append(self, *, fsync: bool) -> None:
        """Open the file for writing, without whatever follows the last whole batch."""
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        os.ftruncate(self._fd, self.size)
        if fsync:
            sync_folder(self.path.parent)

    def append(self, data: bytes, headers: list[BatchHeader], *, fsync: bool) -> None:
        """Write stamped batches at the end; after a failed write the file is as it was.

        Raises:
            OSError: the disk refused.
        """
        assert self._fd is not None, "the segment is open for append"
        try:
            write_all(self._fd, data)
            if fsync:
                os.fdatasync(self._fd)
        except OSError:
            os.ftruncate(self._fd, self.size)
            raise
        for header in headers:
            self._note(header, self.size)

    def close(self) -> None:
        """Release the file descriptor; reading opens the file again when needed."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def read_from(self, offset: int, max_bytes: int, *, at_least_one: bool) -> bytes:
        """Return batches from the one that holds `offset`, or the first after it.

        The last batch may be cut at `max_bytes`, which clients expect; with `at_least_one` the
        first is whole however large it is. Empty when nothing here has that offset or a later one.
        """
        for position, header in self._walk_from(offset):
            if header.last_offset < offset:
                continue
            if header.size > max_bytes:
                return self._pread(header.size, position) if at_least_one else b""
            return self._pread(min(max_bytes, self.size - position), position)
        return b""

    def first_batch_reaching(self, timestamp_ms: int) -> bytes | None:
        """Return the first batch with a record of that time or later, or None."""
        if not self.size or self.max_timestamp_ms < timestamp_ms:
            return None
        entry = max(0, bisect_left(self._timestamps, timestamp_ms) - 1)
        for position, header in self._walk(self._positions[entry], self.size, _LOOKUP_WINDOW):
            if header.max_timestamp_ms >= timestamp_ms:
                return self._pread(header.size, position)
        return None

    def batches(self) -> Iterator[bytes]:
        """Yield every whole batch in order; safe in another thread once the segment is closed."""
        for position, header in self._walk(0, self.size, _SCAN_WINDOW):
            yield self._pread(header.size, position)

    def _note(self, header: BatchHeader, position: int) -> None:
        self._unindexed += header.size
        if self._unindexed > self._interval:
            self._unindexed = 0
            self._offsets.append(header.base_offset)
            self._positions.append(position)
            self._timestamps.append(self.max_timestamp_ms)
        self.size = position + header.size
        self.next_offset = header.last_offset + 1
        self.max_timestamp_ms = max(self.max_timestamp_ms, header.max_timestamp_ms)

    def _walk_from(self, offset: int) -> Iterator[tuple[int, BatchHeader]]:
        entry = bisect_right(self._offsets, offset) - 1
        start = self._positions[entry] if entry >= 0 else 0
        return self._walk(start, self.size, _LOOKUP_WINDOW)

    def _walk(self, at: int, end: int, window: int) -> Iterator[tuple[int, BatchHeader]]:
        """Yield position and header of each batch in [at, end), up to what is not a batch."""
        chunk, chunk_at = b"", at
        while at + HEADER_SIZE <= end:
            if at + HEADER_SIZE > chunk_at + len(chunk):
                chunk, chunk_at = self._pread(window, at), at
                if len(chunk) < HEADER_SIZE:
                    return
            header = read_header(chunk, at - chunk_at)
            if header.magic != 2 or header.size < HEADER_SIZE or at + header.size > end:
                return
            yield at, header
            at += header.size

    def _pread(self, size: int, at: int) -> bytes:
        if self._fd is not None:
            return os.pread(self._fd, size, at)
        fd = os.open(self.path, os.O_RDONLY)
        try:
            return os.pread(fd, size, at)
        finally:
            os.close(fd)


def segment_name(base_offset: int) -> str:
    """Return the file name of the segment that starts there.

    >>> segment_name(42)
    '00000000000000000042.log'
    """
    return f"{base_offset:020d}{SUFFIX}"
