"""The storm of the demo: simulated so that it ends about now, and cut into slices to be sent.

A slice holds what all producers send within a short stretch of event time, so that no stream runs
ahead of the others by more than that.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from models.simulator.config import SimulationConfig
from models.simulator.simulate import simulate
from models.simulator.wire import (
    ALERTS_TOPIC,
    CHANGES_TOPIC,
    METRICS_TOPIC,
    SPANS_TOPIC,
    WireMessage,
    wire_messages,
)
from schemas.recording import Recording

SLICE_MS = 2_000
WARMUP_SECONDS = 600.0
STORM_SECONDS = 420.0
AFTER_SECONDS = 30.0
"""Telemetry goes on for this long after the fault, so that its last alerts are still placed."""
PANE_MS = 30_000
ENVIRONMENT = "prod-eu1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What is sent between two moments of event time, by producer and in order."""

    until_ms: int
    alerts: list[bytes] = field(default_factory=list)
    changes: list[bytes] = field(default_factory=list)
    spans: list[bytes] = field(default_factory=list)
    samples: list[bytes] = field(default_factory=list)


def simulate_storm(
    fault: str, seed: int, now_ms: int, progress: Callable[[float], None] | None = None
) -> Recording:
    """Simulate a fault in the shop.

    The last event lies shortly before `now_ms`: when it is sent, all of it has happened already.
    """
    length_ms = round((WARMUP_SECONDS + STORM_SECONDS + AFTER_SECONDS) * 1000)
    start_ms = now_ms - length_ms
    config = SimulationConfig(
        warmup_seconds=WARMUP_SECONDS,
        storm_seconds=STORM_SECONDS,
        recovery_seconds=AFTER_SECONDS,
        # Cut into panes in the same way whenever it is played: the same seed, the same answer.
        start_ms=start_ms - start_ms % PANE_MS,
        environment=ENVIRONMENT,
    )
    return simulate(fault, seed=seed, topology="shop", config=config, progress=progress)


def storm_start_ms(recording: Recording) -> int:
    """Where the warm-up ends, which teaches the graph and the baselines."""
    return recording.start_ms + round(WARMUP_SECONDS * 1000)


def slices(recording: Recording, length_ms: int = SLICE_MS) -> Iterator[Slice]:
    """Cut everything that a recording holds into slices, in the order of event time."""
    start_ms = recording.start_ms

    def number(message: WireMessage) -> int:
        return (message.event_ms - start_ms) // length_ms

    for slot, messages in groupby(wire_messages(recording), key=number):
        yield _slice(start_ms + (slot + 1) * length_ms, messages)


def _slice(until_ms: int, messages: Iterator[WireMessage]) -> Slice:
    found = Slice(until_ms=until_ms)
    by_topic = {
        ALERTS_TOPIC: found.alerts,
        CHANGES_TOPIC: found.changes,
        SPANS_TOPIC: found.spans,
        METRICS_TOPIC: found.samples,
    }
    for message in messages:
        by_topic[message.topic].append(message.value)
    return found


class Tally:
    """How many spans and samples had happened at a moment of event time."""

    def __init__(self, recording: Recording) -> None:
        spans, metrics = recording.spans, recording.metrics
        self._spans = np.sort(spans.end_ns // 1_000_000) if spans is not None else _none()
        self._samples = np.sort(metrics.time_ms) if metrics is not None else _none()

    def until(self, event_ms: int) -> dict[str, int]:
        """Count what came before a moment."""
        return {
            "spans": int(np.searchsorted(self._spans, event_ms)),
            "samples": int(np.searchsorted(self._samples, event_ms)),
        }


def _none() -> NDArray[np.int64]:
    return np.zeros(0, np.int64)
