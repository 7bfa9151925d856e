"""Columns and JSON tables to the bytes of a .npz file and back, without ever unpickling.

numpy reads what is written here. Invariants: the same columns give the same bytes; whatever the
bytes are, reading raises nothing but `SchemaError` and allocates no more than its limit.
"""

import io
import re
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
# numpy's own reader evaluates the header as Python text, which can fail in any way; the header of
# a plain column has one form only.
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '(?P<dtype>[<>|=]\w{2})', 'fortran_order': False,"
    rb" 'shape': \((?P<length>\d{1,18}),\), \}",
    re.DOTALL,
)

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
        except _UNREADABLE as error:
            raise _broken(error, name) from error
        size = int.from_bytes(raw[8:10], "little")
        header, body = raw[:10] + raw[10 : 10 + size].rstrip(), raw[10 + size :]
        wanted = np.dtype(dtype)
        match = _HEADER.fullmatch(header)
        fits = match and match["dtype"] == wanted.str.encode()
        if not match or not fits or int(match["length"]) * wanted.itemsize != len(body):
            msg = (
                f"column {name} of the .npz begins {header[10:130]!r} and has {len(body)} bytes,"
                f" expected one dimension of {wanted}: write it with this version"
            )
            raise SchemaError(msg)
        return np.frombuffer(body, wanted).copy()

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
