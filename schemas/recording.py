"""A recording: what happened in one environment over a while, and, where known, what was wrong.

Simulator, benchmarks, captured topics and tests all speak it, so whatever can be recorded can be
replayed, evaluated and turned into a case. On disk it is a folder (docs/RECORDINGS.md):
`recording.json`, `alerts.jsonl`, `changes.jsonl`, `diagnostics.jsonl`, `metrics.npz`,
`spans.npz`, `graph.json`, `truth.json`; files that would be empty are left out.
"""

from dataclasses import dataclass, field
from typing import Any

from schemas.telemetry import MetricBatch, SpanBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One wire message as a producer sent it: when it arrived and its bytes (JSON)."""

    arrived_ms: int
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One labelled fault: where it was, what it was, from when to when."""

    component: str
    pattern: str
    start_ms: int
    end_ms: int
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Everything that one environment sent between `start_ms` and `end_ms`.

    `provenance` says where it comes from (kind simulated | injected | real, and whatever makes it
    again: fault, seed, topology, code version). `graph` is a declared service graph in our own
    format or None. `truth` is empty when nothing was wrong and None when nobody knows.
    """

    environment: str
    start_ms: int
    end_ms: int
    resolution_seconds: float
    provenance: dict[str, Any]
    alerts: tuple[Message, ...] = ()
    changes: tuple[Message, ...] = ()
    diagnostics: tuple[Message, ...] = ()
    metrics: MetricBatch | None = None
    spans: SpanBatch | None = None
    graph: dict[str, Any] | None = None
    truth: tuple[Fault, ...] | None = None
