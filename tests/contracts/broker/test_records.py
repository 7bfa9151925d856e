import asyncio
import statistics
import time
from typing import Any

import pytest
from aiokafka import TopicPartition as AioTopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from confluent_kafka import TIMESTAMP_CREATE_TIME, Producer, TopicPartition

FIVE_MB = 5 * 1000 * 1000


def test_key_value_headers_and_timestamp_come_back(cluster: Any) -> None:
    topic = cluster.new_topic()

    async def exchange() -> Any:
        async with cluster.aio_producer() as producer:
            headers = [("a", b"1"), ("a", b"2"), ("empty", b"")]
            await producer.send_and_wait(
                topic, b"value", key=b"key", headers=headers, timestamp_ms=1_700_000_000_123
            )
        async with cluster.aio_consumer(topic) as consumer:
            return await consumer.getone()

    record = asyncio.run(exchange())
    assert (record.key, record.value, record.timestamp) == (b"key", b"value", 1_700_000_000_123)
    assert record.headers == (("a", b"1"), ("a", b"2"), ("empty", b""))


def test_what_librdkafka_wrote_comes_back_whole_to_both_kinds_of_client(cluster: Any) -> None:
    topic = cluster.new_topic()
    headers = [("a", b"1"), ("a", b"2"), ("none", None)]
    cluster.produce(topic, [b"v"], key=b"k", headers=headers, timestamp=1_700_000_000_456)
    (message,) = cluster.read(topic, 1)
    assert (message.key(), message.value(), message.headers()) == (b"k", b"v", headers)
    assert message.timestamp() == (TIMESTAMP_CREATE_TIME, 1_700_000_000_456)

    async def read() -> Any:
        async with cluster.aio_consumer(topic) as consumer:
            return await consumer.getone()

    record = asyncio.run(read())
    assert (record.key, record.value, record.headers) == (b"k", b"v", tuple(headers))
    assert record.timestamp == 1_700_000_000_456


def test_a_null_key_and_a_null_value_stay_null(cluster: Any) -> None:
    topic = cluster.new_topic()
    cluster.produce(topic, [None])
    (message,) = cluster.read(topic, 1)
    assert (message.key(), message.value()) == (None, None)


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
def test_a_compressed_batch_is_read_by_the_other_client(cluster: Any, compression: str) -> None:
    topic = cluster.new_topic()
    values = [b"a rather repetitive value " * 20 + b"%d" % number for number in range(50)]

    async def write() -> None:
        async with cluster.aio_producer(compression_type=compression, linger_ms=20) as producer:
            sent = [await producer.send(topic, value) for value in values]
            await asyncio.gather(*sent)

    asyncio.run(write())
    assert [message.value() for message in cluster.read(topic, 50)] == values


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_a_batch_of_librdkafka_is_read_by_aiokafka(cluster: Any, compression: str) -> None:
    topic = cluster.new_topic(compression_type="producer")
    values = [b"another repetitive value " * 20 + b"%d" % number for number in range(50)]

    producer = Producer({"bootstrap.servers": cluster.bootstrap, "compression.type": compression})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(10) == 0

    async def read() -> list[bytes]:
        async with cluster.aio_consumer(topic) as consumer:
            return [(await consumer.getone()).value for _ in values]

    assert asyncio.run(read()) == values


def test_a_record_of_five_megabytes_passes(cluster: Any) -> None:
    topic = cluster.new_topic(max_message_bytes="8388608")
    value = bytes(range(256)) * (FIVE_MB // 256)

    async def exchange() -> bytes:
        async with cluster.aio_producer(max_request_size=8 << 20) as producer:
            await producer.send_and_wait(topic, value)
        async with cluster.aio_consumer(topic) as consumer:
            return bytes((await consumer.getone()).value)

    assert asyncio.run(exchange()) == value


def test_librdkafka_passes_five_megabytes_too(cluster: Any) -> None:
    topic = cluster.new_topic(max_message_bytes="8388608")
    value = bytes(range(256)) * (FIVE_MB // 256)
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "message.max.bytes": 8 << 20})
    for _ in range(3):
        producer.produce(topic, value)
        assert producer.flush(20) == 0
    assert [message.value() for message in cluster.read(topic, 3)] == [value] * 3


def test_a_record_above_the_topics_limit_is_refused(cluster: Any) -> None:
    topic = cluster.new_topic(max_message_bytes="10000")

    async def write() -> None:
        async with cluster.aio_producer() as producer:
            with pytest.raises(MessageSizeTooLargeError):
                await producer.send_and_wait(topic, b"x" * 20_000)
            await producer.send_and_wait(topic, b"small")

    asyncio.run(write())
    assert cluster.read(topic, 1)[0].value() == b"small"


def test_offsets_count_up_from_zero_in_each_partition(cluster: Any) -> None:
    topic = cluster.new_topic(partitions=2)
    cluster.produce(topic, [b"%d" % number for number in range(200)], partition=1)
    messages = cluster.read(topic, 200, partition=1)
    assert [message.offset() for message in messages] == list(range(200))
    assert [message.value() for message in messages] == [b"%d" % n for n in range(200)]
    assert cluster.watermarks(topic, 0) == (0, 0)
    assert cluster.watermarks(topic, 1) == (0, 200)


def test_reading_can_begin_at_any_offset(cluster: Any) -> None:
    topic = cluster.new_topic()
    cluster.produce(topic, [b"%d" % number for number in range(100)])
    for offset in (0, 1, 57, 99):
        message = cluster.read(topic, 1, offset=offset)[0]
        assert (message.offset(), message.value()) == (offset, b"%d" % offset)


