"""Baselines of many series as arrays: the arithmetic of pipeline/baseline.py, a slot a series.

Invariant: slot by slot it gives the same centre, scale and z as a `Baseline` fed the same values
(rings are held in single precision, so to about seven digits).
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline import NORMAL_IQR, NORMAL_MEAN_DEVIATION, Z_LIMIT, BaselineConfig

Slots = NDArray[np.int64]
Values = NDArray[np.float64]


class BaselineBank:
    """The learnt states of `capacity` series; every call takes distinct slots."""

    COLUMNS = ("ring", "known", "mean", "deviation", "center", "scale", "frozen_ms", "floor")

    def __init__(self, config: BaselineConfig, capacity: int) -> None:
        self._config = config
        self.ring = np.zeros((capacity, config.ring), np.float32)
        self.known = np.zeros(capacity, np.int64)
        self.mean = np.zeros(capacity, np.float64)
        self.deviation = np.zeros(capacity, np.float64)
        self.center = np.zeros(capacity, np.float64)
        self.scale = np.zeros(capacity, np.float64)
        self.frozen_ms = np.full(capacity, -1, np.int64)
        self.floor = np.zeros(capacity, np.float64)

    def grow(self, capacity: int) -> None:
        """Make room up to `capacity` slots, keeping what is known."""
        larger = BaselineBank(self._config, capacity)
        for name in self.COLUMNS:
            old = getattr(self, name)
            new = getattr(larger, name)
            new[: len(old)] = old
            setattr(self, name, new)

    def reset(self, slot: int, floor: float) -> None:
        """Give a slot to a new series whose scale is at least `floor`."""
        self.known[slot] = 0
        self.mean[slot] = self.deviation[slot] = self.center[slot] = self.scale[slot] = 0.0
        self.frozen_ms[slot] = -1
        self.floor[slot] = floor

    def pin(self, slot: int, center: float, scale: float) -> None:
        """Give a slot a normal that is known beforehand and never learnt."""
        self.center[slot] = center
        self.scale[slot] = scale
        self.known[slot] = -1

    def z(self, slots: Slots, values: Values) -> Values:
        """Return the signed robust z of one value per slot; 0 during the warm-up."""
        scale = self.scale[slots]
        ready = scale > 0
        raw = (values - self.center[slots]) / np.where(ready, scale, 1.0)
        return np.where(ready, np.clip(raw, -Z_LIMIT, Z_LIMIT), 0.0)

    def update(self, slots: Slots, values: Values, at_ms: NDArray[np.int64]) -> None:
        """Learn one pane's value per slot, except where it is anomalous."""
        config = self._config
        normal = np.abs(self.z(slots, values)) <= config.freeze_z
        since = self.frozen_ms[slots]
        since = np.where(normal, -1, np.where(since < 0, at_ms, since))
        self.frozen_ms[slots] = since
        lasted = at_ms - since >= config.relearn_after_seconds * 1000
        accepted = (normal | lasted) & (self.known[slots] >= 0)
        if accepted.any():
            self._learn(slots[accepted], values[accepted])

    def _learn(self, slots: Slots, values: Values) -> None:
        config = self._config
        known = self.known[slots]
        mean = np.where(known == 0, values, self.mean[slots])
        weight = np.maximum(config.ewma_weight, 1.0 / (np.minimum(known, config.ring) + 1))
        deviation = self.deviation[slots]
        self.deviation[slots] = deviation + weight * (np.abs(values - mean) - deviation)
        self.mean[slots] = mean + weight * (values - mean)
        self.ring[slots, known % config.ring] = values
        self.known[slots] = known + 1
        warm = slots[known + 1 >= config.warm_up]
        # Rings that are equally full share a sort; all but new series are full.
        for count in np.unique(np.minimum(self.known[warm], config.ring)).tolist():
            self._settle(warm[np.minimum(self.known[warm], config.ring) == count], count)

    def _settle(self, slots: Slots, count: int) -> None:
        config = self._config
        ordered = np.sort(self.ring[slots, :count], axis=1).astype(np.float64)
        center = _quantile(ordered, 0.5)
        iqr = _quantile(ordered, 0.75) - _quantile(ordered, 0.25)
        scale = np.maximum(iqr / NORMAL_IQR, self.deviation[slots] / NORMAL_MEAN_DEVIATION)
        floor = np.maximum(config.relative_floor * np.abs(center), self.floor[slots])
        self.center[slots] = center
        self.scale[slots] = np.maximum(scale * (1.0 + 4.0 / count), floor)


def _quantile(ordered: Values, q: float) -> Values:
    at = q * (ordered.shape[1] - 1)
    low = int(at)
    high = min(low + 1, ordered.shape[1] - 1)
    result: Values = ordered[:, low] + (ordered[:, high] - ordered[:, low]) * (at - low)
    return result
