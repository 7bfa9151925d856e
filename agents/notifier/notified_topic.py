"""Declares the notified topic: compacted, and forgotten long after an incident's last message."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from agents.kafka import KafkaConfig
from agents.worker.topic_admin import TopicMissingError, admin_client
from agents.worker.topics import TopicsConfig

_RETENTION_MS = 90 * 24 * 3_600_000
_SEGMENT_MS = 24 * 3_600_000
_APPEAR_SECONDS = 15.0
_LOOK_SECONDS = 0.05


async def ensure_notified_topic(name: str, kafka: KafkaConfig, topics: TopicsConfig) -> int:
    """Create the topic unless it is there; return how many partitions it has.

    Raises:
        TopicMissingError: it is missing, and may not or cannot be created.
        KafkaError, OSError, TimeoutError: Kafka cannot be reached.
    """
    async with admin_client(kafka) as admin:
        found = await _partitions(admin, name)
        if found:
            return found
        if not topics.create:
            msg = f"topic {name} is missing; create it compacted or set topics.create = true"
            raise TopicMissingError(msg)
        response = await admin.create_topics([_declaration(name, topics)])
        for _name, code, *rest in response.topic_errors:
            error = for_code(code)
            # Another worker that started at the same moment may have been first.
            if code and error is not TopicAlreadyExistsError:
                why = rest[0] if rest and rest[0] else error.description
                msg = f"the broker would not create topic {name}: {why}"
                raise TopicMissingError(msg)
        # Creation is asynchronous in a cluster.
        async with asyncio.timeout(_APPEAR_SECONDS):
            while not (found := await _partitions(admin, name)):
                await asyncio.sleep(_LOOK_SECONDS)
        return found


async def _partitions(admin: AIOKafkaAdminClient, name: str) -> int:
    # Asked for all topics: to ask for one by name could create it, and not compacted.
    rows = await admin.describe_topics()
    return next((len(row["partitions"]) for row in rows if row["topic"] == name), 0)


def _declaration(name: str, topics: TopicsConfig) -> NewTopic:
    return NewTopic(
        name,
        1,
        topics.replication,
        # aiokafka takes -1 (the cluster's default) only beside an explicit assignment.
        replica_assignments={} if topics.replication == -1 else None,
        topic_configs={
            "cleanup.policy": "compact,delete",
            "retention.ms": str(_RETENTION_MS),
            "segment.ms": str(_SEGMENT_MS),
        },
    )
