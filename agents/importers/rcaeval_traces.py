"""RCAEval's traces.csv: Jaeger's spans as rows; RE2 and RE3 have it but for Sock Shop.

`startTime` and `duration` are microseconds, `startTimeMillis` is what it says; the column `time`
is a clock time without a day and not read. Invariant: only spans between two times are kept.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.importers.errors import LayoutError
from agents.importers.span_notes import SpanNote, SpanNotes
from agents.importers.span_table import SpanTable
from agents.importers.text_file import text_of
from schemas.telemetry import Labels, labels_of

FILE = "traces.csv"
_NEEDED = ("traceID", "spanID", "serviceName", "duration")
_NO_PARENT = frozenset({"", "nan", "none", "null", "root", "0"})
_GRPC_FAILED = frozenset({2, 4, 12, 13, 14, 15})
"""gRPC's codes that are the server's fault; OpenTelemetry's 2 is an error as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Where the columns are; -1 where a version of the file lacks one."""

    trace: int
    span: int
    parent: int
    service: int
    name: tuple[int, ...]
    start: int
    start_ns: int
    duration: int
    status: int


def read_traces(path: Path, start_ms: int, end_ms: int) -> SpanTable:
    """Read the spans that began between two times."""
    notes = SpanNotes()
    resources: dict[str, Labels] = {}
    with text_of(path) as file:
        reader = csv.reader(file)
        places = _places(path, next(reader, []))
        for row in reader:
            note = _note(row, places, resources)
            if note is not None and start_ms <= note.start_ns // 1_000_000 < end_ms:
                notes.add(note)
    return notes.table()


def _places(path: Path, header: Sequence[str]) -> _Places:
    at = {name.strip(): i for i, name in enumerate(header)}
    missing = [name for name in _NEEDED if name not in at]
    exact = "startTime" in at
    if missing or not (exact or "startTimeMillis" in at):
        msg = (
            f"{path} has the columns {str(sorted(at))[:200]}, expected at least {list(_NEEDED)}"
            " and startTime or startTimeMillis"
        )
        raise LayoutError(msg)
    return _Places(
        trace=at["traceID"],
        span=at["spanID"],
        parent=at.get("parentSpanID", -1),
        service=at["serviceName"],
        name=tuple(at[name] for name in ("methodName", "operationName") if name in at),
        start=at["startTime"] if exact else at["startTimeMillis"],
        start_ns=1_000 if exact else 1_000_000,
        duration=at["duration"],
        status=at.get("statusCode", -1),
    )


def _note(row: Sequence[str], places: _Places, resources: dict[str, Labels]) -> SpanNote | None:
    """Read one row; None for one that is cut off or holds no numbers."""
    try:
        service = row[places.service].strip()
        start_ns = int(float(row[places.start])) * places.start_ns
        end_ns = start_ns + int(float(row[places.duration]) * 1_000)
        parent = row[places.parent].strip() if places.parent >= 0 else ""
        status = row[places.status] if places.status >= 0 else ""
        name = next((row[i] for i in places.name if row[i].strip()), "")
        trace, span = row[places.trace].strip(), row[places.span].strip()
    except (IndexError, ValueError, OverflowError):
        return None
    if not service or not span:
        return None
    if service not in resources:
        resources[service] = labels_of({"service.name": service})
    return SpanNote(
        trace=trace,
        span=span,
        parent="" if parent.lower() in _NO_PARENT else parent,
        resource=resources[service],
        name=name,
        start_ns=start_ns,
        end_ns=end_ns,
        failed=has_failed(status),
    )


def has_failed(status: str) -> bool:
    """Say whether a status code is a failure: of HTTP, of gRPC, or spelled out.

    >>> [has_failed(s) for s in ("200", "503.0", "14", "0", "", "ERROR", "404")]
    [False, True, True, False, False, True, False]
    """
    try:
        code = int(float(status))
    except (ValueError, OverflowError):
        return "error" in status.lower()
    return code >= 500 or code in _GRPC_FAILED
