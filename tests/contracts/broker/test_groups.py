import asyncio
import time
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as AioTopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
)


async def until_assigned(consumers: list[AIOKafkaConsumer], shares: list[int]) -> None:
    """Wait until the consumers hold these numbers of partitions, in any order."""
    async with asyncio.timeout(15):
        while sorted(len(consumer.assignment()) for consumer in consumers) != sorted(shares):
            await asyncio.sleep(0.02)


def until_held(consumer: Consumer, partitions: int, seconds: float = 20) -> float:
    """Poll until the consumer holds so many partitions; return how long it took."""
    start = time.monotonic()
    while len(consumer.assignment()) != partitions:
        assert time.monotonic() - start < seconds, f"holds {consumer.assignment()}"
        consumer.poll(0.05)
    return time.monotonic() - start


def committed(consumer: Consumer, topic: str, partition: int = 0) -> int:
    (place,) = consumer.committed([TopicPartition(topic, partition)], 10)
    return int(place.offset)


def test_two_members_share_the_partitions_and_one_takes_over(cluster: Any) -> None:
    topic, group = cluster.new_topic(partitions=4), cluster.new_group()

    async def live() -> None:
        first = cluster.aio_consumer(topic, group_id=group)
        second = cluster.aio_consumer(topic, group_id=group)
        await first.start()
        await until_assigned([first], [4])
        await second.start()
        await until_assigned([first, second], [2, 2])
        assert first.assignment() | second.assignment() == {(topic, p) for p in range(4)}
        await second.stop()
        await until_assigned([first], [4])
        await first.stop()

    asyncio.run(live())


def test_a_first_member_starts_quickly(cluster: Any) -> None:
    topic = cluster.new_topic()
    cluster.produce(topic, [b"x"])

    async def live() -> float:
        start = time.monotonic()
        async with cluster.aio_consumer(topic, group_id=cluster.new_group()) as consumer:
            await consumer.getone()
            return time.monotonic() - start

    # Apache Kafka waits three seconds for more members by default.
    assert asyncio.run(live()) < 5


def test_clients_of_both_kinds_share_one_group(cluster: Any) -> None:
    topic, group = cluster.new_topic(partitions=2), cluster.new_group()
    other = cluster.consumer(group, partition_assignment_strategy="roundrobin")
    other.subscribe([topic])
    until_held(other, 2)

    async def live() -> None:
        consumer = cluster.aio_consumer(topic, group_id=group)
        started = asyncio.create_task(consumer.start())
        async with asyncio.timeout(15):
            while len(consumer.assignment()) != 1 or len(other.assignment()) != 1:
                await asyncio.to_thread(other.poll, 0.05)
        await started
        await consumer.stop()

    try:
        asyncio.run(live())
        until_held(other, 2)
    finally:
        other.close()


def test_a_consumer_resumes_behind_its_last_commit(cluster: Any) -> None:
    topic, group = cluster.new_topic(), cluster.new_group()
    cluster.produce(topic, [b"%d" % number for number in range(10)])
    for expected in (0, 4, 8):
        consumer = cluster.consumer(group)
        consumer.subscribe([topic])
        messages = cluster.take(consumer, 2)
        assert messages[0].offset() == expected
        place = TopicPartition(topic, 0, expected + 4, metadata=f"note {expected}")
        consumer.commit(offsets=[place], asynchronous=False)
        (found,) = consumer.committed([TopicPartition(topic, 0)], 10)
        assert (found.offset, found.metadata) == (expected + 4, f"note {expected}")
        consumer.close()


def test_nothing_is_committed_for_a_group_that_never_did(cluster: Any) -> None:
    topic = cluster.new_topic()
    consumer = cluster.consumer(cluster.new_group())
    assert committed(consumer, topic) < 0
    consumer.close()


def test_an_administrator_reads_resets_and_deletes_an_empty_groups_offsets(cluster: Any) -> None:
    topic, group = cluster.new_topic(), cluster.new_group()
    cluster.produce(topic, [b"a", b"b", b"c"])
    consumer = cluster.consumer(group)
    consumer.subscribe([topic])
    cluster.take(consumer, 3)
    consumer.commit(asynchronous=False)
    place = TopicPartition(topic, 0, 1)
    reset = ConsumerGroupTopicPartitions(group, [place])
    refused = cluster.admin.alter_consumer_group_offsets([reset])[group].result(10)
    (row,) = refused.topic_partitions  # not while a member is there
    assert row.error.code() == KafkaError.UNKNOWN_MEMBER_ID
    consumer.close()

    cluster.wait_for(lambda: state(cluster, group) == "EMPTY")
    cluster.admin.alter_consumer_group_offsets([reset])[group].result(10)
    listed = cluster.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
    assert [p.offset for p in listed[group].result(10).topic_partitions] == [1]

    cluster.admin.delete_consumer_groups([group])[group].result(10)
    consumer = cluster.consumer(group)
    assert committed(consumer, topic) < 0
    consumer.close()


def state(cluster: Any, group: str) -> str:
    description = cluster.admin.describe_consumer_groups([group])[group].result(10)
    return str(description.state.name)


def test_groups_are_listed_and_described(cluster: Any) -> None:
    topic, group = cluster.new_topic(partitions=2), cluster.new_group()
    consumer = cluster.consumer(group, client_id="the-client")
    consumer.subscribe([topic])
    until_held(consumer, 2)
    description = cluster.admin.describe_consumer_groups([group])[group].result(10)
    (member,) = description.members
    held = sorted((p.topic, p.partition) for p in member.assignment.topic_partitions)
    assert (description.state.name, member.client_id) == ("STABLE", "the-client")
    assert held == [(topic, 0), (topic, 1)]
    listed = cluster.admin.list_consumer_groups().result(10)
    assert group in {row.group_id for row in listed.valid}
    consumer.close()


