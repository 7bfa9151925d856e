"""The broker's process under seeded hostile bytes through real sockets: it lives and serves on."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.agents.broker.hostile import NAMES, Hostile
from tests.agents.broker.process_memory import peak_mib, resident_mib
from tests.clusters.embedded import EmbeddedCluster
from tests.contracts.broker.clients import Clients

pytestmark = pytest.mark.integration

_AT_ONCE = 16
_MOST_GROWTH_MIB = 200


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(tmp_path, max_fetch_wait_ms=50, segment_ms=200) as running:
        clients = Clients(running.bootstrap)
        for name in NAMES[:3]:
            policy = "compact" if name.endswith("compacted") else "delete"
            clients.create(name, cleanup_policy=policy, retention_ms="-1")
        yield running


@pytest.mark.parametrize("seed", [1, 2])
def test_hostile_bytes_neither_end_nor_bloat_the_broker(
    broker: EmbeddedCluster, seed: int
) -> None:
    survives(broker, seed, inputs=400)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(100, 110))
def test_many_more_hostile_bytes_do_not_either(broker: EmbeddedCluster, seed: int) -> None:
    survives(broker, seed, inputs=5_000)


def survives(broker: EmbeddedCluster, seed: int, inputs: int) -> None:
    """Throw so many inputs at the broker, and use it as a client does before and after."""
    pid = broker.pids[1]
    use(broker)
    before = resident_mib(pid)
    hostile = Hostile(seed)
    for _ in range(inputs // 200):
        blobs = [hostile.blob() for _ in range(200)]
        asyncio.run(throw(broker, blobs))
        assert broker.pids == {1: pid}, broker.logs()
        use(broker)
    assert peak_mib(pid) - before < _MOST_GROWTH_MIB
    _, trace, rest = broker.log.read_text().partition("Traceback")
    assert not trace, rest[:3_000]


def use(broker: EmbeddedCluster) -> None:
    """What a plain client needs: a topic, its records, a group."""
    clients = Clients(broker.bootstrap)
    topic, group = clients.new_topic(), clients.new_group()
    clients.produce(topic, [b"one", b"two"], key=b"k")
    consumer = clients.consumer(group)
    consumer.subscribe([topic])
    assert [message.value() for message in clients.take(consumer, 2)] == [b"one", b"two"]
    consumer.commit(asynchronous=False)
    consumer.close()
    clients.admin.delete_topics([topic])[topic].result(10)


async def throw(broker: EmbeddedCluster, blobs: list[bytes]) -> None:
    """Send each blob over a connection of its own, some at a time."""
    port = int(broker.bootstrap.rpartition(":")[2])
    turn = asyncio.Semaphore(_AT_ONCE)

    async def send(number: int, blob: bytes) -> None:
        async with turn:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            if number % 2:  # at its end a reset instead of a goodbye
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(0.3):
                    writer.write(blob)
                    await writer.drain()
                    if number % 3:
                        writer.write_eof()
                        await reader.read()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    await asyncio.gather(*(send(number, blob) for number, blob in enumerate(blobs)))
