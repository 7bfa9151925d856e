"""What a set measured, once for both uses: samples of the recording, and the rules' series."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.importers.rule_pack import RuleSeries, derive_alerts
from agents.importers.series import Column, batch_of
from pipeline.metric_meaning import MetricClass
from schemas.recording import Message
from schemas.telemetry import Labels, MetricBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """Under which name and class something is imported, so that the engine reads it as it is.

    `ruled` says whether the rules look at it; what is the same seen twice is ruled once.
    """

    metric: str
    metric_class: MetricClass
    labels: Labels = ()
    unit: str = ""
    ruled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One series of one component; units, and `calls`, as `RuleSeries` has them."""

    component: str
    meaning: Meaning
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    calls: NDArray[np.float64] | None = None


def samples_of(measured: Sequence[Measured]) -> MetricBatch:
    """Return the samples of a recording."""
    return batch_of(
        [
            Column(
                component=each.component,
                metric=each.meaning.metric,
                times_ms=each.times_ms,
                values=each.values,
                labels=each.meaning.labels,
                unit=each.meaning.unit,
            )
            for each in measured
        ]
    )


def ruled(measured: Sequence[Measured]) -> list[RuleSeries]:
    """Return the series that the rules look at, as they want them."""
    return [
        RuleSeries(
            component=each.component,
            metric_class=each.meaning.metric_class,
            times_ms=each.times_ms,
            values=each.values,
            calls=each.calls,
        )
        for each in measured
        if each.meaning.ruled and len(each.times_ms)
    ]


def alerts_of(measured: Sequence[Measured], *, start_ms: int, end_ms: int) -> tuple[Message, ...]:
    """Return what the rules say of the same series."""
    return derive_alerts(ruled(measured), start_ms=start_ms, end_ms=end_ms)
