"""What every service of the worker needs to work with Kafka."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agents.kafka import KafkaConfig
from agents.kafka_security.explainer import Explainer
from agents.telemetry import KafkaMetrics
from agents.worker.config import WorkerConfig
from agents.worker.failpoint import Failpoint, no_failpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where Kafka is, how to behave towards it, and where that is counted.

    `prepare` is awaited before each connection: it sees to it that the topics are there.
    `failpoint` is told each named moment; only fault tests make it act. `explainer`, where there
    is one, is asked to look why Kafka cannot be used.
    """

    kafka: KafkaConfig
    worker: WorkerConfig
    metrics: KafkaMetrics
    prepare: Callable[[], Awaitable[None]]
    failpoint: Failpoint = no_failpoint
    explainer: Explainer | None = None
