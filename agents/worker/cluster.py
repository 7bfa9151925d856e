"""What every service of the worker needs to work with Kafka."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agents.kafka import KafkaConfig
from agents.telemetry import KafkaMetrics
from agents.worker.config import WorkerConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where Kafka is, how to behave towards it, and where that is counted.

    `prepare` is awaited before each connection: it sees to it that the topics are there.
    """

    kafka: KafkaConfig
    worker: WorkerConfig
    metrics: KafkaMetrics
    prepare: Callable[[], Awaitable[None]]
