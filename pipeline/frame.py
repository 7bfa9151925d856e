"""The time frame of one evaluation: the window that is read and the past it is compared with."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.config import EvidenceConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Pane starts of window and baseline, oldest first.

    `first_ms` is the first alert's start: the past ends a little before it, so that what led to
    the alert does not count as normal.
    """

    now_ms: int
    first_ms: int
    window: range
    baseline: range


def frame_at(now_ms: int, first_ms: int, *, config: EvidenceConfig) -> Frame:
    """Lay the frame for an incident whose first alert started at `first_ms`.

    The window is the last `window_seconds`, but begins no earlier than where the past ends.
    """
    pane = config.pane_seconds * 1000
    past_end = min(now_ms, first_ms) - int(config.baseline_gap_seconds * 1000)
    past_end -= past_end % pane
    window_start = now_ms - int(config.window_seconds * 1000)
    window_start = max(past_end, window_start - window_start % pane)
    return Frame(
        now_ms=now_ms,
        first_ms=first_ms,
        window=range(window_start, now_ms, pane),
        baseline=range(past_end - int(config.baseline_seconds * 1000), past_end, pane),
    )


def robust(values: Sequence[float]) -> tuple[float, float]:
    """Return the median and the interquartile range as a standard deviation (IQR / 1.349).

    >>> robust([1.0, 2.0, 3.0, 4.0, 100.0])
    (3.0, 1.4825796886582654)
    """
    low, center, high = np.percentile(np.asarray(values, dtype=np.float64), [25, 50, 75])
    return float(center), float(high - low) / 1.349


def log_ratio(now: float, before: float, *, floor: float) -> float:
    """Return ln((now + floor) / (before + floor)); the floor keeps tiny numbers from exploding.

    >>> round(log_ratio(8.2, 0.12, floor=0.001), 2)
    4.22
    """
    return math.log((max(now, 0.0) + floor) / (max(before, 0.0) + floor))


def peak(values: Sequence[float]) -> float:
    """Return the mean of the two largest values: one odd pane makes no anomaly, two do.

    >>> peak([0.0, 4.0, 2.0])
    3.0
    """
    if not values:
        return 0.0
    top = sorted(values)[-2:]
    return sum(top) / len(top)
