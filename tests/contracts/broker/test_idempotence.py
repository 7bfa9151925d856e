import asyncio
from typing import Any

from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from confluent_kafka import Producer

STILL_LOADING, OUT_OF_ORDER, FENCED = 14, 45, 47


def a_batch(producer_id: int, epoch: int, sequence: int, values: list[bytes]) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, 0, producer_id, epoch, sequence, 1 << 20)
    for delta, value in enumerate(values):
        builder.append(delta, 1_000_000, None, value, [])
    return bytes(builder.build())


async def send(connection: AIOKafkaConnection, topic: str, batch: bytes) -> tuple[int, int]:
    response = await connection.send(ProduceRequest(None, -1, 10_000, [(topic, [(0, batch)])]))
    (_, ((_, error, offset, *_),)) = response.topics[0]
    return error, offset


async def new_producer(connection: AIOKafkaConnection) -> int:
    async with asyncio.timeout(20):
        while True:
            response = await connection.send(InitProducerIdRequest(None, 60_000))
            if response.error_code != STILL_LOADING:
                break
            await asyncio.sleep(0.1)  # an external broker that has just been started
    assert response.error_code == 0
    return int(response.producer_id)


def test_a_repeated_batch_is_stored_once_and_acknowledged_twice(cluster: Any) -> None:
    topic = cluster.new_topic()

    async def talk(connection: AIOKafkaConnection) -> list[Any]:
        producer = await new_producer(connection)
        first = a_batch(producer, 0, 0, [b"a", b"b"])
        second = a_batch(producer, 0, 2, [b"c"])
        return [await send(connection, topic, batch) for batch in (first, second, first, second)]

    assert cluster.with_connection(talk, topic) == [(0, 0), (0, 2), (0, 0), (0, 2)]
    assert [message.value() for message in cluster.read(topic, 3)] == [b"a", b"b", b"c"]
    assert cluster.watermarks(topic) == (0, 3)


def test_a_gap_in_the_sequence_is_refused(cluster: Any) -> None:
    topic = cluster.new_topic()

    async def talk(connection: AIOKafkaConnection) -> list[Any]:
        producer = await new_producer(connection)
        await send(connection, topic, a_batch(producer, 0, 0, [b"a"]))
        return [await send(connection, topic, a_batch(producer, 0, 5, [b"far"]))]

    ((error, _),) = cluster.with_connection(talk, topic)
    assert error == OUT_OF_ORDER
    assert cluster.watermarks(topic) == (0, 1)


def test_an_older_epoch_is_fenced(cluster: Any) -> None:
    topic = cluster.new_topic()

    async def talk(connection: AIOKafkaConnection) -> list[Any]:
        producer = await new_producer(connection)
        await send(connection, topic, a_batch(producer, 1, 0, [b"new epoch"]))
        return [await send(connection, topic, a_batch(producer, 0, 0, [b"old epoch"]))]

    ((error, _),) = cluster.with_connection(talk, topic)
    assert error == FENCED


def test_two_producers_never_share_an_id(cluster: Any) -> None:
    async def talk(connection: AIOKafkaConnection) -> list[Any]:
        return [await new_producer(connection) for _ in range(10)]

    assert len(set(cluster.with_connection(talk))) == 10


def test_idempotent_clients_of_both_kinds_deliver(cluster: Any) -> None:
    topic = cluster.new_topic()

    async def write() -> None:
        async with cluster.aio_producer(enable_idempotence=True) as producer:
            for number in range(20):
                await producer.send_and_wait(topic, b"aiokafka %d" % number)

    asyncio.run(write())

    producer = Producer({"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True})
    for number in range(20):
        producer.produce(topic, b"librdkafka %d" % number)
    assert producer.flush(10) == 0
    assert len({message.value() for message in cluster.read(topic, 40)}) == 40
