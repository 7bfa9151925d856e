import asyncio
import secrets
from typing import Any

import pytest
from aiokafka import TopicPartition as AioTopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin import NewTopic as AioNewTopic
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)


def error_of(future: Any) -> str:
    with pytest.raises(KafkaException) as caught:
        future.result(10)
    return str(caught.value.args[0].name())


def settings(cluster: Any, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    entries = cluster.admin.describe_configs([resource])[resource].result(10)
    return {name: entry.value for name, entry in entries.items()}


def test_a_created_topic_has_the_partitions_asked_for(cluster: Any) -> None:
    topic = cluster.new_topic(partitions=3)
    assert cluster.partitions(topic) == [0, 1, 2]


def test_metadata_names_the_address_by_which_the_client_came(cluster: Any) -> None:
    brokers = cluster.admin.list_topics(timeout=10).brokers.values()
    known = {f"{broker.host}:{broker.port}" for broker in brokers}
    assert set(cluster.bootstrap.split(",")) <= known


def test_a_topic_is_not_created_twice(cluster: Any) -> None:
    topic = cluster.new_topic()
    futures = cluster.admin.create_topics([NewTopic(topic, 1, 1)])
    assert error_of(futures[topic]) == "TOPIC_ALREADY_EXISTS"


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        (NewTopic("no spaces", 1, 1), "TOPIC_EXCEPTION"),
        (NewTopic("..", 1, 1), "TOPIC_EXCEPTION"),
        (NewTopic("contract-replicas", 1, 99), "INVALID_REPLICATION_FACTOR"),
        (NewTopic("contract-zero", 0, 1), "INVALID_PARTITIONS"),
        (NewTopic("contract-config", 1, 1, config={"retention.ms": "soon"}), "INVALID_CONFIG"),
        (NewTopic("contract-key", 1, 1, config={"retention": "1"}), "INVALID_CONFIG"),
        (NewTopic("contract-pol", 1, 1, config={"cleanup.policy": "burn"}), "INVALID_CONFIG"),
    ],
    ids=["space", "dots", "replicas", "no partition", "bad value", "bad key", "bad policy"],
)
def test_an_impossible_topic_is_refused(cluster: Any, topic: NewTopic, expected: str) -> None:
    assert error_of(cluster.admin.create_topics([topic])[topic.topic]) == expected


def test_a_checked_but_not_created_topic_does_not_exist(cluster: Any) -> None:
    name = f"contract-{secrets.token_hex(6)}"
    cluster.admin.create_topics([NewTopic(name, 1, 1)], validate_only=True)[name].result(10)
    assert cluster.partitions(name) == []


def test_partitions_can_be_added_and_not_removed(cluster: Any) -> None:
    topic = cluster.new_topic(partitions=2)
    cluster.admin.create_partitions([NewPartitions(topic, 4)])[topic].result(10)
    cluster.wait_until_has(topic, 4)
    cluster.produce(topic, [b"in the new one"], partition=3)
    assert cluster.read(topic, 1, partition=3)[0].value() == b"in the new one"
    futures = cluster.admin.create_partitions([NewPartitions(topic, 3)])
    assert error_of(futures[topic]) == "INVALID_PARTITIONS"


def test_a_topic_made_anew_is_empty(cluster: Any) -> None:
    topic = cluster.new_topic()
    cluster.produce(topic, [b"old"])
    cluster.admin.delete_topics([topic])[topic].result(10)
    cluster.wait_until_has(topic, 0)
    cluster.admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(10)
    cluster.wait_until_has(topic, 1)
    cluster.produce(topic, [b"new"])
    (message,) = cluster.read(topic, 1)
    assert (message.value(), message.offset()) == (b"new", 0)


def test_an_unknown_topic_is_not_deleted(cluster: Any) -> None:
    assert error_of(cluster.admin.delete_topics(["contract-none"])["contract-none"]) == (
        "UNKNOWN_TOPIC_OR_PART"
    )


def test_settings_are_described_as_they_were_given(cluster: Any) -> None:
    topic = cluster.new_topic(retention_ms="60000", cleanup_policy="compact")
    described = settings(cluster, topic)
    assert described["retention.ms"] == "60000"
    assert described["cleanup.policy"] == "compact"
    assert int(described["segment.bytes"]) > 0


def test_a_setting_can_be_changed_and_unset(cluster: Any) -> None:
    topic = cluster.new_topic(retention_ms="60000")
    plain = f"contract-{secrets.token_hex(6)}"
    cluster.admin.create_topics([NewTopic(plain, 1, 1)])[plain].result(10)
    cluster.wait_until_has(plain, 1)
    default = settings(cluster, plain)["retention.ms"]

    def alter(operation: AlterConfigOpType, value: str | None) -> None:
        entry = ConfigEntry("retention.ms", value, incremental_operation=operation)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        cluster.admin.incremental_alter_configs([resource])[resource].result(10)

    alter(AlterConfigOpType.SET, "120000")
    cluster.wait_for(lambda: settings(cluster, topic)["retention.ms"] == "120000")
    alter(AlterConfigOpType.DELETE, None)
    cluster.wait_for(lambda: settings(cluster, topic)["retention.ms"] == default)


def test_deleted_records_are_no_longer_read(cluster: Any) -> None:
    topic = cluster.new_topic()
    cluster.produce(topic, [b"%d" % number for number in range(10)])
    place = TopicPartition(topic, 0, 6)
    deleted = cluster.admin.delete_records([place])[place].result(10)
    assert deleted.low_watermark == 6
    assert cluster.watermarks(topic) == (6, 10)
    assert [message.value() for message in cluster.read(topic, 4)] == [b"6", b"7", b"8", b"9"]


def test_records_beyond_the_end_are_not_deleted(cluster: Any) -> None:
    place = TopicPartition(cluster.new_topic(), 0, 6)
    assert error_of(cluster.admin.delete_records([place])[place]) == "OFFSET_OUT_OF_RANGE"


def test_a_topic_comes_into_being_when_it_is_first_produced_to(cluster: Any) -> None:
    topic = f"contract-{secrets.token_hex(6)}"
    cluster.produce(topic, [b"first"])
    assert cluster.read(topic, 1)[0].value() == b"first"


def test_aiokafkas_administrator_creates_describes_empties_and_deletes(cluster: Any) -> None:
    topic = f"contract-{secrets.token_hex(6)}"
    place = AioTopicPartition(topic, 1)

    async def live() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
        await admin.start()
        try:
            wanted = AioNewTopic(topic, 2, 1, topic_configs={"retention.ms": "-1"})
            await admin.create_topics([wanted])
            await asyncio.to_thread(cluster.wait_until_has, topic, 2)
            (described,) = await admin.describe_topics([topic])
            assert described["error_code"] == 0
            assert sorted(part["partition"] for part in described["partitions"]) == [0, 1]
            assert all(part["leader"] in part["replicas"] for part in described["partitions"])
            await asyncio.to_thread(cluster.produce, topic, [b"a", b"b", b"c"], partition=1)
            await admin.delete_records({place: RecordsToDelete(2)})
            await asyncio.to_thread(
                cluster.wait_for, lambda: cluster.watermarks(topic, 1) == (2, 3)
            )
            await admin.delete_topics([topic])
            await asyncio.to_thread(cluster.wait_until_has, topic, 0)
        finally:
            await admin.close()

    asyncio.run(live())
