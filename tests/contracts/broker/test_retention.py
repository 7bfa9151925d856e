"""Records go by age and by size, by whole closed segments; what is left keeps its offsets."""

import time
from typing import Any

from tests.contracts.broker.clients import Clients

_HOUR_MS = 3_600_000
_HALF_MIB = 512 * 1024


def test_records_past_their_age_go_and_younger_ones_stay(cluster: Clients) -> None:
    topic = cluster.new_topic(retention_ms=str(_HOUR_MS), segment_ms="100")
    now_ms = time.time_ns() // 1_000_000
    cluster.produce(topic, [b"old 0", b"old 1"], timestamp=now_ms - 2 * _HOUR_MS)
    time.sleep(0.15)  # the segment's age is what makes the broker close it
    cluster.produce(topic, [b"young"], timestamp=now_ms)
    cluster.wait_for(lambda: cluster.watermarks(topic) == (2, 3), seconds=30)
    (kept,) = cluster.read(topic, 1)
    assert (kept.offset(), kept.value()) == (2, b"young")


def test_a_partition_is_cut_back_to_its_size(cluster: Clients) -> None:
    topic = cluster.new_topic(retention_bytes=str(3 * _HALF_MIB), segment_bytes=str(2 * _HALF_MIB))
    for number in range(8):
        cluster.produce(topic, [b"%d" % number * _HALF_MIB])
    cluster.wait_for(lambda: cluster.watermarks(topic)[0] > 0, seconds=30)
    low, high = settled(cluster, topic)
    assert high == 8
    assert 1 <= low <= 5, "no more is cut than the size asks for"
    left = cluster.read(topic, high - low, offset=low)
    assert [message.offset() for message in left] == list(range(low, high))
    assert [message.value()[:1] for message in left] == [b"%d" % n for n in range(low, high)]


def test_a_reader_of_records_that_have_gone_goes_on_with_the_first_that_is_left(
    cluster: Clients,
) -> None:
    topic = cluster.new_topic(retention_ms=str(_HOUR_MS), segment_ms="100")
    old_ms = time.time_ns() // 1_000_000 - 2 * _HOUR_MS
    cluster.produce(topic, [b"old"] * 3, timestamp=old_ms)
    time.sleep(0.15)
    cluster.produce(topic, [b"young"])
    cluster.wait_for(lambda: cluster.watermarks(topic)[0] == 3, seconds=30)
    assert cluster.read(topic, 1, offset=1)[0].value() == b"young"


def settled(cluster: Any, topic: str) -> tuple[int, int]:
    """Return the watermarks once they no longer move."""
    before = cluster.watermarks(topic)
    while True:
        time.sleep(0.7)  # longer than the pause between two rounds of retention
        after = cluster.watermarks(topic)
        if after == before:
            return after
        before = after
