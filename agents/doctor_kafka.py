"""The doctor's look at Kafka: does it answer, and are the topics as declared. Changes nothing."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from agents.doctor_finding import Finding, fail, ok, warn
from agents.doctor_kafka_security import check_kafka_security, described
from agents.errors import SettingsError
from agents.kafka import KafkaConfig
from agents.kafka_security.probe import trouble
from agents.worker.topic_admin import admin_client
from agents.worker.topics import TopicDeclaration, TopicsConfig, declarations


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cluster:
    """What the cluster says of itself: partitions and settings by topic."""

    partitions: Mapping[str, int]
    settings: Mapping[str, Mapping[str, str]]


async def check_kafka(
    kafka: KafkaConfig, topics: TopicsConfig, timeout_seconds: float
) -> list[Finding]:
    """Check that the brokers answer and the topics are as Rootline wants them."""
    wanted = declarations(topics)
    try:
        async with asyncio.timeout(timeout_seconds):
            cluster = await _look(kafka, [item.name for item in wanted])
    except SettingsError as error:
        return [fail("kafka", str(error))]
    except (KafkaError, OSError, TimeoutError) as error:
        return [fail("kafka", await _why(kafka, error, timeout_seconds))]
    how = described(kafka)
    answer = ok(
        "kafka",
        f"Kafka at {kafka.bootstrap} answers ({how}); it has {len(cluster.partitions)} topics",
    )
    return [answer, *check_kafka_security(kafka), *_check_topics(wanted, cluster, topics)]


async def _why(kafka: KafkaConfig, error: BaseException, timeout_seconds: float) -> str:
    """Return what a closer look finds; else that it is the way there."""
    try:
        async with asyncio.timeout(timeout_seconds):
            found = await trouble(kafka)
    except TimeoutError:
        found = None
    if found is not None:
        return found
    why = str(error) or type(error).__name__
    return (
        f"Kafka at {kafka.bootstrap} cannot be reached ({why}); check kafka.bootstrap and "
        "that the brokers advertise addresses that this machine can reach"
    )


async def _look(kafka: KafkaConfig, names: list[str]) -> _Cluster:
    async with admin_client(kafka) as admin:
        rows = await admin.describe_topics()
        partitions = {row["topic"]: len(row["partitions"]) for row in rows}
        there = [name for name in names if name in partitions]
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in there]
        responses: list[Any] = await admin.describe_configs(resources) if resources else []
    settings = {
        row[3]: {entry[0]: entry[1] for entry in row[4] if entry[1] is not None}
        for response in responses
        for row in response.resources
    }
    return _Cluster(partitions=partitions, settings=settings)


def _check_topics(
    wanted: tuple[TopicDeclaration, ...], cluster: _Cluster, config: TopicsConfig
) -> list[Finding]:
    missing = [item.name for item in wanted if item.name not in cluster.partitions]
    findings = []
    if missing:
        names = ", ".join(missing)
        if config.create:
            findings.append(
                warn("topics", f"missing: {names}; a worker creates them at its start")
            )
        else:
            findings.append(
                fail(
                    "topics",
                    f"missing, or hidden from us because we have no right on them: {names}; "
                    "create them, or set topics.create = true",
                )
            )
    there = [item for item in wanted if item.name in cluster.partitions]
    for item in there:
        findings += _check_topic(item, cluster)
    if not findings:
        findings.append(ok("topics", f"all {len(wanted)} topics are as declared"))
    return findings


def _check_topic(item: TopicDeclaration, cluster: _Cluster) -> list[Finding]:
    findings = []
    found = cluster.partitions[item.name]
    expected = item.partitions
    if item.state_of is not None:
        expected = cluster.partitions.get(item.state_of, item.partitions)
    if item.state_of is not None and found < expected:
        findings.append(
            fail(
                "topics",
                f"{item.name} has {found} partitions but {item.state_of} has {expected}; "
                "start a worker, which adds the missing ones",
            )
        )
    elif item.state_of is None and found != expected:
        findings.append(
            warn("topics", f"{item.name} has {found} partitions; declared are {expected}")
        )
    settings = cluster.settings.get(item.name, {})
    return findings + _check_settings(item, settings)


def _check_settings(item: TopicDeclaration, settings: Mapping[str, str]) -> list[Finding]:
    findings = []
    for key, value in sorted(item.settings.items()):
        actual = settings.get(key)
        if actual is None or _parts(actual) == _parts(value):
            continue
        sentence = f"{item.name} has {key} = {actual}; declared is {value}"
        if key == "cleanup.policy" and "compact" in _parts(value) - _parts(actual):
            sentence += f": old state is never removed; set {key} = {value} on the topic"
            findings.append(fail("topics", sentence))
        else:
            findings.append(warn("topics", sentence))
    return findings


def _parts(value: str) -> set[str]:
    return {part.strip() for part in value.split(",")}
