"""Protobuf at the level of the wire: fields taken apart, changed and put together again.

Knows no schema: a field of bytes that reads as fields is taken for a message.
"""

from random import Random

from tests.fuzz.oracle import Target

Field = tuple[int, int, bytes]
"""Number, wire type, and the value as its bytes (without the length in front)."""

_VARINTS = (0, 1, 127, 128, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
_FIXED = (
    b"\0" * 8,
    b"\xff" * 8,
    b"\0\0\0\0\0\0\xf8\x7f",
    b"\0\0\0\0\0\0\xf0\xff",
    b"\x01" + b"\0" * 7,
)


def varint(number: int) -> bytes:
    """Write a number in groups of seven bits.

    >>> varint(300)
    b'\\xac\\x02'
    """
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def fields_of(data: bytes) -> list[Field] | None:
    """Take a message apart; None where the bytes are none."""
    fields: list[Field] = []
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, kind = tag >> 3, tag & 7
        begin = at
        if number == 0 or kind not in (0, 1, 2, 5) or at > len(data):
            return None
        if kind == 0:
            _, at = _read_varint(data, at)
        elif kind == 2:
            size, begin = _read_varint(data, at)
            at = begin + size
        else:
            at += 8 if kind == 1 else 4
        if at > len(data):
            return None
        fields.append((number, kind, data[begin:at]))
    return fields


def put_together(fields: list[Field]) -> bytes:
    """Write fields as a message."""
    out = bytearray()
    for number, kind, value in fields:
        out += varint(number << 3 | kind)
        out += varint(len(value)) if kind == 2 else b""
        out += value
    return bytes(out)


def mutate_protobuf(data: bytes, random: Random, target: Target) -> bytes:
    """Change one field somewhere in a message."""
    fields = fields_of(data)
    if not fields:
        return put_together([(random.randrange(1, 16), 2, data)])
    at = random.randrange(len(fields))
    number, kind, value = fields[at]
    if kind == 2 and value and fields_of(value) and random.random() < 0.85:
        fields[at] = (number, kind, mutate_protobuf(value, random, target))
        return put_together(fields)
    match random.randrange(8):
        case 0:
            del fields[at]
        case 1:
            fields[at:at] = [fields[at]] * random.choice((1, 3, 100))
        case 2:
            fields[at] = (random.randrange(1, 20), kind, value)
        case 3:
            for _ in range(random.choice((1, 10, 150))):
                value = put_together([(number, 2, value)])
            fields[at] = (number, 2, value)
        case 4:
            fields.append(_new(random, target))
        case _:
            fields[at] = (number, kind, _other(kind, value, random, target))
    return put_together(fields)


def _new(random: Random, target: Target) -> Field:
    kind = random.choice((0, 1, 2, 5))
    return random.randrange(1, 20), kind, _other(kind, b"", random, target)


def _other(kind: int, value: bytes, random: Random, target: Target) -> bytes:
    match kind:
        case 0:
            return varint(random.choice(_VARINTS))
        case 1:
            return random.choice(_FIXED)
        case 5:
            return random.choice(_FIXED)[:4]
        case _ if value and random.random() < 0.4:
            changed = bytearray(value)
            changed[random.randrange(len(value))] = random.choice((0, 1, 127, 128, 255))
            return bytes(changed)
        case _:
            words = (
                *target.words,
                b"",
                b"\xff\xfe",
                b"\0",
                b"x" * 5000,
                value + value,
                value[:-1],
            )
            return random.choice(words)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
    return 0, len(data) + 1
