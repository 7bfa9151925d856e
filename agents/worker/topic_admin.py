"""Creates the topics that are missing and says, in sentences, how the others differ.

Never alters a topic that others write. The one exception is our own state topics, which get more
partitions when the topic they belong to has more.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from agents.errors import RootlineError
from agents.kafka import KafkaConfig, client_arguments
from agents.worker.topics import TopicDeclaration, TopicsConfig, declarations

_APPEAR_SECONDS = 15.0
_LOOK_SECONDS = 0.1


class TopicMissingError(RootlineError):
    """A topic is not there, and we may not or cannot create it."""


@contextlib.asynccontextmanager
async def admin_client(kafka: KafkaConfig) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect an admin client for the length of a with block."""
    admin = AIOKafkaAdminClient(**client_arguments(kafka))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def ensure_topics(kafka: KafkaConfig, config: TopicsConfig) -> tuple[str, ...]:
    """Create what is missing; return one sentence for each thing that is not as declared.

    Raises:
        TopicMissingError: a topic is missing and `topics.create` is off, or the broker refused.
        KafkaError, OSError: Kafka cannot be reached.
    """
    async with admin_client(kafka) as admin:
        found = await _partition_counts(admin)
        wanted = [_following(item, found) for item in declarations(config)]
        missing = [item for item in wanted if item.name not in found]
        if missing and not config.create:
            names = ", ".join(item.name for item in missing)
            msg = f"topics are missing: {names}; create them or set topics.create = true"
            raise TopicMissingError(msg)
        if missing:
            await _create(admin, missing)
        await _grow_state(admin, wanted, found)
        there = [item for item in wanted if item.name in found]
        return await _differences(admin, there, found)


async def ensure_topic(kafka: KafkaConfig, config: TopicsConfig, name: str) -> None:
    """Create one declared topic unless it is there.

    Raises:
        TopicMissingError: it is missing and `topics.create` is off, or the broker refused.
        KafkaError, OSError: Kafka cannot be reached.
    """
    async with admin_client(kafka) as admin:
        if name in await _partition_counts(admin):
            return
        if not config.create:
            msg = f"topic {name} is missing; create it or set topics.create = true"
            raise TopicMissingError(msg)
        await _create(admin, [item for item in declarations(config) if item.name == name])


async def _partition_counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
    return {row["topic"]: len(row["partitions"]) for row in await admin.describe_topics()}


def _following(item: TopicDeclaration, found: Mapping[str, int]) -> TopicDeclaration:
    """A state topic has as many partitions as its input really has."""
    if item.state_of is None:
        return item
    return replace(item, partitions=found.get(item.state_of, item.partitions))


async def _create(admin: AIOKafkaAdminClient, missing: Sequence[TopicDeclaration]) -> None:
    topics = [
        NewTopic(
            item.name,
            item.partitions,
            item.replication,
            # aiokafka takes -1 (the cluster's default) only beside an explicit assignment.
            replica_assignments={} if item.replication == -1 else None,
            topic_configs=dict(item.settings),
        )
        for item in missing
    ]
    response = await admin.create_topics(topics)
    for name, code, *rest in response.topic_errors:
        error = for_code(code)
        # Another worker that started at the same moment may have been first.
        if code and error is not TopicAlreadyExistsError:
            why = rest[0] if rest and rest[0] else error.description
            msg = f"the broker would not create topic {name}: {why}"
            raise TopicMissingError(msg)
    await _until_known(admin, dict.fromkeys((item.name for item in missing), 1))


async def _until_known(admin: AIOKafkaAdminClient, wanted: Mapping[str, int]) -> None:
    """Changes are asynchronous in a cluster; who comes at once would be told "unknown"."""
    async with asyncio.timeout(_APPEAR_SECONDS):
        while True:
            found = await _partition_counts(admin)
            if all(found.get(name, 0) >= count for name, count in wanted.items()):
                return
            await asyncio.sleep(_LOOK_SECONDS)


async def _grow_state(
    admin: AIOKafkaAdminClient, wanted: Sequence[TopicDeclaration], found: Mapping[str, int]
) -> None:
    short = {
        item.name: item.partitions
        for item in wanted
        if item.state_of is not None and found.get(item.name, item.partitions) < item.partitions
    }
    if short:
        await admin.create_partitions({name: NewPartitions(n) for name, n in short.items()})
        await _until_known(admin, short)


async def _differences(
    admin: AIOKafkaAdminClient, there: Sequence[TopicDeclaration], found: Mapping[str, int]
) -> tuple[str, ...]:
    settings = await _settings(admin, [item.name for item in there])
    sentences = []
    for item in there:
        if found[item.name] != item.partitions and item.state_of is None:
            sentences.append(
                f"topic {item.name} has {found[item.name]} partitions, declared are "
                f"{item.partitions}; the topic stays as it is"
            )
        sentences += [
            f"topic {item.name} has {key} = {actual}, declared is {value}; the topic stays so"
            for key, value in sorted(item.settings.items())
            if (actual := settings.get(item.name, {}).get(key)) is not None
            and _normal(actual) != _normal(value)
        ]
    return tuple(sentences)


async def _settings(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    result: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for row in response.resources:
            _code, _message, _type, name, entries = row[:5]
            result[name] = {entry[0]: entry[1] for entry in entries if entry[1] is not None}
    return result


def _normal(value: Any) -> str:
    """Make equal settings equal text.

    >>> _normal("delete, compact") == _normal("compact,delete")
    True
    """
    return ",".join(sorted(part.strip() for part in str(value).split(",")))
