"""Signals: what REDUCE makes of the heavy streams and hands to CORRELATE, keyed by environment.

Telemetry signals are *totals so far* of one source for one pane, not increments: a repeat or an
older copy changes nothing (the one with the larger count stands), so redelivery is harmless.
"""

from dataclasses import dataclass
from typing import Literal

from schemas.alert import Alert
from schemas.change import Change
from schemas.component import Component

Sketch = tuple[tuple[int, int], ...]
"""Latency histogram: (log bucket, count), sorted by bucket. See pipeline/sketch.py."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemplar:
    """One span worth looking at: the slowest or a failed one of its pane."""

    trace_id: str
    span_id: str
    operation: str
    start_ms: int
    duration_ms: float
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePane:
    """What one component served in [start_ms, start_ms + pane): its SERVER and CONSUMER spans.

    `self_ms` is time in its own spans not covered by calls to others; `wait_ms` time in INTERNAL
    spans that wait for a pool or a lock; `origin_errors` failed spans without a failed child.
    """

    component: Component
    start_ms: int
    count: int
    errors: int = 0
    origin_errors: int = 0
    duration_ms: float = 0.0
    self_ms: float = 0.0
    wait_ms: float = 0.0
    sketch: Sketch = ()
    exemplars: tuple[Exemplar, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementTotal:
    """One normalised database statement or operation within an edge pane."""

    text: str
    count: int
    duration_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgePane:
    """What one caller saw of one callee in [start_ms, start_ms + pane): its CLIENT/PRODUCER spans.

    `duration_ms` / pane length is the mean number of calls in flight (Little's law): who holds a
    pool. `parents` counts distinct parent spans, so `count / parents` shows retries. `served`
    counts calls whose server span was seen too.

    Of the caller's requests whose operation is known well enough, by the pane in which they end:
    `expected` is how many usually go on to this callee, `made` how many did; `broke` counts those
    that lack a call they always make and called this callee last. `count` may be 0 then.
    """

    caller: Component
    callee: Component
    start_ms: int
    count: int
    errors: int = 0
    timeouts: int = 0
    refused: int = 0
    tls_errors: int = 0
    duration_ms: float = 0.0
    parents: int = 0
    served: int = 0
    expected: float = 0.0
    made: int = 0
    broke: int = 0
    sketch: Sketch = ()
    statements: tuple[StatementTotal, ...] = ()
    exemplars: tuple[Exemplar, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPane:
    """One anomalous (or lately anomalous) metric series in one pane, against its own baseline.

    `value` is the mean of the pane (a rate per second for counters); `z` is signed,
    (value - center) / scale with the frozen robust baseline; `stale` says that the series stopped.
    `metric_class` is from the closed set of pipeline/metric_class.py; `holder` names who holds a
    shared resource where the series says so (a database user, a client application).
    """

    component: Component
    series_id: str
    metric: str
    metric_class: str
    holder: str = ""
    start_ms: int
    samples: int
    value: float
    center: float
    scale: float
    z: float
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A component was seen: which metric classes it reports, and what it runs on."""

    component: Component
    metric_classes: tuple[str, ...] = ()
    has_spans: bool = False
    runs_on: tuple[Component, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEdge:
    """A declared or measured edge caller -> callee that came without spans.

    From servicegraph metrics or from a file.
    """

    caller: Component
    callee: Component
    source: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetrySignal:
    """What one reducer saw: totals so far of the panes that changed since it last spoke."""

    type: Literal["telemetry"] = "telemetry"
    source: str
    observed_ms: int
    services: tuple[ServicePane, ...] = ()
    edges: tuple[EdgePane, ...] = ()
    series: tuple[SeriesPane, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    declared: tuple[GraphEdge, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSignal:
    """One alert with its component found; `route` says how (which label or rule)."""

    type: Literal["alert"] = "alert"
    alert: Alert
    component: Component
    route: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSignal:
    """One change with its component found."""

    type: Literal["change"] = "change"
    change: Change
    component: Component


@dataclass(frozen=True, slots=True, kw_only=True)
class TickSignal:
    """Nothing happened up to `observed_ms`: lets event time pass when all sources are silent."""

    type: Literal["tick"] = "tick"
    observed_ms: int


Signal = AlertSignal | ChangeSignal | TelemetrySignal | TickSignal
