"""A whole worker process with an engine simple enough to check its answers by hand.

The engine opens one incident for each alert, numbered in the order of the log, so that state lost,
doubled or mixed up shows in the incidents.
"""

import asyncio
import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from agents.broker.config import BrokerConfig
from agents.kafka import KafkaConfig
from agents.logs import LoggingConfig, configure_logging
from agents.notifier.config import NotifierConfig
from agents.settings import Settings
from agents.telemetry import Telemetry
from agents.telemetry_config import TelemetryConfig
from agents.watchdog_config import WatchdogConfig
from agents.worker.app import WorkerApp, build_app
from agents.worker.assembly import Engines
from agents.worker.config import WorkerConfig
from agents.worker.serving import serve
from pipeline.outputs import IncidentPublished, Transition
from schemas.incident import Firing, Incident, IncidentStatus
from schemas.resolve import Resolver, ResolverConfig
from schemas.signal import AlertSignal, TickSignal


def an_incident(**values: Any) -> Incident:
    moment = "2026-01-01T00:00:00.000Z"
    base = {
        "schema_version": "1.0",
        "incident_id": "i-1",
        "dedup_key": "d",
        "environment": "default",
        "revision": 1,
        "status": IncidentStatus.OPEN,
        "firing": Firing.EARLY,
        "severity": "critical",
        "title": "t",
        "started_at": moment,
        "detected_at": moment,
        "updated_at": moment,
        "last_alert_at": moment,
        "resolved_at": None,
        "window_start": moment,
        "window_end": moment,
        "components": ("cart",),
        "alerts": (),
        "alert_count": 0,
        "candidates": (),
        "p_none": 1.0,
        "abstained": True,
        "abstain_reason": "r",
        "changed": (),
        "metrics": (),
        "traces": (),
        "merged_into": None,
        "previous_incident_id": None,
        "graph_version": 1,
        "model_version": "m",
    }
    return Incident(**(base | values))


class NumberingCorrelator:
    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._ticks = 0
        self._leaked: list[bytearray] = []

    def handle(self, environment: str, signal: Any, arrived_ms: int) -> list[Any]:
        if isinstance(signal, TickSignal):
            self._ticks += 1
        if not isinstance(signal, AlertSignal) or signal.alert.fingerprint in self._number:
            return []
        if signal.alert.rule == "Bug":
            raise ZeroDivisionError
        if signal.alert.rule == "Hang":
            threading.Event().wait()
        if signal.alert.rule == "HangOnce":
            _hang_once(Path(dict(signal.alert.labels)["flag"]))
        if signal.alert.rule == "Slow":
            time.sleep(0.005)
        if signal.alert.rule == "Leak":
            self._leaked.append(bytearray(os.urandom(1)) * (8 * 1024 * 1024))
        fingerprint = signal.alert.fingerprint
        number = self._number[fingerprint] = len(self._number) + 1
        incident = an_incident(
            incident_id=str(uuid.uuid5(uuid.NAMESPACE_OID, fingerprint)),
            environment=environment,
            title=signal.alert.rule,
            alert_count=number,
        )
        return [IncidentPublished(transition=Transition.OPENED, incident=incident)]

    def ticks(self, now_ms: int) -> list[tuple[str, TickSignal]]:
        return [("default", TickSignal(observed_ms=now_ms))] if self._number else []

    def snapshot(self) -> bytes:
        return orjson.dumps(self._number)

    def restore(self, data: bytes) -> None:
        self._number = orjson.loads(data)

    def asked(self, incident_id: str) -> None:
        return None

    def stats(self) -> dict[str, float]:
        return {"incidents_open": float(len(self._number)), "ticks": float(self._ticks)}


class SilentReducer:
    def __init__(self, source: str) -> None:
        self._source = source

    def handle(self, batch: Any, arrived_ms: int) -> list[Any]:
        return []

    def stats(self) -> dict[str, float]:
        return {}

    def flush(self) -> list[Any]:
        return []

    def snapshot(self) -> bytes:
        return b"{}"

    def restore(self, data: bytes) -> None:
        assert data == b"{}"


def _hang_once(flag: Path) -> None:
    if not flag.exists():
        flag.touch()
        threading.Event().wait()


def engines() -> Engines:
    return Engines(
        span_reducer=SilentReducer,
        metric_reducer=SilentReducer,
        correlator=NumberingCorrelator,
        resolver=Resolver(ResolverConfig()),
    )


def settings(bootstrap: str, **worker: Any) -> Settings:
    quick = {
        "snapshot_seconds": 0.3,
        "reconnect_seconds": 0.2,
        "session_timeout_ms": 1_500,
        "heartbeat_ms": 200,
        "poll_ms": 50,
        "idle_seconds": 0.1,
    }
    return Settings(
        kafka=KafkaConfig(bootstrap=bootstrap, metadata_max_age_ms=1_000),
        worker=WorkerConfig(**(quick | worker)),
        telemetry=TelemetryConfig(port=0),
        notifier=NotifierConfig(),
        broker=BrokerConfig(),
    )


def announce(app: WorkerApp) -> None:
    assert app.health is not None
    sys.stdout.write(f"{app.health.server.port}\n")
    sys.stdout.flush()


def blocking(moment: str) -> Callable[[str], None]:
    """Return a failpoint that blocks the event loop at a named moment."""
    return lambda at: time.sleep(3_600) if at == moment else None


async def main(bootstrap: str, options: str = "{}") -> int:
    given = json.loads(options)
    watchdog = WatchdogConfig(**given.pop("watchdog", {}))
    app_failpoint = blocking(given.pop("block", ""))
    configure_logging(LoggingConfig(level="warning"), secrets=())
    chosen = settings(bootstrap, **given)
    telemetry = Telemetry()
    app = build_app(chosen, engines(), telemetry=telemetry, failpoint=app_failpoint)
    return await serve(app, chosen.worker, announce, watchdog=watchdog, metrics=telemetry.process)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
