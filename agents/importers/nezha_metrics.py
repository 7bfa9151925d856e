"""Nezha's pod metrics: a file a pod for the whole day, a sample a minute.

Invariant: times are those of the column `Time`; the column `TimeStamp` is wrong on some days.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.importers.errors import LayoutError
from agents.importers.measured import Meaning, Measured, ruled
from agents.importers.rule_pack import EVALUATE_MS, RuleSeries
from agents.importers.text_file import text_of
from pipeline.metric_meaning import MetricClass
from schemas.resolve_names import workload_of
from schemas.telemetry import labels_of

PATTERN = "*_metric.csv"
SCRAPE_SECONDS = 60.0
_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)?(?: ([+-]\d{4}))?")


def _meaning(metric: str, metric_class: MetricClass, *, ruled: bool = True) -> Meaning:
    # Series without samples while nobody calls have not stopped, so they are scraped apart from
    # those that always have one.
    job = "answers" if metric_class is MetricClass.LATENCY else "pods"
    return Meaning(metric=metric, metric_class=metric_class, labels=(("job", job),), ruled=ruled)


_LATENCY, _WORKLOAD = "PodServerLatencyP90(s)", "PodWorkload(Ops)"
_MEANINGS = {
    "CpuUsage(m)": _meaning("pod_cpu_usage_millicores", MetricClass.CPU),
    "CpuUsageRate(%)": _meaning("pod_cpu_usage_percent", MetricClass.CPU, ruled=False),
    "MemoryUsage(Mi)": _meaning("pod_memory_usage_bytes", MetricClass.MEMORY),
    "MemoryUsageRate(%)": _meaning("pod_memory_usage_percent", MetricClass.MEMORY, ruled=False),
    "SyscallRead": _meaning("pod_kernel_reads", MetricClass.OTHER, ruled=False),
    "SyscallWrite": _meaning("pod_kernel_writes", MetricClass.OTHER, ruled=False),
    "NetworkReceiveBytes": _meaning("pod_network_receive_bytes_per_second", MetricClass.NETWORK),
    "NetworkTransmitBytes": _meaning("pod_network_transmit_bytes_per_second", MetricClass.NETWORK),
    "NetworkP90(ms)": _meaning("pod_network_round_trip_milliseconds", MetricClass.NETWORK),
    _LATENCY: _meaning("pod_server_latency_p90_seconds", MetricClass.LATENCY),
    _WORKLOAD: _meaning("pod_requests_per_second", MetricClass.TRAFFIC),
}
_FACTORS = {"MemoryUsage(Mi)": float(1 << 20)}
"""Left out: latency of the pod's own calls (that is others' time), higher quantiles, success rate
(0 throughout where we saw it), and the node's columns, since the node has no name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodTable:
    """One pod's day: times, and its columns by the set's names."""

    pod: str
    times_ms: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]

    @property
    def service(self) -> str:
        """The workload that the pod is one of."""
        return workload_of(self.pod)


def read_pods(folder: Path) -> list[PodTable]:
    """Read all pods' files of a day."""
    return [_read(path) for path in sorted(folder.glob(PATTERN))]


def measured_between(pods: list[PodTable], start_ms: int, end_ms: int) -> list[Measured]:
    """Return the samples of a time, under metric names that the engine knows how to read."""
    return [each for pod in pods for each in _measured(pod, start_ms, end_ms)]


def _measured(pod: PodTable, start_ms: int, end_ms: int) -> Iterator[Measured]:
    inside = (pod.times_ms >= start_ms) & (pod.times_ms < end_ms)
    workload = pod.values.get(_WORKLOAD)
    for name, values in pod.values.items():
        meaning = _MEANINGS[name]
        calls = workload[inside] * SCRAPE_SECONDS if workload is not None else None
        yield Measured(
            component=pod.service,
            meaning=replace(meaning, labels=labels_of({**dict(meaning.labels), "pod": pod.pod})),
            times_ms=pod.times_ms[inside],
            values=values[inside] * _FACTORS.get(name, 1.0),
            calls=calls if name == _LATENCY else None,
        )


def ruled_together(measured: list[Measured]) -> list[RuleSeries]:
    """Return what alert rules look at; pods of one scrape are seen at one time."""
    return [
        replace(each, times_ms=-(-each.times_ms // EVALUATE_MS) * EVALUATE_MS)
        for each in ruled(measured)
    ]


def utc_ms(text: str) -> int:
    """Read the set's ways to write a time: UTC, unless an offset follows the second.

    >>> utc_ms("2023-01-29 08:41:09.858280782 +0000 UTC m=+0.93"), utc_ms("2023-01-29 08:41:09")
    (1674981669000, 1674981669000)
    >>> utc_ms("2023-01-29 16:41:09.1 +0800 CST m=+0.93")
    1674981669000
    """
    match = _TIME.match(text)
    try:
        if match is not None:
            clock, offset = match[1], match[2] or "+0000"
            moment = datetime.strptime(f"{clock} {offset}", "%Y-%m-%d %H:%M:%S %z")
            return int(moment.timestamp()) * 1000
    except (ValueError, OverflowError):
        pass
    msg = f"nezha has the time {text[:60]!r}, expected one like 2023-01-29 08:41:09"
    raise LayoutError(msg)


def _read(path: Path) -> PodTable:
    with text_of(path) as file:
        # A row that was cut off while it was written has no time.
        rows = [row for row in csv.DictReader(file) if _TIME.match(row.get("Time") or "")]
    if not rows:
        msg = f"{path} has no rows with a column Time, so it is no metric file of nezha"
        raise LayoutError(msg)
    times = np.array([utc_ms(row["Time"]) for row in rows], np.int64)
    values = {name: _numbers(row.get(name) for row in rows) for name in _MEANINGS}
    known = {name: column for name, column in values.items() if np.nan_to_num(column).any()}
    pod = rows[0].get("PodName") or path.name.removesuffix("_metric.csv")
    return PodTable(pod=pod, times_ms=times, values=known)


def _numbers(texts: Iterator[str | None]) -> NDArray[np.float64]:
    found: list[float] = []
    for text in texts:
        try:
            found.append(float(text or "nan"))
        except ValueError:
            found.append(float("nan"))
    column = np.array(found, np.float64)
    return np.where(np.isfinite(column), column, np.nan)
