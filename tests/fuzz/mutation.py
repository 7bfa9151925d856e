"""Mutations that know the form of what they change, so that most results get past the parser.

A JSON document stays JSON and protobuf stays protobuf most of the time; text is changed by lines
and by words of the target. Deterministic by the generator that is passed in.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.fuzz.oracle import INPUT_BYTES, Target
from tests.fuzz.protobuf_fields import mutate_protobuf

Mutate = Callable[[bytes, Random, Target], bytes]

NUMBERS = (
    0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 2**64, 10**30, 1e308, -0.0,
    1e-320, 1_788_256_800_000, 1_788_256_800_000_000_000, 946_684_800_000, 7_258_118_400_000,
)  # fmt: skip
TEXTS = (
    "", " ", "\x00", "\ud800", "\udfff\ud800", "\u202e", "\ufeff", "é", "İ", "ß", "\u2028",
    "\U0001d518", "../../etc/passwd", "/", "..", "a" * 300, "a" * 5_000, "NaN", "Infinity",
    "-inf", "1e999", "0001-01-01T00:00:00Z", "2026-09-01T10:00:00Z",
    "9999-12-31T23:59:59.999999999+23:59",
    "2026-09-01T24:00:00Z", "1_0", "0x10", "true", "null", "none", "\r\n", "\x1b[31m",
    "<!channel>", "http://[::1", "//", "a:b:c", "[", "{{ . }}",
    "%s%n", "${HOME}", "٣", "1" * 400, "-" * 400,
)  # fmt: skip


def mutate(data: bytes, random: Random, target: Target) -> bytes:
    """Change an input a little, or a lot; never longer than what is fuzzed."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 5))):
        try:
            data = _once(data, random, target)[:INPUT_BYTES]
        except (OverflowError, RecursionError):  # a number too large, a document too deep
            data = mutate_bytes(data, random, target)[:INPUT_BYTES]
    return data


def _once(data: bytes, random: Random, target: Target) -> bytes:
    if random.random() < 0.15:
        return mutate_bytes(data, random, target)
    # Several dialects share a topic, so the bytes say which form they have.
    if data[:1] in b"{[" and target.form in ("json", "protobuf"):
        return mutate_json(data, random, target)
    return {
        "json": mutate_json,
        "lines": mutate_lines,
        "protobuf": mutate_protobuf,
        "text": mutate_text,
        "binary": mutate_bytes,
    }[target.form](data, random, target)


def mutate_bytes(data: bytes, random: Random, target: Target) -> bytes:
    """Flip, cut, repeat, insert: what knows nothing."""
    value = bytearray(data or b"\0")
    at = random.randrange(len(value))
    match random.randrange(6):
        case 0:
            value[at] ^= 1 << random.randrange(8)
        case 1:
            value[at] = random.randrange(256)
        case 2:
            del value[at:]
        case 3:
            del value[at : at + random.choice((1, 1, 2, 8, 64))]
        case 4:
            piece = value[at : at + random.choice((1, 4, 32, 512))]
            value[at:at] = piece * random.choice((1, 2, 16))
        case _:
            word = random.choice(target.words) if target.words else b"\xff\xfe\x00"
            value[at:at] = word
    return bytes(value)


def mutate_text(data: bytes, random: Random, target: Target) -> bytes:
    """Change text by lines, words and characters."""
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    match random.randrange(7):
        case 0:
            lines[at:at] = [lines[at]] * random.choice((1, 2, 50))
        case 1:
            del lines[at]
        case 2:
            other = random.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] = b" " * random.choice((1, 2, 4)) + lines[at]
        case 4:
            lines[at] = lines[at].lstrip()
        case 5:
            lines[at] = _with_word(lines[at], random, target)
        case _:
            return mutate_bytes(data, random, target)
    return b"\n".join(lines)


