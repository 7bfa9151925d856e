"""Declares the notified topic: compacted, and forgotten long after an incident's last message."""

import asyncio
import contextlib

from aiokafka.admin import NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from agents.kafka import KafkaConfig
from agents.worker.topic_admin import TopicMissingError, admin_client
from agents.worker.topics import TopicsConfig

_RETENTION_MS = 90 * 24 * 3_600_000
_SEGMENT_MS = 24 * 3_600_000
_APPEAR_SECONDS = 15.0
_LOOK_SECONDS = 0.05


async def ensure_notified_topic(name: str, kafka: KafkaConfig, topics: TopicsConfig) -> None:
    """Create the topic unless it is there.

    Raises:
        TopicMissingError: it is missing, and may not or cannot be created.
    """
    async with admin_client(kafka) as admin:
        if name in await admin.list_topics():
            return
        if not topics.create:
            msg = f"topic {name} is missing; create it compacted or set topics.create = true"
            raise TopicMissingError(msg)
        response = await admin.create_topics([_declaration(name, topics)])
        for _name, code, *rest in response.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                msg = f"the broker would not create topic {name}: {(rest or [None])[0] or error}"
                raise TopicMissingError(msg)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_APPEAR_SECONDS):
                while name not in await admin.list_topics():
                    await asyncio.sleep(_LOOK_SECONDS)


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
