"""A process that is killed while its last segment is written: what is left of it is repaired."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clusters.embedded import EmbeddedCluster
from tests.contracts.broker.clients import Clients

pytestmark = pytest.mark.integration

Damage = Callable[[Path], None]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(tmp_path) as running:
        yield running


def cut_inside_the_last_batch(segment: Path) -> None:
    os.truncate(segment, segment.stat().st_size - 10)


def flip_a_bit_of_the_last_batch(segment: Path) -> None:
    data = bytearray(segment.read_bytes())
    data[-5] ^= 1
    segment.write_bytes(data)


def add_noise(segment: Path) -> None:
    with segment.open("ab") as file:
        file.write(b"\x00\x01noise" * 40)


def add_zeros(segment: Path) -> None:
    """What some file systems leave behind when the power goes: the length, not the bytes."""
    with segment.open("ab") as file:
        file.write(bytes(5_000))


@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        (cut_inside_the_last_batch, 4),
        (flip_a_bit_of_the_last_batch, 4),
        (add_noise, 5),
        (add_zeros, 5),
    ],
    ids=["cut", "flipped", "noise", "zeros"],
)
def test_whole_batches_stay_the_torn_one_goes_and_offsets_go_on(
    broker: EmbeddedCluster, damage: Damage, kept: int
) -> None:
    clients = Clients(broker.bootstrap)
    topic = clients.new_topic()
    for number in range(5):
        clients.produce(topic, [b"%d" % number])
    broker.kill()
    (segment,) = broker.data.glob(f"topics/{topic}.*/0/*.log")
    damage(segment)
    broker.restart()
    clients = Clients(broker.bootstrap)
    assert clients.watermarks(topic) == (0, kept)
    clients.produce(topic, [b"after"])
    read = clients.read(topic, kept + 1)
    assert [message.offset() for message in read] == list(range(kept + 1))
    assert [message.value() for message in read] == [*(b"%d" % n for n in range(kept)), b"after"]
    assert "not whole batches" in broker.log.read_text()
