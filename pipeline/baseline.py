"""What is normal for one value that comes once a pane: a robust centre and scale, learnt online.

Used for every per-component and per-edge value of the engine; `pipeline/baseline_bank.py` is the
same arithmetic over arrays for the metric reducer. Invariant: an anomalous value teaches nothing,
until it has lasted so long that it is the new normal.
"""

from dataclasses import dataclass, field

Z_LIMIT = 1000.0
"""A z beyond it says nothing more and is cut, so that no sum or log of one is dominated by it."""

NORMAL_IQR = 1.349
"""Interquartile range of a standard normal: IQR / NORMAL_IQR estimates its deviation."""

NORMAL_MEAN_DEVIATION = 0.7979
"""Mean absolute deviation of a standard normal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineConfig:
    """How a baseline learns."""

    ring: int = field(
        default=32, metadata={"doc": "accepted pane values that median and IQR are taken of"}
    )
    warm_up: int = field(
        default=6, metadata={"doc": "accepted pane values before any z is given; until then z = 0"}
    )
    ewma_weight: float = field(
        default=0.02,
        metadata={"doc": "weight of the newest value in the moving mean and deviation"},
    )
    freeze_z: float = field(
        default=3.0, metadata={"doc": "a value with a larger |z| is anomalous and is not learnt"}
    )
    relearn_after_seconds: float = field(
        default=3600.0,
        metadata={"doc": "an anomaly that has lasted this long is learnt as the new normal"},
    )
    relative_floor: float = field(
        default=0.05, metadata={"doc": "the scale is at least this share of |centre|"}
    )
    absolute_floor: float = field(
        default=1e-3, metadata={"doc": "the scale is at least this, in the value's own unit"}
    )

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not 1 < self.warm_up <= self.ring:
            msg = (
                f"baseline.warm_up is {self.warm_up} with baseline.ring {self.ring};"
                " give 1 < warm_up <= ring."
            )
            raise ValueError(msg)
        if not 0 < self.ewma_weight <= 1:
            msg = f"baseline.ewma_weight is {self.ewma_weight}; give a share in (0, 1]."
            raise ValueError(msg)
        if self.relative_floor < 0 or self.absolute_floor <= 0:
            msg = (
                f"baseline.relative_floor is {self.relative_floor} and absolute_floor"
                f" {self.absolute_floor}; give a relative one >= 0 and an absolute one > 0."
            )
            raise ValueError(msg)


DEFAULT = BaselineConfig()


def widened(scale: float, count: int) -> float:
    """Widen a scale that rests on few values: by 1 + 4/n.

    >>> widened(1.0, 8), widened(1.0, 32)
    (1.5, 1.125)
    """
    return scale * (1.0 + 4.0 / count)


@dataclass(slots=True, kw_only=True)
class Baseline:
    """The learnt state of one value; plain fields, so that msgspec can write and read it.

    `center` is the ring's median; `scale` the largest of IQR / 1.349, the moving mean absolute
    deviation / 0.798 and the two floors, widened while few values are known. The moving deviation
    remembers unrest that has left the ring. `scale` is 0 during the warm-up.

    >>> b = Baseline()
    >>> for pane in range(20):
    ...     _ = b.update(100.0 + pane % 3, at_ms=pane * 30_000)
    >>> b.center, round(b.z(101.0), 1), b.z(200.0) > 15
    (101.0, 0.0, True)
    """

    values: list[float] = field(default_factory=list)
    mean: float = 0.0
    deviation: float = 0.0
    center: float = 0.0
    scale: float = 0.0
    frozen_since_ms: int = -1

    @property
    def ready(self) -> bool:
        """Say whether the warm-up is over."""
        return self.scale > 0.0

    def z(self, value: float) -> float:
        """Return the signed robust z of a value; 0 during the warm-up."""
        if self.scale <= 0.0:
            return 0.0
        return max(-Z_LIMIT, min(Z_LIMIT, (value - self.center) / self.scale))

    def update(self, value: float, at_ms: int, config: BaselineConfig = DEFAULT) -> float:
        """Learn one pane's value unless it is anomalous; return the z it had before.

        Args:
            value: The pane's value.
            at_ms: Start of the pane, for the length of an anomaly.
            config: How to learn; the same one for the life of the baseline.
        """
        z = self.z(value)
        if abs(z) <= config.freeze_z:
            self.frozen_since_ms = -1
        elif self.frozen_since_ms < 0:
            self.frozen_since_ms = at_ms
        lasted_ms = at_ms - self.frozen_since_ms
        if self.frozen_since_ms < 0 or lasted_ms >= config.relearn_after_seconds * 1000:
            self._learn(value, config)
        return z

    def _learn(self, value: float, config: BaselineConfig) -> None:
        known = len(self.values)
        if known == 0:
            self.mean = value
        # The first values are averaged evenly, or the very first would weigh for long.
        weight = max(config.ewma_weight, 1.0 / (known + 1))
        self.deviation += weight * (abs(value - self.mean) - self.deviation)
        self.mean += weight * (value - self.mean)
        self.values.append(value)
        if known == config.ring:
            del self.values[0]
        if len(self.values) >= config.warm_up:
            self._settle(config)

    def _settle(self, config: BaselineConfig) -> None:
        ordered = sorted(self.values)
        self.center = _quantile(ordered, 0.5)
        iqr = _quantile(ordered, 0.75) - _quantile(ordered, 0.25)
        scale = max(iqr / NORMAL_IQR, self.deviation / NORMAL_MEAN_DEVIATION)
        floor = max(config.relative_floor * abs(self.center), config.absolute_floor)
        self.scale = max(widened(scale, len(ordered)), floor)


def _quantile(ordered: list[float], q: float) -> float:
    at = q * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)
