"""What a baseline gets: the same candidates as the ranker, and the raw telemetry around the onset.

A baseline is a function BaselineCase -> {candidate: score} (higher is likelier), or None where the
case has nothing of what it reads. It sees no truth and knows nothing of other cases.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Scores = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSeries:
    """One series of a candidate as samples before and after the onset, counters as rates.

    `metric_class` is a word of ours (latency, cpu, ...); `quantile` marks a p90-like latency.
    """

    component: str
    metric_class: str
    before: Array
    after: Array
    quantile: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """In how many bad and good traces after the onset each component took part."""

    bad: Mapping[str, int]
    good: Mapping[str, int]
    all_bad: int
    all_good: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCount:
    """Alerts on one component in the window; `kinds` counts them by what they speak of.

    The caller chooses the kinds, the same ones in the same order for every component and case.
    """

    alerts: int
    kinds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineCase:
    """One case. `series`, `visits` and `alerts` are empty or None where there is no such data.

    `edges` point caller -> callee; `symptoms` are where trouble was seen.
    """

    candidates: tuple[str, ...]
    series: tuple[RawSeries, ...] = ()
    visits: Visits | None = None
    alerts: Mapping[str, AlertCount] = field(default_factory=dict)
    edges: tuple[tuple[str, str], ...] = ()
    symptoms: tuple[str, ...] = ()


Baseline = Callable[[BaselineCase], Scores | None]