def _with_word(line: bytes, random: Random, target: Target) -> bytes:
    """Replace one part of a line, between the marks that separate parts."""
    for mark in random.sample((b": ", b" = ", b",", b" ", b"="), 5):
        parts = line.split(mark)
        if len(parts) > 1:
            parts[random.randrange(len(parts))] = _word(random, target)
            return mark.join(parts)
    return _word(random, target)


def _word(random: Random, target: Target) -> bytes:
    if target.words and random.random() < 0.5:
        return random.choice(target.words)
    if random.random() < 0.5:
        return str(random.choice(NUMBERS)).encode()
    return random.choice(TEXTS).encode("utf-8", "surrogatepass")


def mutate_json(data: bytes, random: Random, target: Target) -> bytes:
    """Replace, add, drop or repeat one value of a document."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return mutate_bytes(data, random, target)
    document = _changed(document, random, target)
    # A lone surrogate is written as an escape half of the time, and as bytes otherwise.
    text = json.dumps(document, ensure_ascii=random.random() < 0.5)
    return text.encode("utf-8", "surrogatepass")


def mutate_lines(data: bytes, random: Random, target: Target) -> bytes:
    """Change one line of JSON lines, or the order of lines."""
    lines = data.split(b"\n")
    if random.random() < 0.2:
        return mutate_text(data, random, target)
    at = random.randrange(len(lines))
    lines[at] = mutate_json(lines[at], random, target)
    return b"\n".join(lines)


def _changed(document: Any, random: Random, target: Target) -> Any:
    places = list(_places(document))
    if not places:
        return _value(random, target, document)
    holder, key = random.choice(places)
    match random.randrange(8):
        case 0 | 1 | 2:
            holder[key] = _value(random, target, holder[key])
        case 3:
            del holder[key]
        case 4 if isinstance(holder, dict):
            holder[_text(random, target)] = holder.pop(key)
        case 5:
            _, _ = holder, key
            other, place = random.choice(places)
            holder[key] = _copy(other[place])
        case 6 if isinstance(holder, list):
            holder.extend(_copy(holder[key]) for _ in range(random.choice((1, 3, 100))))
        case 7 if isinstance(holder, dict):
            for number in range(random.choice((1, 3, 200))):
                holder[f"{_text(random, target)[:8]}{number}"] = _copy(holder[key])
        case _:
            holder[key] = [_copy(holder[key])]
    return document


def _places(document: Any) -> Any:
    """Every place in a document, as its holder and the key or index."""
    if isinstance(document, dict | list):
        pairs = document.items() if isinstance(document, dict) else enumerate(document)
        for key, value in list(pairs):
            yield document, key
            yield from _places(value)


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _text(random: Random, target: Target) -> str:
    if target.words and random.random() < 0.6:
        return random.choice(target.words).decode("utf-8", "replace")
    return random.choice(TEXTS)


def _value(random: Random, target: Target, before: Any) -> Any:
    # Of its own type most of the time, or nearly nothing would get past the first check.
    if isinstance(before, str) and random.random() < 0.6:
        at = random.randrange(len(before) + 1)
        return random.choice((_text(random, target), before[:at] + _text(random, target)))
    if isinstance(before, int | float) and not isinstance(before, bool) and random.random() < 0.6:
        return random.choice((random.choice(NUMBERS), before + random.choice((-1, 1, 0.5, 10**6))))
    match random.randrange(9):
        case 0 | 1:
            return random.choice(NUMBERS)
        case 2 | 3 | 4:
            return _text(random, target)
        case 5:
            return random.choice((None, True, False, [], {}))
        case 6:
            return str(before)
        case 7:
            nested: Any = before
            for _ in range(random.choice((1, 3, 70, 400))):
                nested = [nested] if random.random() < 0.5 else {"a": nested}
            return nested
        case _:
            if isinstance(before, int | float) and not isinstance(before, bool):
                return before * random.choice((-1, 2, 1000, 0.001))
            return {_text(random, target): before}
