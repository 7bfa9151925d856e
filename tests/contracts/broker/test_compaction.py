import time
from typing import Any

from confluent_kafka import Consumer, TopicPartition


def everything(consumer: Consumer, topic: str, end: int) -> list[tuple[bytes, bytes | None]]:
    """Read a partition from the beginning to where its last record is."""
    consumer.assign([TopicPartition(topic, 0, 0)])
    rows: list[tuple[bytes, bytes | None]] = []
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for message in consumer.consume(1000, 0.2):
            assert message.error() is None
            rows.append((message.key(), message.value()))
            if message.offset() >= end - 1:
                return rows
    return rows


def test_of_each_key_the_last_record_stays(cluster: Any) -> None:
    topic = cluster.new_topic(
        cleanup_policy="compact",
        segment_ms="100",
        min_cleanable_dirty_ratio="0.01",
        max_compaction_lag_ms="100",
    )
    for round_number in range(3):
        for key in (b"a", b"b", b"c"):
            cluster.produce(topic, [b"%s%d" % (key, round_number)], key=key)
        time.sleep(0.15)  # the segment's age is what makes the broker close it
    cluster.produce(topic, [None], key=b"b")
    time.sleep(0.15)
    cluster.produce(topic, [b"end"], key=b"end")
    end = cluster.watermarks(topic)[1]

    consumer = cluster.consumer("compaction")
    expected = [(b"a", b"a2"), (b"c", b"c2"), (b"b", None), (b"end", b"end")]
    cluster.wait_for(lambda: everything(consumer, topic, end) == expected, seconds=60)
    # Offsets stay as they were: the last record of "a" is still the seventh of the partition.
    assert cluster.read(topic, 1)[0].offset() == 6
    consumer.close()
