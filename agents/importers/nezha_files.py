"""Nezha's files of one day: its faults, and the spans of every minute that was kept.

Invariant: times are UTC as `inject_time` says; `inject_timestamp` is hours off on some days and
minutes on others, and is not read. A span that lies in two files is one.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from agents.importers.errors import LayoutError
from agents.importers.nezha_metrics import utc_ms
from agents.importers.span_failures import with_error_pages
from agents.importers.span_notes import SpanNote, SpanNotes
from agents.importers.span_table import SpanTable
from agents.importers.text_file import text_of
from schemas.resolve_names import workload_of
from schemas.telemetry import Labels, labels_of

FAULT_LIST = "-fault_list.json"
_SPAN_COLUMNS = (
    "TraceID",
    "SpanID",
    "ParentID",
    "PodName",
    "OperationName",
    "StartTimeUnixNano",
    "EndTimeUnixNano",
)
_NO_PARENT = frozenset({"", "root"})
_NAME = re.compile(r"(\d\d)_(\d\d)_trace\.csv")
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """One line of the fault list."""

    at_ms: int
    pod: str
    kind: str

    @property
    def service(self) -> str:
        """The workload that the pod is one of."""
        return workload_of(self.pod)


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySpans:
    """Spans of a day, and of each span when its trace began.

    `ahead_ms` says by how many whole hours the clock by which files are named and faults are
    listed is ahead of the spans', which is UTC.
    """

    table: SpanTable
    began_ms: NDArray[np.int64]
    ahead_ms: int = 0

    def between(self, start_ms: int, end_ms: int) -> SpanTable:
        """Return the whole traces that began in an interval."""
        return self.table.where((self.began_ms >= start_ms) & (self.began_ms < end_ms))

    @property
    def starts_ms(self) -> NDArray[np.int64]:
        """When traces began, in order, each once a span."""
        return np.sort(self.began_ms)


def read_faults(path: Path) -> list[Injected]:
    """Read a fault list: a list of faults an hour."""
    try:
        hours = orjson.loads(path.read_bytes())
        found = [_fault(row) for rows in hours.values() for row in rows]
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        msg = f"{path} is no fault list of nezha ({str(error)[:200]}); unpack the set again"
        raise LayoutError(msg) from error
    return sorted(found, key=lambda fault: (fault.at_ms, fault.pod, fault.kind))


def read_spans(folders: Iterable[Path]) -> DaySpans:
    """Read all trace files of some folders `<day>/trace`."""
    notes = SpanNotes()
    ahead: list[float] = []
    for folder in folders:
        for path in sorted(folder.glob("*_trace.csv")):
            starts_ns = _read_file(path, notes)
            match = _NAME.fullmatch(path.name)
            if match is not None and starts_ns:
                named_ms = utc_ms(f"{folder.parent.name} {match[1]}:{match[2]}:00")
                ahead.append(named_ms - float(np.median(starts_ns)) / 1e6)
    table = with_error_pages(notes.table())
    _, trace = np.unique(np.stack((table.trace_hi, table.trace_lo)), axis=1, return_inverse=True)
    began = np.full(len(table), np.iinfo(np.int64).max)
    np.minimum.at(began, trace.ravel(), table.start_ns)
    return DaySpans(
        table=table,
        began_ms=began[trace.ravel()] // 1_000_000,
        ahead_ms=round(float(np.median(ahead)) / _HOUR_MS) * _HOUR_MS if ahead else 0,
    )


def _fault(row: dict[str, Any]) -> Injected:
    if not all(isinstance(value, str) for value in row.values()):
        msg = f"a fault is {repr(row)[:200]}, expected texts"
        raise TypeError(msg)
    return Injected(
        at_ms=utc_ms(row["inject_time"]), pod=row["inject_pod"], kind=row["inject_type"]
    )


def _read_file(path: Path, notes: SpanNotes) -> list[int]:
    """Note a file's spans and return their starts; rows that were cut off are none."""
    starts: list[int] = []
    resources: dict[str, Labels] = {}
    with text_of(path) as file:
        reader = csv.reader(file)
        header = next(reader, [])
        missing = [name for name in _SPAN_COLUMNS if name not in header]
        if missing:
            msg = f"{path} lacks the columns {missing}, so it is no trace file of nezha"
            raise LayoutError(msg)
        at = [header.index(name) for name in _SPAN_COLUMNS]
        for row in reader:
            try:
                trace, span, parent, pod, name, start, end = (row[i] for i in at)
                start_ns, end_ns = int(start), int(end)
            except (IndexError, ValueError):
                continue
            if not pod:
                continue
            if pod not in resources:
                resources[pod] = labels_of({"service.name": workload_of(pod), "k8s.pod.name": pod})
            starts.append(start_ns)
            notes.add(
                SpanNote(
                    trace=trace,
                    span=span,
                    parent="" if parent in _NO_PARENT else parent,
                    resource=resources[pod],
                    name=name,
                    start_ns=start_ns,
                    end_ns=end_ns,
                )
            )
    return starts
