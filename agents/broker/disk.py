"""Two things that writing durably takes and Python does not do by itself."""

import os
from pathlib import Path


def write_all(fd: int, data: bytes) -> None:
    """Write all the bytes, however few the disk takes at a time."""
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, memoryview(data)[written:])


def sync_folder(folder: Path) -> None:
    """Flush a folder: a new file's bytes are of no use when its name is lost with the power."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
