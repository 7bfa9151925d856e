"""Snapshots as bytes: a typed dataclass in MessagePack, numpy columns as raw bytes, compressed.

Invariant: `load(dump(state), type)` gives back exactly what went in, bit by bit.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

State = TypeVar("State")
STATE_BYTES_LIMIT = 1 << 30
"""Most bytes of an unpacked state; a full reducer holds a few hundred megabytes."""


@dataclass(frozen=True, slots=True)
class Column:
    """One numpy array."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


def pack(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Column]:
    """Freeze arrays.

    >>> restored = unpack(pack({"a": np.arange(3)}))
    >>> restored["a"].tolist()
    [0, 1, 2]
    """
    return {
        name: Column(array.dtype.str, array.shape, np.ascontiguousarray(array).tobytes())
        for name, array in arrays.items()
    }


def unpack(columns: Mapping[str, Column]) -> dict[str, NDArray[Any]]:
    """Make writable arrays of frozen ones."""
    return {
        name: np.frombuffer(c.data, np.dtype(c.dtype)).reshape(c.shape).copy()
        for name, c in columns.items()
    }


def dump(state: object) -> bytes:
    """Write a state dataclass."""
    return zlib.compress(msgspec.msgpack.encode(state), 1)


def _unpacked(data: bytes, limit: int) -> bytes:
    """Undo the compression, never holding more than the limit."""
    unpacker = zlib.decompressobj()
    state = unpacker.decompress(data, limit)
    if not unpacker.eof:
        msg = f"cut, or more than {limit} bytes unpacked"
        raise zlib.error(msg)
    return state


def load(data: bytes, kind: type[State], *, limit: int = STATE_BYTES_LIMIT) -> State:
    """Read a state dataclass.

    Raises:
        ValueError: when the bytes are no snapshot of this kind.
    """
    try:
        return msgspec.msgpack.decode(_unpacked(data, limit), type=kind)
    except (zlib.error, msgspec.DecodeError, RecursionError) as error:
        msg = (
            f"A snapshot of {len(data)} bytes is no {kind.__name__} ({str(error)[:200]});"
            " it was written by another version or cut short: start from the committed offset"
            " without it."
        )
        raise ValueError(msg) from error


def check_layout(found: dict[str, int], expected: dict[str, int]) -> None:
    """Refuse a snapshot that was written under another configuration.

    Raises:
        ValueError: naming the key that differs.
    """
    for key, value in expected.items():
        if found.get(key) != value:
            msg = (
                f"The snapshot was written with reduce.{key} = {found.get(key)} and it is {value}"
                " now; set it back, or start from the committed offset without the snapshot."
            )
            raise ValueError(msg)
