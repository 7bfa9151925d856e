"""A notifier in a process of its own, which ends itself with SIGKILL at a named moment.

Started as `python -m tests.agents.notifier.notifier_process ORDER`, ORDER a JSON object.
"""

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from typing import Any

from agents.kafka import KafkaConfig
from agents.notifier.config import NotifierConfig
from agents.notifier.service import NotifierService
from agents.telemetry import Telemetry
from agents.worker.cluster import Cluster
from agents.worker.config import WorkerConfig
from agents.worker.topics import TopicsConfig

WORKER = WorkerConfig(
    poll_ms=50,
    session_timeout_ms=1_500,
    heartbeat_ms=300,
    reconnect_seconds=0.1,
)


def die_at(text: str) -> Callable[[str], None]:
    """Return a failpoint that ends the process at the n-th hit of `moment:n`; "" never."""
    moment, _, hits = text.partition(":")
    left = int(hits or 0)

    def failpoint(at: str) -> None:
        nonlocal left
        if at == moment:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return failpoint


async def notify(order: dict[str, Any]) -> None:
    async def prepare() -> None:
        """The topics are created as they are used."""

    telemetry = Telemetry()
    service = NotifierService(
        NotifierConfig(
            webhook_url=order["webhook"],
            group=order["name"],
            notified_topic=f"notified-{order['name']}",
            message_interval_ms=0,
            retry_base_ms=20,
            retry_cap_ms=50,
        ),
        Cluster(
            kafka=KafkaConfig(bootstrap=order["bootstrap"]),
            worker=WORKER,
            metrics=telemetry.kafka,
            prepare=prepare,
            failpoint=die_at(order.get("die_at", "")),
        ),
        TopicsConfig(incidents=f"incidents-{order['name']}"),
        telemetry.notifier,
        rng=random.Random(1),
    )
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await service.start()
    await stopping.wait()
    await service.stop()


if __name__ == "__main__":
    asyncio.run(notify(json.loads(sys.argv[1])))
