"""Tells the engine the edges that graph files declare, by way of the signals log.

Through the log, because the engine is a function of nothing else; again every hour, so that the
edges do not age while the worker runs.
"""

import logging
import time
from collections.abc import Mapping

from aiokafka.errors import KafkaError
from mode import Service

from agents.worker.cluster import Cluster
from agents.worker.packing import Packer
from agents.worker.publisher import Publisher, PublishError
from agents.worker.topic_admin import TopicMissingError
from schemas.signal import GraphEdge, TelemetrySignal

_log = logging.getLogger("worker")
_REPEAT_SECONDS = 3_600.0


class DeclaredGraph(Service):
    """Publishes declared edges, by the name of the file that declares them."""

    def __init__(
        self,
        cluster: Cluster,
        packer: Packer,
        environment: str,
        edges: Mapping[str, tuple[GraphEdge, ...]],
    ) -> None:
        super().__init__()
        self._cluster = cluster
        self._packer = packer
        self._environment = environment
        self._edges = edges

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            try:
                await self._cluster.prepare()
                await self._publish()
            except (KafkaError, OSError, TimeoutError, PublishError, TopicMissingError):
                # The durable consumers say what is wrong with Kafka; here it is only tried again.
                await self.sleep(self._cluster.worker.reconnect_seconds)
            else:
                await self.sleep(_REPEAT_SECONDS)

    async def _publish(self) -> None:
        observed_ms = time.time_ns() // 1_000_000
        signals = [
            (
                self._environment,
                TelemetrySignal(source=f"graph:{name}", observed_ms=observed_ms, declared=edges),
            )
            for name, edges in sorted(self._edges.items())
        ]
        publisher = Publisher(self._cluster, lambda: None)
        try:
            await publisher.start()
            await publisher.publish(self._packer.pack(signals))
        finally:
            await publisher.stop()
        _log.info(
            "declared edges published",
            extra={"files": len(self._edges), "edges": sum(map(len, self._edges.values()))},
        )
