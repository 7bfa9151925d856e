"""The Kafka wire format: primitive types and versioned message layouts, read with bounds checked.

Decoding trusts nothing: every length is checked against the bytes that are left, and one request
may hold a bounded number of array items, so a small frame cannot become a large heap.
"""

import struct
from collections.abc import Mapping
from typing import Any, Protocol

Message = dict[str, Any]

MAX_ITEMS_PER_REQUEST = 200_000
_REQUIRED: Any = object()


class WireError(ValueError):
    """The bytes do not follow the protocol; the connection they came from is closed."""


class Reader:
    """A cursor over one request frame."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._items_left = MAX_ITEMS_PER_REQUEST

    def take(self, size: int) -> memoryview:
        """Return the next `size` bytes without copying them."""
        if size < 0 or self._at + size > len(self._data):
            left = len(self._data) - self._at
            msg = f"a field of {size} bytes was announced where {left} bytes are left"
            raise WireError(msg)
        self._at += size
        return self._data[self._at - size : self._at]

    def count_items(self, count: int) -> None:
        """Refuse an array that the frame cannot hold or that is too long to build in memory."""
        if not 0 <= count <= min(len(self._data) - self._at, self._items_left):
            msg = f"an array of {count} items was announced, more than the request can hold"
            raise WireError(msg)
        self._items_left -= count


class WireType(Protocol):
    """How one value is read from and written to the wire at a given API version."""

    def read(self, reader: Reader, version: int) -> Any:
        """Take the value from the reader."""

    def write(self, out: list[bytes], value: Any, version: int) -> None:
        """Append the value's bytes."""


class _Number:
    def __init__(self, layout: str) -> None:
        self._struct = struct.Struct(layout)

    def read(self, reader: Reader, version: int) -> Any:
        return self._struct.unpack(reader.take(self._struct.size))[0]

    def write(self, out: list[bytes], value: Any, version: int) -> None:
        out.append(self._struct.pack(value))


BOOLEAN = _Number(">?")
INT8 = _Number(">b")
INT16 = _Number(">h")
INT32 = _Number(">i")
INT64 = _Number(">q")


class _Text:
    def __init__(self, *, nullable: bool) -> None:
        self._nullable = nullable

    def read(self, reader: Reader, version: int) -> str | None:
        size = INT16.read(reader, version)
        if size < 0 and self._nullable:
            return None
        try:
            return str(reader.take(size), "utf-8")
        except UnicodeDecodeError as error:
            msg = f"a string is not UTF-8: {error.reason} at byte {error.start}"
            raise WireError(msg) from error

    def write(self, out: list[bytes], value: str | None, version: int) -> None:
        if value is None:
            INT16.write(out, -1, version)
            return
        data = value.encode()
        INT16.write(out, len(data), version)
        out.append(data)


STRING = _Text(nullable=False)
NULLABLE_STRING = _Text(nullable=True)


class _Bytes:
    def __init__(self, *, nullable: bool) -> None:
        self._nullable = nullable

    def read(self, reader: Reader, version: int) -> bytes | None:
        size = INT32.read(reader, version)
        if size < 0 and self._nullable:
            return None
        return bytes(reader.take(size))

    def write(self, out: list[bytes], value: bytes | None, version: int) -> None:
        if value is None:
            INT32.write(out, -1, version)
            return
        INT32.write(out, len(value), version)
        out.append(value)


BYTES = _Bytes(nullable=False)
NULLABLE_BYTES = _Bytes(nullable=True)


class ArrayOf:
    """A counted list; where null is allowed, a count of -1 is read as None."""

    def __init__(self, item: WireType, *, nullable: bool = False) -> None:
        self._item = item
        self._nullable = nullable

    def read(self, reader: Reader, version: int) -> list[Any] | None:
        """Take the list from the reader."""
        count = INT32.read(reader, version)
        if count < 0 and self._nullable:
            return None
        reader.count_items(count)
        return [self._item.read(reader, version) for _ in range(count)]

    def write(self, out: list[bytes], value: list[Any] | None, version: int) -> None:
        """Append the list's bytes."""
        if value is None:
            INT32.write(out, -1, version)
            return
        INT32.write(out, len(value), version)
        for item in value:
            self._item.write(out, item, version)


class Field:
    """One named value of a message, present from API version `since` to `until`.

    A field with a default may be left out when writing, and takes the default when reading a
    version that does not have it.
    """

    def __init__(
        self,
        name: str,
        kind: WireType,
        *,
        since: int = 0,
        until: int = 99,
        default: Any = _REQUIRED,
    ) -> None:
        self.name = name
        self.kind = kind
        self.default = default
        self._versions = range(since, until + 1)

    def is_in(self, version: int) -> bool:
        """Tell whether this version of the message has the field."""
        return version in self._versions


class Layout:
    """The fields of a message, or of a part of one, in wire order."""

    def __init__(self, *fields: Field) -> None:
        self._fields = fields

    def read(self, reader: Reader, version: int) -> Message:
        """Take the message from the reader."""
        message: Message = {}
        for field in self._fields:
            if field.is_in(version):
                message[field.name] = field.kind.read(reader, version)
            elif field.default is not _REQUIRED:
                message[field.name] = field.default
        return message

    def write(self, out: list[bytes], value: Mapping[str, Any], version: int) -> None:
        """Append the message's bytes; a missing field without a default is a bug (KeyError)."""
        for field in self._fields:
            if field.is_in(version):
                if field.default is _REQUIRED:
                    item = value[field.name]
                else:
                    item = value.get(field.name, field.default)
                field.kind.write(out, item, version)


def items_of(
    name: str,
    *fields: Field,
    since: int = 0,
    default: Any = _REQUIRED,
    nullable: bool = False,
) -> Field:
    """Return a field that holds an array of sub-messages with these fields."""
    return Field(name, ArrayOf(Layout(*fields), nullable=nullable), since=since, default=default)