def test_a_time_is_found_exact_to_the_record(cluster: Any) -> None:
    topic = cluster.new_topic()

    async def write() -> None:
        async with cluster.aio_producer(compression_type="lz4", linger_ms=50) as producer:
            sent = [
                await producer.send(topic, b"x", timestamp_ms=1_000_000 + 10 * number)
                for number in range(300)
            ]
            await asyncio.gather(*sent)

    asyncio.run(write())
    consumer = cluster.consumer("times")
    try:
        for wanted, expected in [(0, 0), (1_000_000, 0), (1_000_001, 1), (1_001_235, 124)]:
            (found,) = consumer.offsets_for_times([TopicPartition(topic, 0, wanted)], 10)
            assert found.offset == expected
        (beyond,) = consumer.offsets_for_times([TopicPartition(topic, 0, 2_000_000)], 10)
        assert beyond.offset < 0
    finally:
        consumer.close()


def test_aiokafka_finds_a_time_in_each_partition_and_reads_on_from_there(cluster: Any) -> None:
    topic = cluster.new_topic(partitions=2)
    for partition in (0, 1):
        for number in range(5):
            at_ms = 1_000_000 + 1000 * number + partition
            cluster.produce(topic, [b"%d" % number], partition=partition, timestamp=at_ms)
    first, second = (AioTopicPartition(topic, partition) for partition in (0, 1))

    async def look() -> tuple[Any, bytes]:
        async with cluster.aio_consumer() as consumer:
            consumer.assign([first, second])
            found = await consumer.offsets_for_times({first: 1_002_000, second: 1_004_002})
            consumer.seek(first, found[first].offset)
            consumer.pause(second)
            return found, (await consumer.getone(first)).value

    found, value = asyncio.run(look())
    assert (found[first].offset, found[first].timestamp) == (2, 1_002_000)
    assert found[second] is None
    assert value == b"2"


def test_an_offset_out_of_range_resets_to_the_beginning(cluster: Any) -> None:
    topic = cluster.new_topic()
    cluster.produce(topic, [b"first", b"second"])
    assert cluster.read(topic, 1, offset=1000)[0].value() == b"first"


def test_a_waiting_consumer_gets_a_record_at_once(cluster: Any) -> None:
    topic = cluster.new_topic()

    async def exchange() -> list[float]:
        seconds = []
        async with cluster.aio_producer() as producer, cluster.aio_consumer(topic) as consumer:
            await producer.send_and_wait(topic, b"warm-up")
            await consumer.getone()
            for _ in range(30):
                # aiokafka fetches only while somebody waits for a record.
                waiting = asyncio.create_task(consumer.getone())
                await asyncio.sleep(0.02)
                start = time.perf_counter()
                await producer.send(topic, b"x")
                await waiting
                seconds.append(time.perf_counter() - start)
        return seconds

    # Far below the half second for which a fetch waits when nothing wakes it.
    assert statistics.median(asyncio.run(exchange())) < 0.2


def test_a_record_from_far_in_the_future_is_refused_unless_its_topic_takes_it(
    cluster: Any,
) -> None:
    now_ms, hour_ms = time.time_ns() // 1_000_000, 3_600_000

    def answer(topic: str, timestamp: int) -> str | None:
        errors: list[Any] = []
        producer = Producer({"bootstrap.servers": cluster.bootstrap})
        producer.produce(
            topic, b"x", timestamp=timestamp, on_delivery=lambda error, _: errors.append(error)
        )
        assert producer.flush(10) == 0
        return errors[0] and str(errors[0].name())

    plain = cluster.new_topic()
    patient = cluster.new_topic(message_timestamp_after_max_ms=str(100 * hour_ms))
    assert answer(plain, now_ms + hour_ms // 2) is None
    assert answer(plain, now_ms + 2 * hour_ms) == "INVALID_TIMESTAMP"
    assert answer(patient, now_ms + 2 * hour_ms) is None
    assert [cluster.watermarks(topic)[1] for topic in (plain, patient)] == [1, 1]


def test_a_compacted_topic_refuses_a_record_without_a_key(cluster: Any) -> None:
    topic = cluster.new_topic(cleanup_policy="compact")
    errors: list[str] = []
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    producer.produce(topic, b"no key", on_delivery=lambda error, _: errors.append(error.name()))
    assert producer.flush(10) == 0
    assert errors == ["INVALID_RECORD"]
    cluster.produce(topic, [b"with one"], key=b"k")
    assert cluster.read(topic, 1)[0].value() == b"with one"


def test_unacknowledged_sends_arrive_too(cluster: Any) -> None:
    topic = cluster.new_topic()

    async def write() -> None:
        async with cluster.aio_producer(acks=0) as producer:
            for number in range(20):
                await producer.send(topic, b"%d" % number)
            await producer.flush()

    asyncio.run(write())
    assert len(cluster.read(topic, 20)) == 20


def test_many_producers_into_one_partition_lose_and_repeat_nothing(cluster: Any) -> None:
    topic = cluster.new_topic()

    async def write(producer_number: int) -> None:
        async with cluster.aio_producer(enable_idempotence=True) as producer:
            for number in range(100):
                await producer.send(topic, b"%d-%d" % (producer_number, number))
            await producer.flush()

    async def write_all() -> list[bytes]:
        reader = cluster.aio_consumer(topic)
        await reader.start()
        writers = [asyncio.create_task(write(number)) for number in range(8)]
        values = [(await reader.getone()).value for _ in range(800)]
        await asyncio.gather(*writers)
        await reader.stop()
        return values

    live = asyncio.run(write_all())
    expected = {b"%d-%d" % (p, n) for p in range(8) for n in range(100)}
    assert len(live) == 800
    assert set(live) == expected
