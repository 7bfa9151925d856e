"""What was acknowledged is there after kill -9, while clients go on by themselves."""

import asyncio
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import ConfigResource, ResourceType

from tests.clusters.cluster import Cluster
from tests.contracts.broker.clients import Clients

pytestmark = pytest.mark.integration


def kill_and_restart_all(running: Cluster) -> None:
    for node in running.nodes:
        running.kill(node)
    running.start()


def test_topics_records_settings_and_commits_survive_kill_9(own_cluster: Cluster) -> None:
    clients = Clients(own_cluster.bootstrap)
    topic = clients.new_topic(partitions=2, max_message_bytes="54321")
    clients.produce(topic, [b"%d" % n for n in range(500)], partition=1)
    consumer = clients.consumer("keeper")
    place = TopicPartition(topic, 1, 123, metadata="a note")
    consumer.commit(offsets=[place], asynchronous=False)
    consumer.close()
    gone = clients.new_topic()
    clients.admin.delete_topics([gone])[gone].result(10)

    kill_and_restart_all(own_cluster)

    clients = Clients(own_cluster.bootstrap)
    assert clients.partitions(topic) == [0, 1]
    assert clients.partitions(gone) == []
    resource = ConfigResource(ResourceType.TOPIC, topic)
    described = clients.admin.describe_configs([resource])[resource].result(10)
    assert described["max.message.bytes"].value == "54321"
    assert clients.watermarks(topic, 1)[1] == 500
    read = clients.read(topic, 500, partition=1)
    assert [message.value() for message in read] == [b"%d" % n for n in range(500)]
    wanted = ConsumerGroupTopicPartitions("keeper")
    listed = clients.admin.list_consumer_group_offsets([wanted])["keeper"].result(20)
    (row,) = listed.topic_partitions
    assert (row.topic, row.partition, row.offset) == (topic, 1, 123)


def test_clients_go_on_through_a_kill_and_nothing_acknowledged_is_lost_or_doubled(
    own_cluster: Cluster,
) -> None:
    """An idempotent producer and a group member both live through the death of every node."""
    clients = Clients(own_cluster.bootstrap)
    clients.create("numbers")

    async def scenario() -> tuple[list[int], list[int]]:
        acknowledged: list[int] = []
        seen: list[int] = []
        stopping = asyncio.Event()
        tasks = [
            asyncio.create_task(produce(clients, acknowledged, stopping)),
            asyncio.create_task(consume(clients, seen)),
        ]
        try:
            await until(lambda: len(acknowledged) >= 200, tasks)
            await asyncio.to_thread(kill_and_restart_all, own_cluster)
            so_far = len(acknowledged)
            await until(lambda: len(acknowledged) >= so_far + 200, tasks)
            stopping.set()
            await tasks[0]
            await until(lambda: len(set(seen)) >= len(acknowledged), tasks[1:])
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return acknowledged, seen

    async def with_deadline() -> tuple[list[int], list[int]]:
        async with asyncio.timeout(150):
            return await scenario()

    acknowledged, seen = asyncio.run(with_deadline())
    low, high = clients.watermarks("numbers")
    stored = [int(message.value()) for message in clients.read("numbers", high - low)]
    assert stored == sorted(set(stored)), "in order, and an idempotent producer repeats nothing"
    assert set(acknowledged) <= set(stored)
    assert set(acknowledged) <= set(seen)


async def produce(clients: Clients, acknowledged: list[int], stopping: asyncio.Event) -> None:
    """Send numbers one by one, waiting for each acknowledgement through the outage."""
    # aiokafka gives a record up after this; three nodes take a quarter of a minute to come back.
    producer = clients.aio_producer(
        enable_idempotence=True, request_timeout_ms=60_000, retry_backoff_ms=100
    )
    number = 0
    async with producer:
        while not stopping.is_set():
            await producer.send_and_wait("numbers", b"%d" % number)
            acknowledged.append(number)
            number += 1


async def consume(clients: Clients, seen: list[int]) -> None:
    """Read as a group member, committing behind what was read."""
    async with clients.aio_consumer("numbers", group_id="readers") as consumer:
        while True:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                seen.extend(int(record.value) for record in records)


async def until(condition: Any, tasks: list[asyncio.Task[None]]) -> None:
    """Wait for what the tasks bring about; a task that ends has failed."""
    while not condition():
        for task in tasks:
            assert not task.done(), task.exception()
        await asyncio.sleep(0.01)
