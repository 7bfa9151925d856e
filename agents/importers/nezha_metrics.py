"""Nezha's pod metrics: a file a pod for the whole day, a sample a minute.

Invariant: times are those of the column `Time`; the column `TimeStamp` is wrong on some days.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.importers.errors import LayoutError
from agents.importers.rule_pack import RuleSeries
from agents.importers.series import Column
from pipeline.metric_class import classify
from pipeline.metric_meaning import MetricClass
from schemas.resolve_names import workload_of
from schemas.telemetry import labels_of

PATTERN = "*_metric.csv"
RULE_STEP_MS = 15_000
"""Pods are scraped within a second; rules see them at the next of these."""
_SECOND = len("2023-01-29 08:41:09")
_RULED = (
    MetricClass.LATENCY,
    MetricClass.TRAFFIC,
    MetricClass.CPU,
    MetricClass.MEMORY,
    MetricClass.NETWORK,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """How a column is called here; `group` names the series that come and go together."""

    metric: str
    factor: float = 1.0
    group: str = "resources"


_READINGS = {
    "CpuUsage(m)": _Reading(metric="pod_cpu_usage_millicores"),
    "CpuUsageRate(%)": _Reading(metric="pod_cpu_usage_percent"),
    "MemoryUsage(Mi)": _Reading(metric="pod_memory_usage_bytes", factor=float(1 << 20)),
    "MemoryUsageRate(%)": _Reading(metric="pod_memory_usage_percent"),
    "SyscallRead": _Reading(metric="pod_syscalls_read"),
    "SyscallWrite": _Reading(metric="pod_syscalls_write"),
    "NetworkReceiveBytes": _Reading(metric="pod_network_receive_bytes_per_second"),
    "NetworkTransmitBytes": _Reading(metric="pod_network_transmit_bytes_per_second"),
    "NetworkP90(ms)": _Reading(metric="pod_network_round_trip_milliseconds", group="network"),
    "PodServerLatencyP90(s)": _Reading(metric="pod_server_latency_p90_seconds", group="answers"),
    "PodWorkload(Ops)": _Reading(metric="pod_requests_per_second"),
}
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


def columns_between(pods: list[PodTable], start_ms: int, end_ms: int) -> Iterator[Column]:
    """Yield the samples of a time, under metric names that the engine knows how to read."""
    for pod in pods:
        inside = (pod.times_ms >= start_ms) & (pod.times_ms < end_ms)
        for name, values in pod.values.items():
            reading = _READINGS[name]
            # Series without samples while nobody calls have not stopped, so they are scraped
            # apart from those that always have one.
            labels = labels_of({"pod": pod.pod, "job": reading.group})
            yield Column(
                component=pod.service,
                metric=reading.metric,
                times_ms=pod.times_ms[inside],
                values=values[inside] * reading.factor,
                labels=labels,
            )


def ruled(columns: list[Column]) -> Iterator[RuleSeries]:
    """Yield those of the columns that alert rules look at, pods of one scrape at one time."""
    for column in columns:
        metric_class = classify(column.metric, column.labels).metric_class
        if metric_class in _RULED and len(column.times_ms):
            yield RuleSeries(
                component=column.component,
                metric_class=metric_class,
                times_ms=-(-column.times_ms // RULE_STEP_MS) * RULE_STEP_MS,
                values=column.values,
            )


def utc_ms(text: str) -> int:
    """Read the set's way to write a time: UTC, whatever follows the second.

    >>> utc_ms("2023-01-29 08:41:09.858280782 +0000 UTC m=+0.93")
    1674981669000
    """
    try:
        moment = datetime.fromisoformat(text[:_SECOND]).replace(tzinfo=UTC)
    except ValueError as error:
        msg = f"nezha has the time {text!r}, expected one like 2023-01-29 08:41:09"
        raise LayoutError(msg) from error
    return int(moment.timestamp()) * 1000


def _read(path: Path) -> PodTable:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or "Time" not in rows[0]:
        msg = f"{path} has no rows with a column Time, so it is no metric file of nezha"
        raise LayoutError(msg)
    times = np.array([utc_ms(row["Time"]) for row in rows], np.int64)
    values = {name: _numbers(row.get(name) for row in rows) for name in _READINGS}
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
