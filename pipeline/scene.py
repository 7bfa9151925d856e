"""The scene of one evaluation: readings of any component or edge, each computed once.

Everything that judges (grouping, measures, evidence, metrics, traces) looks through a Scene, so
all of them see the same window against the same past.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.config import EvidenceConfig
from pipeline.edge_reading import EdgeReading, read_edge
from pipeline.frame import Frame
from pipeline.metric_reading import MetricReading, read_metrics
from pipeline.pane_store import PaneStore
from pipeline.service_graph import ServiceGraph
from pipeline.service_reading import ServiceReading, read_service
from schemas.component import ComponentKind

_SETTLE_MS = 10_000
"""A pane may still fill for this long after its end; before that it cannot show silence."""
_SILENT = -1.6
"""ln(0.2): fewer than a fifth of the usual requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether a component left its baseline, is silent, or cannot be seen at all."""

    anomalous: bool
    silent: bool
    instrumented: bool
    severity: float
    onset_ms: int | None

    @property
    def is_passable(self) -> bool:
        """Whether a topology path may lead through it: anomalous, silent or not seen."""
        return self.anomalous or self.silent or not self.instrumented


class Scene:
    """Readings at one frame, memoised; nothing here changes the store or the graph.

    What alerts is asked anew each time (`is_alerting`): it changes with every alert, and no
    reading depends on it.
    """

    def __init__(
        self,
        *,
        frame: Frame,
        store: PaneStore,
        graph: ServiceGraph,
        alerting: Callable[[str], bool],
        config: EvidenceConfig,
    ) -> None:
        self.frame = frame
        self.graph = graph
        self.is_alerting = alerting
        self.config = config
        self._store = store
        self._services: dict[str, ServiceReading | None] = {}
        self._edges: dict[tuple[str, str], EdgeReading | None] = {}
        self._metrics: dict[str, MetricReading] = {}
        self._health: dict[str, Health] = {}
        settled_until = frame.now_ms - store.pane_ms - _SETTLE_MS
        # After the newest span of all, nobody's silence says anything; its pane may be a part.
        settled_until = min(settled_until, store.newest_span_ms - store.pane_ms)
        self._settled = sum(start <= settled_until for start in frame.window)

    def service(self, name: str) -> ServiceReading | None:
        """Read the component's own spans."""
        if name not in self._services:
            self._services[name] = read_service(
                self._store.services.row(name, self.frame.window),
                self._store.services.row(name, self.frame.baseline),
                starts=self.frame.window,
                settled=self._settled,
            )
        return self._services[name]

    def edge(self, caller: str, callee: str) -> EdgeReading | None:
        """Read the calls from one component to another."""
        key = (caller, callee)
        if key not in self._edges:
            self._edges[key] = read_edge(
                caller,
                callee,
                window=self._store.edges.row(key, self.frame.window),
                baseline=self._store.edges.row(key, self.frame.baseline),
                pane_ms=self._store.pane_ms,
                settled=self._settled,
            )
        return self._edges[key]

    def edges_into(self, name: str) -> list[EdgeReading]:
        """Read all calls to the component."""
        read = (self.edge(caller, name) for caller in self.graph.callers(name))
        return [r for r in read if r is not None]

    def edges_out(self, name: str) -> list[EdgeReading]:
        """Read all calls that the component makes."""
        read = (self.edge(name, callee) for callee in self.graph.callees(name))
        return [r for r in read if r is not None]

    def metrics(self, name: str) -> MetricReading:
        """Read the component's anomalous metrics."""
        if name not in self._metrics:
            rows = {
                series_id: self._store.series.row(series_id, self.frame.window)
                for series_id in self._store.series_ids(name)
            }
            self._metrics[name] = read_metrics(
                rows, starts=self.frame.window, pane_seconds=self._store.pane_ms / 1000
            )
        return self._metrics[name]

    def metric_classes(self, name: str) -> tuple[str, ...]:
        """Return the metric classes that the component reports at all."""
        sighting = self._store.sightings.get(name)
        return sighting.metric_classes if sighting else ()

    def is_instrumented(self, name: str) -> bool:
        """Whether the component sends anything, or somebody's calls to it are seen."""
        return (
            name in self._store.sightings
            or name in self._store.services
            or any(True for _ in self.edges_into(name))
        )

    def residents(self, node: str) -> list[str]:
        """Return what runs on a node."""
        return [n for n in self.graph.callers(node) if self.graph.runs_on(n, node)]

    def health(self, name: str) -> Health:
        """Judge one component."""
        if name not in self._health:
            self._health[name] = self._judge(name)
        return self._health[name]

    def _judge(self, name: str) -> Health:
        service, metrics = self.service(name), self.metrics(name)
        silent = self.is_silent(name)
        severity = metrics.worst_z / self.config.anomaly_z
        spans = self.span_severity(name)
        if spans is not None:
            severity = max(severity, spans)
        onsets = [metrics.onset_ms if metrics.worst_z >= self.config.anomaly_z else None]
        onsets.append(service.onset_ms if service is not None else None)
        return Health(
            anomalous=severity > 1.0 or silent,
            silent=silent,
            instrumented=self.is_instrumented(name),
            severity=severity,
            onset_ms=min((o for o in onsets if o is not None), default=None),
        )

    def span_severity(self, name: str) -> float | None:
        """Judge it by its own spans and the calls into it; 1 is anomalous, None is none seen."""
        service = self.service(name)
        scores = [1.01 + e.error_excess for e in self.edges_into(name) if e.is_anomalous]
        if service is not None:
            slower_ms = service.latency_ms - service.baseline_latency_ms
            scores.append(service.error_excess / 0.05 * 0.999)
            scores.append(service.latency_ratio / 0.69 if slower_ms > 5.0 else 0.0)
        return max(scores, default=None)

    def is_silent(self, name: str) -> bool:
        """Whether it stopped serving although it is still called, or stopped reporting."""
        return self.stopped_serving(name) or self.metrics(name).stale_share > 0.5

    def stopped_serving(self, name: str) -> bool:
        """Whether it served a fifth of the usual requests or less while it was still called."""
        service = self.service(name)
        return service is not None and service.served_ratio < _SILENT and self.is_called(name)

    def is_called(self, name: str) -> bool:
        """Whether some caller went on calling in the panes in which it served least.

        One that nobody is known to call gets the benefit of the doubt.
        """
        service, into = self.service(name), self.edges_into(name)
        if service is None or not into:
            return True
        return any(edge.calls_on(service.quietest) for edge in into)

    def is_node(self, name: str) -> bool:
        """Whether the component is a machine."""
        return self.graph.kind(name) is ComponentKind.NODE
