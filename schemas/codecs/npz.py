"""Columns and JSON tables to the bytes of a .npz file and back, without ever unpickling.

numpy reads what is written here. Invariants: the same columns give the same bytes; whatever the
bytes are, reading raises nothing but `SchemaError` and allocates no more than its limit.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.errors import SchemaError

NPZ_BYTES_LIMIT = 4 * 1024 * 1024 * 1024
"""Most bytes that the columns of one file may take when unpacked."""
_SUFFIX = ".npy"

_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def pack(columns: Mapping[str, NDArray[Any]], tables: Mapping[str, object]) -> bytes:
    """Write columns as they are and each table as its JSON bytes."""
    arrays: dict[str, NDArray[Any]] = dict(columns)
    for name, table in tables.items():
        arrays[name] = np.frombuffer(orjson.dumps(table), np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


class Unpacked:
    """An opened .npz: columns and tables by name, read one at a time."""

    def __init__(self, data: bytes, *, limit: int = NPZ_BYTES_LIMIT) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except _UNREADABLE as error:
            raise _broken(error) from error
        total = sum(each.file_size for each in self._archive.infolist())
        if total > limit:
            msg = (
                f"the .npz holds {total} bytes unpacked, at most {limit} are accepted:"
                " split the recording"
            )
            raise SchemaError(msg)

    def column(self, name: str, dtype: type[np.generic]) -> NDArray[Any]:
        """Return a one-dimensional column of exactly this type."""
        try:
            raw = self._archive.read(name + _SUFFIX)
            stream = io.BytesIO(raw)
            version = np.lib.format.read_magic(stream)
            read_header = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, found = read_header(stream)
        # The header is Python text, and reading it can fail as any literal can.
        except (*_UNREADABLE, SyntaxError, TypeError, MemoryError, RecursionError) as error:
            raise _broken(error, name) from error
        body = raw[stream.tell() :]
        if found != np.dtype(dtype) or len(shape) != 1 or shape[0] * found.itemsize != len(body):
            msg = (
                f"column {name} of the .npz is {found} of shape {shape} in {len(body)} bytes,"
                f" expected one dimension of {np.dtype(dtype)}: write it with this version"
            )
            raise SchemaError(msg)
        return np.frombuffer(body, found).copy()

    def table(self, name: str) -> Any:
        """Return a table's JSON."""
        raw = self.column(name, np.uint8).tobytes()
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise _broken(error, name) from error


def _broken(error: Exception, name: str = "") -> SchemaError:
    where = f" at {name}" if name else ""
    return SchemaError(
        f"the .npz cannot be read{where} ({type(error).__name__}: {str(error)[:200]}): the file is"
        " cut or no .npz; make it again"
    )
