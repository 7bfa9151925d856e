"""What a component's metrics say within a frame, from the anomalous series that REDUCE sent.

A series that was never sent never left its baseline; that is known because the component was
sighted with its metric classes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.frame import peak
from pipeline.metric_class import classify
from pipeline.metric_meaning import Direction, MetricClass
from schemas.signal import SeriesPane

LEFT_BASELINE_Z = 3.0
_Z_CAP = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesReading:
    """One series over the window: its z turned so that positive is bad, and where it began."""

    series_id: str
    metric: str
    metric_class: str
    holder: str
    z: tuple[float | None, ...]
    peak_z: float
    value: float
    center: float
    onset_ms: int | None
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds most of a shared resource: its share now, and how it grew (factor)."""

    name: str
    share: float
    growth: float
    series_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricReading:
    """All series of one component; `z` by metric class, signed only for traffic."""

    series: tuple[SeriesReading, ...] = ()
    z: Mapping[str, float] = field(default_factory=dict)
    persistence: float = 0.0
    onset_ms: int | None = None
    pool_usage: float | None = None
    pool_series: str = ""
    holder: Holder | None = None
    stale_share: float = 0.0
    restarts: float = 0.0

    @property
    def worst_z(self) -> float:
        """Largest bad z over the classes; traffic alone makes nobody anomalous."""
        return max((z for c, z in self.z.items() if c != "traffic"), default=0.0)

    def worst_of(self, metric_class: str) -> SeriesReading | None:
        """Return the series of a class that left its baseline furthest."""
        of_class = [s for s in self.series if s.metric_class == metric_class]
        return max(of_class, key=lambda s: (s.peak_z, s.series_id), default=None)


def read_metrics(
    rows: Mapping[str, Sequence[SeriesPane | None]], *, starts: range, pane_seconds: float
) -> MetricReading:
    """Read one component's series rows (by series id, panes at `starts`)."""
    series = [_read_series(i, row, starts) for i, row in sorted(rows.items()) if any(row)]
    if not series:
        return MetricReading()
    bad = [
        any(s.z[i] is not None and (s.z[i] or 0.0) > LEFT_BASELINE_Z for s in series)
        for i in range(len(starts))
    ]
    z: dict[str, float] = {}
    for s in series:
        if s.metric_class not in z or _worse(s.metric_class, s.peak_z, z[s.metric_class]):
            z[s.metric_class] = s.peak_z
    pool = max(
        (s for s in series if s.metric_class == "pool" and "/" in s.metric),
        key=lambda s: (s.value, s.series_id),
        default=None,
    )
    return MetricReading(
        series=tuple(series),
        z=z,
        persistence=sum(bad) / len(bad),
        onset_ms=min((s.onset_ms for s in series if s.onset_ms is not None), default=None),
        pool_usage=pool.value if pool else None,
        pool_series=pool.series_id if pool else "",
        holder=_holder(series),
        stale_share=sum(s.stale for s in series) / len(series),
        restarts=sum(
            _increase(rows[s.series_id], pane_seconds)
            for s in series
            if s.metric_class == "restarts"
        ),
    )


def _worse(metric_class: str, one: float, other: float) -> bool:
    """Traffic may be bad either way; of every other class the positive side is the bad one."""
    if metric_class == MetricClass.TRAFFIC:
        return abs(one) > abs(other)
    return one > other


def _read_series(series_id: str, row: Sequence[SeriesPane | None], starts: range) -> SeriesReading:
    panes = [p for p in row if p is not None]
    last = panes[-1]
    direction = _direction(last)
    z = tuple(None if p is None else _turn(p.z, direction) for p in row)
    known = [value for value in z if value is not None]
    signed_peak = peak(known) if direction is not Direction.BOTH else _signed_peak(row)
    return SeriesReading(
        series_id=series_id,
        metric=last.metric,
        metric_class=last.metric_class,
        holder=last.holder,
        z=z,
        peak_z=signed_peak,
        value=max((p.value for p in panes if not math.isnan(p.value)), default=0.0),
        center=last.center,
        onset_ms=_onset(z, starts),
        stale=last.stale,
    )


def _direction(pane: SeriesPane) -> Direction:
    """Which way is bad. Labels may have decided the class (code="500"), so that goes first."""
    meaning = classify(pane.metric, ())
    if meaning is not None and meaning.metric_class.value == pane.metric_class:
        return meaning.direction
    if pane.metric_class in {MetricClass.AVAILABILITY, MetricClass.CERTIFICATE}:
        return Direction.DOWN
    return Direction.BOTH if pane.metric_class == MetricClass.TRAFFIC else Direction.UP


def _turn(z: float, direction: Direction) -> float:
    """Make positive mean bad, and keep one wild value from hiding all others."""
    turned = {Direction.UP: z, Direction.DOWN: -z, Direction.BOTH: abs(z)}[direction]
    return max(-_Z_CAP, min(_Z_CAP, turned))


def _signed_peak(row: Sequence[SeriesPane | None]) -> float:
    values = [max(-_Z_CAP, min(_Z_CAP, p.z)) for p in row if p is not None]
    up, down = peak(values), peak([-v for v in values])
    return up if up >= down else -down


def _onset(z: Sequence[float | None], starts: range) -> int | None:
    """Start of the first pane beyond the baseline whose next known pane is beyond it too."""
    known = [(s, v) for s, v in zip(starts, z, strict=True) if v is not None]
    for (start, value), following in zip(known, [*known[1:], None], strict=True):
        if value > LEFT_BASELINE_Z and (following is None or following[1] > LEFT_BASELINE_Z):
            return start
    return None


def _holder(series: Sequence[SeriesReading]) -> Holder | None:
    """Of the per-client series, the client that holds most, among those of one metric."""
    best: Holder | None = None
    for metric in sorted({s.metric for s in series if s.holder}):
        held = [s for s in series if s.holder and s.metric == metric]
        total = sum(s.value for s in held)
        top = max(held, key=lambda s: (s.value, s.holder))
        if total <= 0:
            continue
        growth = (top.value + 1.0) / (max(top.center, 0.0) + 1.0)
        found = Holder(
            name=top.holder, share=top.value / total, growth=growth, series_id=top.series_id
        )
        if best is None or found.growth > best.growth:
            best = found
    return best


def _increase(row: Sequence[SeriesPane | None], pane_seconds: float) -> float:
    """Total increase of a counter over its panes (values are rates per second)."""
    return sum(
        max(0.0, p.value) * pane_seconds for p in row if p is not None and p.value == p.value
    )
