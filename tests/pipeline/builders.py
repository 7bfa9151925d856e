"""Builders with defaults: alerts, panes and whole little worlds for the engine's tests."""

import numpy as np

from pipeline.sketch import of
from schemas.alert import Alert, AlertStatus
from schemas.change import Change, ChangeKind
from schemas.codecs.fingerprint import fingerprint_of
from schemas.component import Component, ComponentKind
from schemas.signal import (
    AlertSignal,
    ChangeSignal,
    EdgePane,
    SeriesPane,
    ServicePane,
    Sighting,
    TelemetrySignal,
)

T0 = 1_770_000_000_000 - 1_770_000_000_000 % 30_000
PANE = 30_000
KINDS = {
    "db": ComponentKind.DATABASE,
    "cache": ComponentKind.CACHE,
    "node-1": ComponentKind.NODE,
}


def component(name: str) -> Component:
    return Component(name=name, kind=KINDS.get(name, ComponentKind.SERVICE))


def an_alert(
    on: str = "cart",
    *,
    rule: str = "HighLatency",
    at_s: float = 0.0,
    ends_s: float | None = None,
    severity: str = "critical",
    extra: str = "",
) -> AlertSignal:
    """An alert that starts `at_s` seconds after T0; resolved when `ends_s` is given."""
    pairs = {"alertname": rule, "service": on, "severity": severity}
    if extra:
        pairs["extra"] = extra
    labels = tuple(sorted((k, v) for k, v in pairs.items() if v))
    return AlertSignal(
        alert=Alert(
            fingerprint=fingerprint_of(labels),
            status=AlertStatus.FIRING if ends_s is None else AlertStatus.RESOLVED,
            labels=labels,
            starts_ms=T0 + int(at_s * 1000),
            ends_ms=None if ends_s is None else T0 + int(ends_s * 1000),
        ),
        component=component(on),
        route="service",
    )


def a_change(on: str = "cart", *, at_s: float = -60.0, title: str = "v2") -> ChangeSignal:
    return ChangeSignal(
        change=Change(
            change_id=f"{on}-{at_s}",
            kind=ChangeKind.DEPLOY,
            at_ms=T0 + int(at_s * 1000),
            labels=(("service", on),),
            title=title,
        ),
        component=component(on),
    )


def latency_sketch(ms: float, count: int) -> tuple[tuple[int, int], ...]:
    return of(np.full(count, ms))


def a_service_pane(
    name: str, start_ms: int, *, ms: float = 20.0, count: int = 60, errors: int = 0
) -> ServicePane:
    return ServicePane(
        component=component(name),
        start_ms=start_ms,
        count=count,
        errors=errors,
        origin_errors=errors,
        duration_ms=ms * count,
        self_ms=ms * count / 2,
        sketch=latency_sketch(ms, count),
    )


def an_edge_pane(
    caller: str, callee: str, start_ms: int, *, ms: float = 10.0, count: int = 60, errors: int = 0
) -> EdgePane:
    return EdgePane(
        caller=component(caller),
        callee=component(callee),
        start_ms=start_ms,
        count=count,
        errors=errors,
        timeouts=errors,
        duration_ms=ms * count,
        parents=count,
        served=0,
        sketch=latency_sketch(ms, count),
    )


def a_series_pane(
    name: str, start_ms: int, *, z: float, metric: str = "threads_connected", cls: str = "pool"
) -> SeriesPane:
    return SeriesPane(
        component=component(name),
        series_id=f"{name}/{metric}",
        metric=metric,
        metric_class=cls,
        start_ms=start_ms,
        samples=2,
        value=10.0 + z,
        center=10.0,
        scale=1.0,
        z=z,
    )


def telemetry(
    *,
    at_s: float,
    services: tuple[ServicePane, ...] = (),
    edges: tuple[EdgePane, ...] = (),
    series: tuple[SeriesPane, ...] = (),
    sightings: tuple[Sighting, ...] = (),
    source: str = "otlp_spans/0",
) -> TelemetrySignal:
    return TelemetrySignal(
        source=source,
        observed_ms=T0 + int(at_s * 1000),
        services=services,
        edges=edges,
        series=series,
        sightings=sightings,
    )


EDGES = (("web", "cart"), ("web", "orders"), ("cart", "db"), ("orders", "db"), ("mail", "smtp"))


def healthy_then_slow(
    *, before_s: int = 780, after_s: int = 300, broken: str = "db", onset_s: int = -60
) -> list[TelemetrySignal]:
    """A small shop, a pane a signal: from `onset_s` on, `broken` and its callers are slow."""
    slow = {broken}
    for _ in EDGES:
        slow |= {caller for caller, callee in EDGES if callee in slow}
    signals = []
    for pane in range(-before_s // 30, after_s // 30):
        start = T0 + pane * PANE
        bad = slow if pane * 30 >= onset_s else set()
        services = tuple(
            a_service_pane(n, start, ms=900.0 if n in bad else 20.0, errors=12 if n in bad else 0)
            for n in ("web", "cart", "orders", "mail")
        )
        edges = tuple(
            an_edge_pane(a, b, start, ms=800.0 if b in bad else 10.0, errors=12 if b in bad else 0)
            for a, b in EDGES
        )
        series = tuple(a_series_pane(n, start, z=20.0) for n in ("db",) if n in bad)
        signals.append(
            telemetry(at_s=pane * 30 + 30, services=services, edges=edges, series=series)
        )
    return signals
