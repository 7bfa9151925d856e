"""One short storm that the tests of the offline path share, and small recordings by hand."""

from functools import cache

import orjson

from models.simulator.config import SimulationConfig
from models.simulator.simulate import simulate
from schemas.recording import Message, Recording

START_MS = 1_772_445_600_000
STORM = SimulationConfig(warmup_seconds=240, storm_seconds=210, request_rate=8)


@cache
def storm() -> Recording:
    return simulate("pool_exhaustion", seed=1, config=STORM)


def alert_message(
    service: str = "cart", *, at_s: int = 0, starts: str = "2026-03-02T10:00:00Z"
) -> Message:
    labels = {"alertname": "HighLatency", "service": service, "severity": "critical"}
    value = {"status": "firing", "labels": labels, "startsAt": starts}
    return Message(arrived_ms=START_MS + at_s * 1000, value=orjson.dumps(value))


def change_message(*, at: str = "2026-03-02T10:00:00Z") -> Message:
    value = {"kind": "deploy", "service": "cart", "title": "v2", "at": at}
    return Message(arrived_ms=START_MS, value=orjson.dumps(value))


def small(**parts: object) -> Recording:
    facts: dict[str, object] = {
        "environment": "test",
        "start_ms": START_MS,
        "end_ms": START_MS + 60_000,
        "resolution_seconds": 15.0,
        "provenance": {"kind": "real"},
    }
    return Recording(**(facts | parts))  # type: ignore[arg-type] - fields are named by the caller