def test_a_group_with_members_is_not_deleted(cluster: Any) -> None:
    topic, group = cluster.new_topic(), cluster.new_group()
    consumer = cluster.consumer(group)
    consumer.subscribe([topic])
    until_held(consumer, 1)
    with pytest.raises(KafkaException) as caught:
        cluster.admin.delete_consumer_groups([group])[group].result(10)
    assert caught.value.args[0].code() == KafkaError.NON_EMPTY_GROUP
    consumer.close()


def test_an_unknown_group_is_not_deleted(cluster: Any) -> None:
    with pytest.raises(KafkaException) as caught:
        cluster.admin.delete_consumer_groups(["contract-none"])["contract-none"].result(10)
    assert caught.value.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND


def test_a_session_timeout_outside_the_limits_is_refused(cluster: Any) -> None:
    topic = cluster.new_topic()
    consumer = cluster.consumer(
        cluster.new_group(), session_timeout_ms=10, heartbeat_interval_ms=3
    )
    consumer.subscribe([topic])
    deadline = time.monotonic() + 10
    error = None
    while error is None and time.monotonic() < deadline:
        message = consumer.poll(0.1)
        error = message.error() if message is not None else None
    assert error is not None
    assert error.code() == KafkaError.INVALID_SESSION_TIMEOUT
    consumer.close()


def test_a_static_member_comes_back_without_a_rebalance_and_is_replaced_when_it_stays_away(
    cluster: Any,
) -> None:
    topic, group = cluster.new_topic(partitions=2), cluster.new_group()
    stays = cluster.consumer(group, group_instance_id="stays")
    returns = cluster.consumer(group, group_instance_id="returns")
    revoked: list[int] = []
    stays.subscribe([topic], on_revoke=lambda _c, places: revoked.append(len(places)))
    until_held(stays, 2)
    returns.subscribe([topic])
    while len(returns.assignment()) != 1 or len(stays.assignment()) != 1:
        stays.poll(0.05)
        returns.poll(0.05)
    held = returns.assignment()
    rebalances = len(revoked)

    returns.close()  # a static member says no goodbye
    returns = cluster.consumer(group, group_instance_id="returns")
    returns.subscribe([topic])
    while not returns.assignment():
        stays.poll(0.05)
        returns.poll(0.05)
    assert (returns.assignment(), len(revoked)) == (held, rebalances)

    returns.close()
    assert until_held(stays, 2) > 3  # only when its session of six seconds was over
    stays.close()


def test_aiokafkas_static_member_comes_back_to_its_partitions(cluster: Any) -> None:
    topic, group = cluster.new_topic(partitions=4), cluster.new_group()

    def member(name: str) -> AIOKafkaConsumer:
        return cluster.aio_consumer(topic, group_id=group, group_instance_id=name)

    async def live() -> None:
        stays, returns = member("stays"), member("returns")
        await stays.start()
        await returns.start()
        await until_assigned([stays, returns], [2, 2])
        held = returns.assignment()
        await returns.stop()
        returns = member("returns")
        await returns.start()
        await until_assigned([stays, returns], [2, 2])
        assert returns.assignment() == held
        await returns.stop()
        await stays.stop()

    asyncio.run(live())


def test_aiokafka_resets_a_group_by_seeking_and_committing(cluster: Any) -> None:
    topic, group = cluster.new_topic(), cluster.new_group()
    cluster.produce(topic, [b"%d" % number for number in range(6)])
    place = AioTopicPartition(topic, 0)

    async def read(reset_to: int | None) -> bytes:
        async with cluster.aio_consumer(group_id=group) as consumer:
            consumer.assign([place])
            value = bytes((await consumer.getone()).value)
            if reset_to is None:
                await consumer.commit()
            else:
                await consumer.commit({place: OffsetAndMetadata(reset_to, "reset")})
            return value

    values = [asyncio.run(read(reset_to)) for reset_to in (None, 5, 0, None)]
    assert values == [b"0", b"1", b"5", b"0"]


def test_aiokafkas_administrator_lists_groups_and_their_offsets(cluster: Any) -> None:
    topic, group = cluster.new_topic(), cluster.new_group()
    cluster.produce(topic, [b"a", b"b"])
    consumer = cluster.consumer(group)
    consumer.subscribe([topic])
    cluster.take(consumer, 2)
    consumer.commit(asynchronous=False)

    async def look() -> tuple[list[Any], Any]:
        admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(group)
            return await admin.list_consumer_groups(), offsets
        finally:
            await admin.close()

    groups, offsets = asyncio.run(look())
    assert (group, "consumer") in groups
    assert {place: found.offset for place, found in offsets.items()} == {(topic, 0): 2}
    consumer.close()


def test_a_second_holder_of_an_instance_id_fences_the_first(cluster: Any) -> None:
    topic, group = cluster.new_topic(), cluster.new_group()
    first = cluster.consumer(group, group_instance_id="one")
    first.subscribe([topic])
    until_held(first, 1)
    second = cluster.consumer(group, group_instance_id="one")
    second.subscribe([topic])
    until_held(second, 1)
    codes = []
    deadline = time.monotonic() + 10
    while KafkaError._FATAL not in codes and time.monotonic() < deadline:
        message = first.poll(0.1)
        if message is not None and message.error() is not None:
            codes.append(message.error().code())
    assert KafkaError._FATAL in codes
    first.close()
    second.close()
