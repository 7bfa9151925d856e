"""A recording without what its root sent: the root is there, but nobody instrumented it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from models.alert_firings import messages_of, read_firings
from schemas.codecs.changes import decode_change
from schemas.codecs.future import keep_spans
from schemas.component import Component
from schemas.errors import SchemaError
from schemas.recording import Message, Recording
from schemas.resolve import Resolver, ResolverConfig
from schemas.telemetry import Labels


def hide_root(recording: Recording) -> Recording:
    """Remove every alert, change, series and span of every faulty component.

    What others say of it (their client spans, their alerts that name it) stays.
    """
    roots = frozenset(fault.component for fault in recording.truth or ())
    resolver = Resolver(ResolverConfig(environment=recording.environment))

    def is_root(labels: Labels, metric: str = "") -> bool:
        return resolver.component(labels, metric=metric).component.name in roots

    def sends(resource: Labels) -> bool:
        found: Component | None = resolver.resource(resource)
        return found is not None and found.name in roots

    worse = recording
    if recording.spans is not None:
        hidden = np.array([sends(r) for r in recording.spans.resources], np.bool_)
        worse = replace(
            worse, spans=keep_spans(recording.spans, ~hidden[recording.spans.resource])
        )
    metrics = recording.metrics
    if metrics is not None:
        told = np.array([is_root(s.labels, s.name) for s in metrics.table], np.bool_)
        keep = ~told[metrics.series]
        worse = replace(
            worse,
            metrics=replace(
                metrics,
                series=metrics.series[keep],
                time_ms=metrics.time_ms[keep],
                value=metrics.value[keep],
            ),
        )
    firings = [f for f in read_firings(recording.alerts, 0) if not is_root(f.alert.labels)]
    return replace(
        worse,
        alerts=messages_of(firings, recording.end_ms),
        changes=tuple(m for m in recording.changes if not _is_change_of(m, is_root)),
    )


def _is_change_of(message: Message, is_root: Callable[[Labels], bool]) -> bool:
    try:
        return is_root(decode_change(message.value, received_ms=message.arrived_ms).labels)
    except SchemaError:
        return False
