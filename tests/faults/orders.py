"""What a process of the fault harness is told to be, as plain JSON; and how it becomes that.

A worker is the real application with the real engines. What differs from the defaults is here,
in one place: shorter time-outs, so that a run takes seconds, and a point at which it kills itself.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker
from agents.kafka import KafkaConfig
from agents.notifier.config import NotifierConfig
from agents.settings import Settings
from agents.telemetry_config import TelemetryConfig
from agents.worker.app import build_app
from agents.worker.assembly import Engines
from agents.worker.config import WorkerConfig
from agents.worker.engines import build_engines
from agents.worker.serving import serve
from agents.worker.topics import TopicsConfig
from pipeline.config import PipelineConfig, WatermarkConfig
from schemas.resolve import ResolverConfig
from tests.faults.versions import later

INPUT_PARTITIONS = 2
SIGNALS_PARTITIONS = 4
ENVIRONMENT_LABEL = "environment"

_QUICK = {
    "snapshot_seconds": 0.5,
    "reconnect_seconds": 0.2,
    "session_timeout_ms": 1_500,
    "heartbeat_ms": 300,
    # A record at a time: what the engine sees does not depend on how reads were cut.
    "slice_records": 1,
    "flush_seconds": 3_600.0,
    "poll_ms": 50,
    "idle_seconds": 0.2,
    "publish_seconds": 20.0,
    "request_seconds": 10.0,
}
# Eleven minutes of events are played in seconds: measured in arrival time, an outage is then as
# long as the storm, and a source that it silenced must go on holding event time back.
_SOURCES_STAY_LIVE_SECONDS = 3_600.0


def worker_settings(bootstrap: str, webhook: str, worker: Mapping[str, Any]) -> Settings:
    """The configuration of a worker under test."""
    return Settings(
        kafka=KafkaConfig(
            bootstrap=bootstrap, metadata_max_age_ms=1_000, request_timeout_ms=5_000
        ),
        worker=WorkerConfig(**(_QUICK | dict(worker))),
        topics=TopicsConfig(
            input_partitions=INPUT_PARTITIONS,
            signals_partitions=SIGNALS_PARTITIONS,
            output_partitions=2,
        ),
        resolver=ResolverConfig(environment_labels=(ENVIRONMENT_LABEL,)),
        pipeline=PipelineConfig(
            watermark=WatermarkConfig(idle_seconds=_SOURCES_STAY_LIVE_SECONDS)
        ),
        notifier=NotifierConfig(
            webhook_url=webhook,
            message_interval_ms=0,
            top_changed_interval_ms=0,
            retry_base_ms=100,
            retry_cap_ms=500,
        ),
        telemetry=TelemetryConfig(enabled=False),
    )


def die_at(text: str) -> Callable[[str], None]:
    """Return a failpoint that kills the process at the n-th hit of `moment:n` after SIGUSR1."""
    moment, _, hits = text.partition(":")
    left = int(hits or 1)
    armed = False

    def arm(_number: int, _frame: object) -> None:
        nonlocal armed
        armed = True

    signal.signal(signal.SIGUSR1, arm)

    def failpoint(at: str) -> None:
        nonlocal left
        if armed and at == moment:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return failpoint


@cache
def warm_up() -> Engines:
    """Load the ranker once: what is forked later has it."""
    return build_engines(worker_settings("127.0.0.1:9092", "", {}))


def fulfil(order: Mapping[str, Any], say: Callable[[Mapping[str, Any]], None]) -> int:
    """Be a worker or a broker until told to stop; return the exit code."""
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    match order["role"]:
        case "worker":
            return asyncio.run(_worker(order, say))
        case "broker":
            return asyncio.run(_broker(order, say))
        case other:
            msg = f"a process was told to be a {other!r}; expected worker or broker"
            raise ValueError(msg)


async def _worker(order: Mapping[str, Any], say: Callable[[Mapping[str, Any]], None]) -> int:
    settings = worker_settings(order["bootstrap"], order["webhook"], order["worker"])
    engines = later(warm_up()) if order["later"] else warm_up()
    app = build_app(settings, engines, failpoint=die_at(order["die_at"]))
    return await serve(app, settings.worker, lambda _app: say({"ready": os.getpid()}))


async def _broker(order: Mapping[str, Any], say: Callable[[Mapping[str, Any]], None]) -> int:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    config = BrokerConfig(
        host=order["host"],
        port=order["port"],
        data_dir=Path(order["folder"]),
        min_session_timeout_ms=1_000,
        group_initial_delay_ms=0,
    )
    broker = EmbeddedBroker(config)
    await broker.start()
    say({"ready": os.getpid(), "bootstrap": broker.bootstrap})
    await stopping.wait()
    await broker.stop()
    return 0


def _main() -> int:
    """Fulfil the order on the command line in a process of its own: a cold start."""

    def say(row: Mapping[str, Any]) -> None:
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()

    return fulfil(json.loads(sys.argv[1]), say)


if __name__ == "__main__":
    sys.exit(_main())
