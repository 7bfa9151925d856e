"""Nezha (Online Boutique, Train Ticket): spans and pod metrics of three minutes a fault.

One recording a fault, with fault-free minutes laid before it (`nezha_baseline`), and one healthy
recording a day that has enough of them. Spans have no status but where Spring's error page was
rendered, and logs are not read, so a fault that shows in log lines alone does not show here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.importers.case_facts import CaseFacts, Protocol
from agents.importers.fault_family import family_of
from agents.importers.layout import folders_holding
from agents.importers.measured import samples_of
from agents.importers.nezha_baseline import (
    FAULT_MS,
    Piece,
    pieces_before,
)
from agents.importers.nezha_day import Day, read_day
from agents.importers.nezha_files import FAULT_LIST, Injected
from agents.importers.nezha_metrics import measured_between, ruled_together
from agents.importers.rule_pack import EVALUATE_MS, derive_alerts
from agents.importers.series import component_of
from agents.importers.span_kinds import spans_of
from agents.importers.span_series import rule_series
from agents.importers.span_table import SpanTable, put_together
from schemas.recording import Fault, Recording

HISTORY_MS = 90 * 60_000
"""How much of the metrics before a fault is kept, where the day has it."""
_ALERTS_MS = 600_000
"""How long before a fault alerts are derived; those of earlier faults are left out."""
_AFTER_MS = 30_000
"""How long after the last span is asked: a sample of the metrics tells of the minute before it,
but a pane without any spans makes everybody look silent."""
_HEALTHY_MS = 600_000
"""The shortest fault-free time with spans that makes a healthy recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """What one recording covers: spans until `spans_end_ms`, all until `end_ms`.

    `asked_ms` ends the window that is asked about: not long after the spans, since without any
    everybody looks silent.
    """

    onset_ms: int
    spans_end_ms: int
    asked_ms: int
    end_ms: int
    alerts_ms: int
    pieces: list[Piece]


def recordings(src: Path) -> Iterator[Recording]:
    """Yield the faults of all days below a folder in order of time, then the healthy ones."""
    folders = folders_holding(src, "trace", of="nezha")
    lists = sorted(path for folder in folders for path in folder.glob(f"*{FAULT_LIST}"))
    for path in lists:
        day = read_day(path, src)
        for fault in day.faults:
            yield _faulty(day, fault)
        healthy = _healthy(day)
        if healthy is not None:
            yield healthy


def _faulty(day: Day, fault: Injected) -> Recording:
    window = _window(day, fault.at_ms)
    root = component_of(fault.service).name
    facts = CaseFacts(
        set="nezha",
        suite=f"nezha/{day.system}",
        system=day.system,
        case=f"{day.name}/{day.case_name(fault)}",
        strata={"fault": fault.kind},
        group=f"{root}/{fault.kind}",
        licence="MIT",
        granularity="service",
        protocol=Protocol(
            window_start_ms=fault.at_ms,
            window_end_ms=window.asked_ms,
            onset_ms=fault.at_ms,
            candidates=day.services,
        ),
        more=_more(window),
    )
    truth = Fault(
        component=root,
        pattern=fault.kind,
        start_ms=fault.at_ms,
        end_ms=window.end_ms,
        details={"family": family_of(fault.kind), "pod": fault.pod},
    )
    return _recording(day, window, facts, (truth,))


def _healthy(day: Day) -> Recording | None:
    """Lay all fault-free minutes one after the other at the end of the longest quiet time."""
    length = sum(end - start for start, end in day.free)
    quiet = max(day.quiet(), key=lambda each: each[1] - each[0], default=(0, 0))
    if length < _HEALTHY_MS or quiet[1] - quiet[0] < 2 * length:
        return None
    cursor, pieces = quiet[1], []
    for start, end in reversed(day.free):
        pieces.append(Piece(start_ms=start, end_ms=end, by_ms=cursor - end))
        cursor -= end - start
    window = _Window(
        onset_ms=quiet[1],
        spans_end_ms=quiet[1],
        asked_ms=quiet[1],
        end_ms=quiet[1],
        alerts_ms=cursor,
        pieces=pieces,
    )
    facts = CaseFacts(
        set="nezha",
        suite=f"nezha/{day.system}",
        system=day.system,
        case=f"healthy/{day.name}",
        licence="MIT",
        granularity="service",
        more=_more(window),
    )
    return _recording(day, window, facts, ())


def _window(day: Day, at_ms: int) -> _Window:
    until = at_ms + FAULT_MS
    others = [fault.at_ms for fault in day.faults]
    until = min([until, *(other for other in others if at_ms < other < until)])
    ends = [end for start, end in day.covered if start < until and end > at_ms]
    spans_end = min(until, ends[0]) if ends else at_ms
    before = [other + FAULT_MS for other in others if other + FAULT_MS <= at_ms]
    alerts = max([at_ms - _ALERTS_MS, *before])
    return _Window(
        onset_ms=at_ms,
        spans_end_ms=spans_end,
        asked_ms=min(until, spans_end + _AFTER_MS) if ends else until,
        end_ms=until,
        alerts_ms=alerts - alerts % 60_000 + EVALUATE_MS,
        pieces=pieces_before(at_ms, day.free, day.declared),
    )


def _recording(day: Day, window: _Window, facts: CaseFacts, truth: tuple[Fault, ...]) -> Recording:
    spans = _spans(day, window)
    first_ms = window.alerts_ms - HISTORY_MS
    measured = measured_between(day.pods, first_ms, window.end_ms)
    metrics = samples_of(measured)
    starts = [int(column.min()) for column in (metrics.time_ms,) if len(column)]
    starts += [int(spans.start_ns.min() // 1_000_000)] if len(spans) else []
    return Recording(
        environment=f"nezha-{day.system}",
        start_ms=min([window.onset_ms, *starts]),
        end_ms=window.end_ms,
        resolution_seconds=60.0,
        provenance=facts.as_json(),
        alerts=derive_alerts(
            [*rule_series(spans), *ruled_together(measured)],
            start_ms=window.alerts_ms,
            end_ms=window.end_ms,
        ),
        metrics=metrics,
        spans=spans_of(spans) if len(spans) else None,
        truth=truth,
    )


def _spans(day: Day, window: _Window) -> SpanTable:
    during = day.spans.between(window.onset_ms, window.spans_end_ms + 1)
    before = [
        day.spans.between(piece.start_ms, piece.end_ms).moved(piece.by_ms)
        for piece in window.pieces
    ]
    return put_together([*before, during])


def _more(window: _Window) -> dict[str, Any]:
    moved = [piece for piece in window.pieces if piece.by_ms]
    kept = sum(piece.length_ms for piece in window.pieces if not piece.by_ms)
    return {
        "baseline": "shifted" if moved else "recorded",
        "baseline_seconds": {
            "recorded": kept / 1000,
            "shifted": sum(piece.length_ms for piece in moved) / 1000,
        },
        "spans_end_ms": window.spans_end_ms,
    }
