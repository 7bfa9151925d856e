"""Short runs that tests share, and what their alerts are about."""

from functools import lru_cache
from typing import Any

import orjson

from models.simulator.config import SimulationConfig
from models.simulator.simulate import simulate
from schemas.component import Component
from schemas.recording import Recording
from schemas.resolve import Resolver, ResolverConfig
from schemas.telemetry import labels_of

SHORT = SimulationConfig(warmup_seconds=150, storm_seconds=210, request_rate=7, noise_alerts=False)
RESOLVER = Resolver(ResolverConfig())


@lru_cache(maxsize=8)
def short_run(fault: str, topology: str = "shop", seed: int = 4) -> Recording:
    return simulate(fault, seed=seed, topology=topology, config=SHORT)


def alerts_of(recording: Recording) -> dict[str, dict[str, Any]]:
    """Every alert that fired, by fingerprint, as it was first sent."""
    found: dict[str, dict[str, Any]] = {}
    for message in recording.alerts:
        for alert in orjson.loads(message.value)["alerts"]:
            if alert["status"] == "firing":
                found.setdefault(alert["fingerprint"], {**alert, "sent_ms": message.arrived_ms})
    return found


def component_of(alert: dict[str, Any]) -> Component:
    return RESOLVER.component(labels_of(alert["labels"])).component
