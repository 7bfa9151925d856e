"""Makes a baseline's case of a recording: the question's candidates, raw telemetry, calls, alerts.

Everything is cut at the same onset and end as the ranker's question.
"""

from dataclasses import dataclass, replace

from agents.evaluation.alerts import SeenAlert, counted, seen_alerts
from agents.evaluation.asked import ScoresByBaseline
from agents.evaluation.raw_series import Cut, raw_series
from agents.evaluation.raw_traces import (
    RawTraces,
    edges_of,
    latency_series,
    raw_traces,
    visits_of,
)
from agents.offline import OfflineConfig
from models.baselines.case import BaselineCase, RawSeries
from models.baselines.rules import RULES
from pipeline.graph_files import graph_edges
from schemas.candidate import Question
from schemas.recording import Recording
from schemas.resolve import Resolver

LONGEST_BEFORE_MS = 3_600_000
LONGEST_AFTER_MS = 600_000
_LEAD_MS = 60_000
"""Alerts that began this long before the onset still belong to it, as the engine has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """A recording taken apart once for all its windows."""

    recording: Recording
    resolver: Resolver
    alerts: list[SeenAlert]
    traces: RawTraces | None
    edges: tuple[tuple[str, str], ...]


def telemetry_of(recording: Recording, config: OfflineConfig) -> Telemetry:
    """Take a recording apart."""
    resolver = Resolver(replace(config.resolver, environment=recording.environment))
    spans = recording.spans
    traces = raw_traces(spans, resolver) if spans is not None and len(spans) else None
    edges = edges_of(traces) if traces is not None else set()
    if recording.graph is not None:
        declared = graph_edges(recording.graph, source="file:graph.json")
        edges |= {(e.caller.name, e.callee.name) for e in declared}
    return Telemetry(
        recording=recording,
        resolver=resolver,
        alerts=seen_alerts(recording, resolver),
        traces=traces,
        edges=tuple(sorted(edges)),
    )


def baseline_case(
    telemetry: Telemetry, question: Question, *, onset_ms: int, until_ms: int, symptom: str = ""
) -> BaselineCase:
    """Cut a recording at an onset for the candidates of a question."""
    recording = telemetry.recording
    cut = Cut(
        start_ms=max(recording.start_ms, onset_ms - LONGEST_BEFORE_MS),
        onset_ms=onset_ms,
        until_ms=min(until_ms, onset_ms + LONGEST_AFTER_MS),
    )
    alerts = counted(telemetry.alerts, onset_ms - _LEAD_MS, cut.until_ms)
    return BaselineCase(
        candidates=tuple(c.component.name for c in question.candidates),
        series=tuple(_series(telemetry, cut)),
        visits=visits_of(telemetry.traces, cut) if telemetry.traces is not None else None,
        alerts=alerts,
        edges=telemetry.edges,
        symptoms=(symptom,) if symptom else tuple(n for n, c in alerts.items() if c.alerts),
    )


def rule_scores(case: BaselineCase) -> ScoresByBaseline:
    """Score the candidates by every baseline that needs no other case."""
    found: dict[str, tuple[float, ...] | None] = {}
    for name, baseline in RULES.items():
        scores = baseline(case)
        found[name] = tuple(scores[c] for c in case.candidates) if scores is not None else None
    return found


def _series(telemetry: Telemetry, cut: Cut) -> list[RawSeries]:
    metrics = telemetry.recording.metrics
    series = raw_series(metrics, telemetry.resolver, cut) if metrics is not None else []
    if telemetry.traces is not None and not any(s.metric_class == "latency" for s in series):
        series += latency_series(telemetry.traces, cut)
    return series
