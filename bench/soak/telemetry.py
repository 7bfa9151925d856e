"""Telemetry of a simulated system, moved to now and to an environment of a given name."""

from dataclasses import replace

from models.simulator.config import SimulationConfig
from models.simulator.simulate import simulate
from models.simulator.wire import ALERTS_TOPIC, wire_messages
from schemas.recording import Recording

WARMUP_SECONDS = 60


def messages(
    environment: str, seed: int, start_ms: int, seconds: float, rate: float, topology: str
) -> list[tuple[int, str, bytes]]:
    """Return (when, topic, bytes) of all but the alerts; picklable, for another process."""
    recording = _recording(environment, seed, start_ms, seconds, rate, topology)
    return [tuple(m) for m in wire_messages(recording) if m.topic != ALERTS_TOPIC]


def services(environment: str, seed: int, topology: str) -> tuple[str, ...]:
    """Return the names of the services of the system, which a seed draws."""
    recording = _recording(environment, seed, 0, 2 * WARMUP_SECONDS, 2.0, topology)
    assert recording.spans is not None
    found = {dict(labels).get("service.name", "") for labels in recording.spans.resources}
    return tuple(sorted(found - {""}))


def _recording(
    environment: str, seed: int, start_ms: int, seconds: float, rate: float, topology: str
) -> Recording:
    config = SimulationConfig(
        warmup_seconds=WARMUP_SECONDS,
        storm_seconds=max(60.0, seconds - WARMUP_SECONDS),
        request_rate=rate,
        onset_share=0.02,
    )
    if start_ms:
        config = replace(config, start_ms=start_ms)
    return _named(
        simulate("pool_exhaustion", seed=seed, topology=topology, config=config), environment
    )


def _named(recording: Recording, environment: str) -> Recording:
    """Say in every resource and every series which environment it is of."""
    spans, metrics = recording.spans, recording.metrics
    assert spans is not None
    assert metrics is not None
    label = ("environment", environment)
    table = tuple(replace(s, labels=tuple(sorted((*s.labels, label)))) for s in metrics.table)
    resources = tuple(tuple(sorted((*r, label))) for r in spans.resources)
    return replace(
        recording,
        spans=replace(spans, resources=resources),
        metrics=replace(metrics, table=table),
    )
