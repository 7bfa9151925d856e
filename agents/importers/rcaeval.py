"""RCAEval RE1, RE2, RE3 (Online Boutique, Sock Shop, Train Ticket): metrics, and traces where had.

`<part>/<service>_<fault>/<repeat>/` with `inject_time.txt` and a metric table; the part's folder
(RE1-OB, RE2-TT, ...) is the suite. Ten minutes before the injection and ten after it are imported.
Logs are not read. Written from the published layout.
"""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from agents.importers.case_facts import CaseFacts, Protocol
from agents.importers.errors import LayoutError
from agents.importers.fault_family import family_of
from agents.importers.layout import existing, folders_holding
from agents.importers.measured import Measured, ruled, samples_of
from agents.importers.rcaeval_metrics import FILES, read_measured
from agents.importers.rcaeval_traces import FILE as TRACES
from agents.importers.rcaeval_traces import read_traces
from agents.importers.rule_pack import derive_alerts
from agents.importers.series import component_of
from agents.importers.span_kinds import spans_of
from agents.importers.span_series import rule_series
from agents.importers.span_table import SpanTable
from agents.importers.text_file import text_of
from schemas.recording import Fault, Message, Recording

BEFORE_MS = 600_000
AFTER_MS = 600_000
_CASE = re.compile(r"(.+)_([^_]+)")
_INJECTED = "inject_time.txt"
_CODE_FAULT = re.compile(r"f\d+")
"""RE3's names for faults in the code."""


def recordings(src: Path) -> Iterator[Recording]:
    """Yield the cases below a folder, by part, fault and repeat."""
    folders = folders_holding(src, _INJECTED, of="rcaeval")
    # Some parts have an example beside their cases, which has no number.
    cases = [(f, _CASE.fullmatch(f.parent.name)) for f in folders if f.name.isdecimal()]
    found = [(folder, match) for folder, match in cases if match is not None]
    if not found:
        msg = (
            f"{folders[0]} is no case of rcaeval, expected a folder such as cartservice_cpu/1"
            " (<service>_<fault>/<repeat>); unpack the set as it is"
        )
        raise LayoutError(msg)
    for folder, match in found:
        yield _recording(folder, service=match[1], fault=match[2])


def _recording(folder: Path, *, service: str, fault: str) -> Recording:
    part = folder.parent.parent.name
    onset_ms = _injected_ms(folder / _INJECTED)
    start_ms, end_ms = onset_ms - BEFORE_MS, onset_ms + AFTER_MS
    measured = read_measured(_metrics(folder), start_ms, end_ms)
    traces = folder / TRACES
    spans = read_traces(traces, start_ms, end_ms) if traces.is_file() else None
    root = component_of(service).name
    names = {each.component for each in measured} | set(spans.services if spans else ())
    ours = {component_of(name).name for name in names}
    facts = CaseFacts(
        set="rcaeval",
        suite=f"rcaeval/{part}",
        system=part.rpartition("-")[2].lower(),
        case=f"{folder.parent.name}/{folder.name}",
        strata={"fault": fault},
        group=f"{root}/{fault}",
        licence="MIT",
        granularity="service",
        protocol=Protocol(
            window_start_ms=onset_ms,
            window_end_ms=end_ms,
            onset_ms=onset_ms,
            candidates=tuple(sorted(ours)),
        ),
        more={"same_as": {f"{name}-db": name for name in sorted(ours) if f"{name}-db" in ours}},
    )
    family = "code" if _CODE_FAULT.fullmatch(fault) else family_of(fault)
    truth = Fault(
        component=root,
        pattern=fault,
        start_ms=onset_ms,
        end_ms=end_ms,
        details={"family": family},
    )
    return Recording(
        environment=f"rcaeval-{part.lower()}",
        start_ms=start_ms,
        end_ms=end_ms,
        resolution_seconds=1.0,
        provenance=facts.as_json(),
        alerts=_alerts(measured, spans, start_ms, end_ms),
        metrics=samples_of(measured),
        spans=spans_of(spans) if spans is not None and len(spans) else None,
        truth=(truth,),
    )


def _alerts(
    measured: Sequence[Measured], spans: SpanTable | None, start_ms: int, end_ms: int
) -> tuple[Message, ...]:
    series = ruled(measured)
    series += rule_series(spans) if spans is not None else ()
    return derive_alerts(series, start_ms=start_ms, end_ms=end_ms)


def _metrics(folder: Path) -> Path:
    for name in FILES:
        if (folder / name).is_file():
            return folder / name
    msg = f"{folder} holds none of {', '.join(FILES)}; unpack the set again"
    raise LayoutError(msg)


def _injected_ms(path: Path) -> int:
    with text_of(existing(path, of="rcaeval")) as file:
        text = file.read().strip()
    try:
        seconds = float(text.split()[0])
    except (IndexError, ValueError) as error:
        msg = f"{path} holds {text[:40]!r}, expected the time of injection in seconds since 1970"
        raise LayoutError(msg) from error
    if not math.isfinite(seconds) or seconds <= 0:
        msg = f"{path} holds {text[:40]!r}, expected the time of injection in seconds since 1970"
        raise LayoutError(msg)
    return round(seconds) * 1000
