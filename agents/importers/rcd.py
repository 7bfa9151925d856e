"""RCD's Sock Shop set: a sample a second, a normal and an anomalous file a case, no graph.

`<service>-<cpu|mem>/<repeat>/{normal,anomalous}.csv`. The two files are of different days; the
normal one is put right before the anomalous one (provenance: "baseline": "shifted").
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.importers.case_facts import CaseFacts, Protocol
from agents.importers.csv_table import CsvTable, read_csv_table
from agents.importers.errors import LayoutError
from agents.importers.fault_family import family_of
from agents.importers.layout import existing, folders_holding
from agents.importers.measured import Meaning, Measured, alerts_of, samples_of
from agents.importers.series import component_of
from pipeline.metric_meaning import MetricClass
from schemas.recording import Fault, Recording

NORMAL_SECONDS = 600
ANOMALOUS_SECONDS = 300
_CASE = re.compile(r"(.+)-([a-z]+)")
_COLUMN = re.compile(r"(.+?)_(cpu|mem|lod|err|lat_\d\d)")
_LATENCY = "request_duration_seconds"
_MEANINGS = {
    "cpu": Meaning(metric="container_cpu_usage_percent", metric_class=MetricClass.CPU),
    "mem": Meaning(metric="container_memory_usage_bytes", metric_class=MetricClass.MEMORY),
    # The set calls it load; by its own query it is the rate of requests served.
    "lod": Meaning(metric="requests_rate", metric_class=MetricClass.TRAFFIC),
    "err": Meaning(metric="request_errors_ratio", metric_class=MetricClass.ERRORS),
    **{
        f"lat_{digits}": Meaning(
            metric=_LATENCY,
            metric_class=MetricClass.LATENCY,
            labels=(("quantile", f"0.{digits}"),),
            unit="s",
        )
        for digits in ("50", "90", "99")
    },
}


def recordings(src: Path) -> Iterator[Recording]:
    """Yield the cases below a folder, by name."""
    for folder in folders_holding(src, "anomalous.csv", of="rcd"):
        match = _CASE.fullmatch(folder.parent.name)
        if match is None:
            msg = (
                f"{folder} lies in a folder {folder.parent.name!r}, expected <service>-<fault>"
                " such as carts-cpu; unpack the set as it is"
            )
            raise LayoutError(msg)
        yield _recording(folder, service=match[1], fault=match[2])


def _recording(folder: Path, *, service: str, fault: str) -> Recording:
    normal = read_csv_table(existing(folder / "normal.csv", of="rcd"))
    anomalous = read_csv_table(folder / "anomalous.csv")
    onset_ms = int(_times_ms(anomalous)[0])
    tables = (
        _last_before(normal, onset_ms, NORMAL_SECONDS),
        _first(anomalous, ANOMALOUS_SECONDS),
    )
    measured = _measured(*tables)
    start_ms, end_ms = int(_times_ms(tables[0])[0]), int(_times_ms(tables[1])[-1]) + 1_000
    facts = _facts(f"{service}-{fault}", folder.name, fault, (onset_ms, end_ms))
    truth = Fault(
        component=component_of(service).name,
        pattern=fault,
        start_ms=onset_ms,
        end_ms=end_ms,
        details={"family": family_of(fault)},
    )
    return Recording(
        environment="sockshop",
        start_ms=start_ms,
        end_ms=end_ms,
        resolution_seconds=1.0,
        provenance=facts.as_json(),
        alerts=alerts_of(measured, start_ms=start_ms, end_ms=end_ms),
        metrics=samples_of(measured),
        truth=(truth,),
    )


def _facts(group: str, repeat: str, fault: str, window: tuple[int, int]) -> CaseFacts:
    onset_ms, end_ms = window
    return CaseFacts(
        set="rcd",
        suite="rcd/sockshop",
        system="sockshop",
        case=f"{group}/{repeat}",
        strata={"fault": fault},
        group=group,
        licence="none stated",
        granularity="service",
        protocol=Protocol(window_start_ms=onset_ms, window_end_ms=end_ms, onset_ms=onset_ms),
        more={"baseline": "shifted"},
    )


def _times_ms(table: CsvTable) -> NDArray[np.int64]:
    names = [head[0] for head in table.headers]
    if "time" not in names or not len(table.values):
        msg = f"a table of rcd has the columns {names[:5]}..., expected `time` and at least a row"
        raise LayoutError(msg)
    return np.round(table.values[:, names.index("time")] * 1000).astype(np.int64)


def _last_before(table: CsvTable, until_ms: int, seconds: int) -> CsvTable:
    """Return the last seconds of a table, moved in time so that its last row is one before."""
    times = _times_ms(table)
    moved = table.values[times > times[-1] - seconds * 1000].copy()
    column = [head[0] for head in table.headers].index("time")
    moved[:, column] += (until_ms - 1000 - times[-1]) / 1000
    return CsvTable(headers=table.headers, values=moved)


def _first(table: CsvTable, seconds: int) -> CsvTable:
    times = _times_ms(table)
    return CsvTable(headers=table.headers, values=table.values[times < times[0] + seconds * 1000])


def _measured(*tables: CsvTable) -> list[Measured]:
    """Join the tables' columns of one name; a column of one table alone is kept as it is."""
    parts: dict[str, list[tuple[NDArray[np.int64], NDArray[np.float64]]]] = {}
    for table in tables:
        times = _times_ms(table)
        for column, (name, *_) in enumerate(table.headers):
            parts.setdefault(name, []).append((times, table.values[:, column]))
    measured = []
    for name in sorted(parts):
        match = _COLUMN.fullmatch(name)
        if match is None or match[2] not in _MEANINGS:
            continue
        measured.append(
            Measured(
                component=component_of(match[1]).name,
                meaning=_MEANINGS[match[2]],
                times_ms=np.concatenate([times for times, _ in parts[name]]),
                values=np.concatenate([values for _, values in parts[name]]),
            )
        )
    return measured
