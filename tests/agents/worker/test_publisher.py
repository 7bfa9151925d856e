import asyncio
import logging

import pytest

from agents.kafka import KafkaConfig
from agents.telemetry import Telemetry
from agents.worker.cluster import Cluster
from agents.worker.config import WorkerConfig
from agents.worker.publisher import OversizedError, Publisher, PublishError
from agents.worker.stage import Outgoing

pytestmark = pytest.mark.integration


async def topics_are_there():
    """The broker creates them."""


def a_publisher(stand, **worker):
    cluster = Cluster(
        kafka=KafkaConfig(bootstrap=stand.bootstrap, max_message_bytes=10_000),
        worker=WorkerConfig(**worker),
        metrics=Telemetry().kafka,
        prepare=topics_are_there,
    )
    return Publisher(cluster, lambda: None)


def test_records_arrive_in_order_with_headers_and_partition(on_stand):
    async def scenario(stand):
        await stand.create(out=2)
        publisher = a_publisher(stand)
        await publisher.start()
        rows = [Outgoing("out", b"k", b"%d" % n, (("h", b"v"),), 1) for n in range(3_000)]
        await publisher.publish(rows)
        await publisher.stop()
        found = await stand.read("out")
        assert [record.value for record in found] == [row.value for row in rows]
        assert {(record.partition, record.headers) for record in found} == {(1, (("h", b"v"),))}

    on_stand(scenario)


def test_what_a_lost_broker_still_owes_is_given_up_at_once_and_not_sent_later(on_stand, caplog):
    async def scenario(stand):
        await stand.create(out=1)
        publisher = a_publisher(stand, publish_seconds=1.0)
        await publisher.start()
        await publisher.publish([Outgoing("out", None, b"before")])
        await stand.stop_broker()
        with pytest.raises(PublishError, match=r"1 records not acknowledged in 1\.0 s"):
            await publisher.publish([Outgoing("out", None, b"lost")])
        async with asyncio.timeout(2):
            await publisher.stop()
        await stand.start_broker()
        assert [record.value for record in await stand.read("out")] == [b"before"]
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert not [task for task in others if "aiokafka" in repr(task)]

    caplog.set_level(logging.CRITICAL, "aiokafka")
    on_stand(scenario)


def test_a_record_that_no_retry_can_deliver_is_an_error_that_says_which(on_stand):
    async def scenario(stand):
        publisher = a_publisher(stand)
        await publisher.start()
        with pytest.raises(OversizedError, match="topic out does not take a record of 200000"):
            await publisher.publish([Outgoing("out", None, bytes(200_000))])
        await publisher.stop()

    on_stand(scenario)
