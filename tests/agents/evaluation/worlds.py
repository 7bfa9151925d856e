"""Small recordings by hand: a shop of four services in which one is to blame, or nobody is."""

from typing import Any

import numpy as np
import orjson

from pipeline.timestamps import rfc3339
from schemas.recording import Fault, Message, Recording
from schemas.telemetry import MetricBatch, Series, labels_of

START_MS = 1_772_445_600_000
FAULT_MS = START_MS + 300_000
END_MS = FAULT_MS + 120_000
SERVICES = ("web", "cart", "stock", "mail")
CALLS = (("web", "cart"), ("cart", "stock"), ("web", "mail"))
GRAPH = {"edges": [{"caller": caller, "callee": callee} for caller, callee in CALLS]}


def alert(rule: str, service: str, at_ms: int) -> Message:
    labels = {"alertname": rule, "service": service, "severity": "critical"}
    value = {"status": "firing", "labels": labels, "startsAt": rfc3339(at_ms)}
    return Message(arrived_ms=at_ms + 1000, value=orjson.dumps(value))


def alerts_of(root: str) -> tuple[Message, ...]:
    """Three causes at the root, a symptom at each caller that is on the way to it."""
    callers = {"web": (), "cart": ("web",), "stock": ("web", "cart"), "mail": ("web",)}[root]
    causes = [
        alert(rule, root, FAULT_MS + 10_000 + i * 1000)
        for i, rule in enumerate(("CpuSaturated", "MemoryPressure", "PodRestarts"))
    ]
    return (*causes, *(alert("HighLatency", c, FAULT_MS + 20_000) for c in callers))


def metrics(root: str) -> MetricBatch:
    """CPU and latency of everybody each 15 s; both are tenfold at the root from the fault on."""
    names = ("process_cpu_utilization", "request_latency_p95_seconds")
    table = tuple(
        Series(name=name, labels=labels_of({"service": service}))
        for service in SERVICES
        for name in names
    )
    rng = np.random.default_rng(7)
    times = np.arange(START_MS, END_MS, 15_000)
    series, at, values = [], [], []
    for place, one in enumerate(table):
        usual = rng.uniform(0.09, 0.11, len(times))
        blamed = root == dict(one.labels)["service"]
        values.append(np.where((times >= FAULT_MS) & blamed, usual * 10, usual))
        series.append(np.full(len(times), place))
        at.append(times)
    return MetricBatch(
        series=np.concatenate(series).astype(np.int32),
        time_ms=np.concatenate(at).astype(np.int64),
        value=np.concatenate(values),
        table=table,
    )


def protocol() -> dict[str, Any]:
    return {
        "window_start_ms": START_MS,
        "onset_ms": FAULT_MS,
        "window_end_ms": END_MS,
        "symptom": "web",
        "candidates": list(SERVICES),
    }


def recording(root: str = "stock", number: int = 1, **parts: Any) -> Recording:
    """One case with its root, its alerts and metrics; `provenance` adds to what it says."""
    said = {
        "kind": "injected",
        "set": "toy",
        "suite": "toy/shop",
        "system": "toy",
        "case": f"{root}/{number}",
        "group": f"{root}/cpu",
        "split": "test",
        "strata": {"symptom": "latency"},
        "protocol": protocol(),
    }
    facts: dict[str, Any] = {
        "alerts": alerts_of(root),
        "metrics": metrics(root),
        "truth": (
            Fault(
                component=root,
                pattern="cpu",
                start_ms=FAULT_MS,
                end_ms=END_MS,
                details={"family": "code"},
            ),
        ),
    }
    return _recording(said | parts.pop("provenance", {}), facts | parts)


def healthy(number: int = 1, *alerts: Message) -> Recording:
    said = {"kind": "injected", "suite": "toy/shop", "system": "toy", "case": f"healthy/{number}"}
    return _recording(said, {"alerts": alerts, "truth": ()})


def _recording(provenance: dict[str, Any], parts: dict[str, Any]) -> Recording:
    facts: dict[str, Any] = {
        "environment": "toy",
        "start_ms": START_MS,
        "end_ms": END_MS,
        "resolution_seconds": 15.0,
        "graph": GRAPH,
        "provenance": provenance,
    }
    return Recording(**(facts | parts))
