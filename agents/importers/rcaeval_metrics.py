"""RCAEval's metric tables: a column `<component>_<metric>`, a row a second, `time` in seconds.

Column sets differ between its parts and versions, so what has no meaning here is left out, never
refused. Invariant: only rows between two times are kept.
"""

import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.importers.errors import LayoutError
from agents.importers.measured import Meaning, Measured
from agents.importers.series import component_of
from agents.importers.text_file import text_of
from pipeline.metric_meaning import MetricClass

FILES = ("simple_metrics.csv", "simple_data.csv", "data.csv", "metrics.csv")
"""By which names the tables go; where a case has several, the first is what RCAEval ranks on."""
_NO_SERVICE = re.compile(
    r"^(istio(-.*)?|passthroughcluster|unknown|main|frontend-external|pod|node|kube-.*"
    r"|(gke|aks|eks|ip|k8s)-.*|\d+\..*)$",
    re.IGNORECASE,
)
"""Sidecars, meshes and machines whose columns stand beside those of services."""
_LATENCY = re.compile(r"^lat(?:ency)?(?:[-_](\d\d))?$")
_QUANTILES = ("90", "", "95", "99", "50")
"""Which latency stands for a component that has several: as RCAEval, the 90th percentile."""
_MILLISECONDS_FROM = 2.0
"""A typical latency above this is no number of seconds."""
_RATE_SECONDS = 60.0
"""How long rates and quantiles of the tables look back."""
_ANSWERS = (("job", "answers"),)
"""Of those that nobody calls there is no sample, which is no stop of the service."""
_MEANINGS = {
    "cpu": Meaning(metric="container_cpu_usage", metric_class=MetricClass.CPU),
    "mem": Meaning(metric="container_memory_usage_bytes", metric_class=MetricClass.MEMORY),
    "disk": Meaning(metric="container_disk_io_bytes_per_second", metric_class=MetricClass.DISK),
    "socket": Meaning(metric="open_sockets", metric_class=MetricClass.NETWORK),
    "workload": Meaning(metric="requests_rate", metric_class=MetricClass.TRAFFIC, labels=_ANSWERS),
    "error": Meaning(
        metric="request_errors_rate",
        metric_class=MetricClass.ERRORS,
        labels=_ANSWERS,
        # What it counts is not told, so no share of calls for the rules comes of it.
        ruled=False,
    ),
    "latency": Meaning(
        metric="request_duration_p90_seconds", metric_class=MetricClass.LATENCY, labels=_ANSWERS
    ),
}
_KINDS = {
    **{name: name for name in ("cpu", "mem", "disk", "socket", "workload", "error")},
    "memory": "mem",
    "diskio": "disk",
    "sockets": "socket",
    "load": "workload",
    "lod": "workload",
    "request": "workload",
    "errors": "error",
    "err": "error",
}
"""What the parts' and versions' words for a metric mean."""

_Chosen = dict[tuple[str, str], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """The rows of a file within a time, by column; NaN where a cell holds no number."""

    times_ms: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]


def read_measured(path: Path, start_ms: int, end_ms: int) -> list[Measured]:
    """Read what a table says of services between two times."""
    table = _read(path, start_ms, end_ms)
    chosen = _chosen(table)
    factor = _to_seconds([chosen[key] for key in sorted(chosen) if key[1] == "latency"])
    return [
        _measured(table.times_ms, component, kind, chosen, factor)
        for component, kind in sorted(chosen)
    ]


def _measured(
    times_ms: NDArray[np.int64],
    component: str,
    kind: str,
    chosen: _Chosen,
    factor: float,
) -> Measured:
    values, calls = chosen[component, kind], chosen.get((component, "workload"))
    return Measured(
        component=component,
        meaning=_MEANINGS[kind],
        times_ms=times_ms,
        values=values * factor if kind == "latency" else values,
        calls=calls * _RATE_SECONDS if kind == "latency" and calls is not None else None,
    )


def _chosen(table: _Table) -> _Chosen:
    """Return the columns that are of services and mean something, one a component and kind."""
    found: _Chosen = {}
    latencies: dict[str, dict[str, NDArray[np.float64]]] = {}
    for name, values in table.columns.items():
        named, _, metric = name.partition("_")
        component = component_of(named).name
        # What is called otherwise by the resolver is the exporter of another component.
        if not metric or component != named.lower() or _NO_SERVICE.match(named):
            continue
        match = _LATENCY.match(metric)
        if match is not None:
            latencies.setdefault(component, {})[match[1] or ""] = values
        elif metric in _KINDS:
            found.setdefault((component, _KINDS[metric]), values)
    for component, by_quantile in latencies.items():
        quantile = next(q for q in (*_QUANTILES, *sorted(by_quantile)) if q in by_quantile)
        found[component, "latency"] = by_quantile[quantile]
    return found


def _to_seconds(latencies: list[NDArray[np.float64]]) -> float:
    """Tell the unit of a table's latencies by their size: some parts have milliseconds."""
    known = np.concatenate([np.zeros(0), *latencies])
    known = known[np.isfinite(known) & (known > 0)]
    return 1e-3 if len(known) and float(np.median(known)) > _MILLISECONDS_FROM else 1.0


def _read(path: Path, start_ms: int, end_ms: int) -> _Table:
    times: list[int] = []
    rows: list[list[float]] = []
    with text_of(path) as file:
        reader = csv.reader(file)
        header = [name.strip() for name in next(reader, [])]
        at = next((i for i, name in enumerate(header) if name.lower() == "time"), None)
        if at is None:
            msg = f"{path} has no column time, so it is no metric table of rcaeval"
            raise LayoutError(msg)
        for row in reader:
            seconds = _number(row[at]) if at < len(row) else float("nan")
            if start_ms <= seconds * 1000 < end_ms:
                times.append(round(seconds * 1000))
                cells = [*row[: len(header)], *[""] * (len(header) - len(row))]
                rows.append([_number(cell) for cell in cells])
    values = np.array(rows, np.float64).reshape(len(rows), len(header))
    order = np.argsort(np.array(times, np.int64), kind="stable")
    return _Table(
        times_ms=np.array(times, np.int64)[order],
        columns={
            name: values[order, i] for i, name in reversed(list(enumerate(header))) if i != at
        },
    )


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
