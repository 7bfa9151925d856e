"""Spans collected row by row, as the files of a set give them.

Invariant: a span that comes twice (files overlap) is one.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.importers.span_table import COLUMNS, SpanTable
from schemas.codecs.instants import LATEST_MS
from schemas.telemetry import Labels

_HEX = re.compile(r"^[0-9a-fA-F]{1,32}$")
_LOW = (1 << 64) - 1
LATEST_NS = LATEST_MS * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanNote:
    """One span of a set; ids as it spells them, "" for no parent."""

    trace: str
    span: str
    parent: str
    resource: Labels
    name: str
    start_ns: int
    end_ns: int
    failed: bool = False


class SpanNotes:
    """Collects spans row by row; the same span twice is one."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], tuple[int, ...]] = {}
        self._resources: dict[Labels, int] = {}
        self._names: dict[str, int] = {}
        self._traces: dict[str, tuple[int, int]] = {}

    def add(self, note: SpanNote) -> None:
        """Take one span; one at a time that no clock shows is none."""
        key = (note.trace, note.span)
        if key in self._rows or not 0 <= note.start_ns <= LATEST_NS >= note.end_ns:
            return
        trace = self._traces.get(note.trace)
        if trace is None:
            number = id_number(note.trace)
            trace = self._traces[note.trace] = (number >> 64, number & _LOW)
        self._rows[key] = (
            *trace,
            id_number(note.span) & _LOW,
            id_number(note.parent) & _LOW if note.parent else 0,
            note.start_ns,
            max(note.start_ns, note.end_ns),
            int(note.failed),
            self._resources.setdefault(note.resource, len(self._resources)),
            self._names.setdefault(note.name, len(self._names)),
        )

    def table(self) -> SpanTable:
        """Return all of them, in order of start."""
        rows = sorted(self._rows.values(), key=lambda row: (row[4], row[2]))
        columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
        types = (*[np.uint64] * 4, np.int64, np.int64, np.bool_, np.int32, np.int32)
        arrays: dict[str, Any] = {
            name: np.array(column, dtype)
            for name, column, dtype in zip(COLUMNS, columns, types, strict=True)
        }
        return SpanTable(**arrays, resources=tuple(self._resources), names=tuple(self._names))


def id_number(text: str) -> int:
    """Return an id as a number of up to 128 bits: hexadecimal as it is, other text hashed.

    >>> id_number("0a"), id_number("no hex") == id_number("no hex"), id_number("no hex") > 0
    (10, True, True)
    """
    if _HEX.match(text):
        return int(text, 16)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")
