import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import TransactionalIdAuthorizationFailed
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker


def with_broker(
    folder: Path, scenario: Callable[[EmbeddedBroker], Awaitable[Any]], **changes: Any
) -> Any:
    async def run() -> Any:
        broker = EmbeddedBroker(BrokerConfig(**{"port": 0, "data_dir": folder, **changes}))
        await broker.start()
        try:
            async with asyncio.timeout(20):
                return await scenario(broker)
        finally:
            await broker.stop()

    return asyncio.run(run())


async def connect(broker: EmbeddedBroker) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = broker.bootstrap.rpartition(":")
    return await asyncio.open_connection(host.strip("[]"), int(port))


async def ask_versions(broker: EmbeddedBroker) -> bytes:
    """Do what every client does first; the answer shows that the broker is well."""
    reader, writer = await connect(broker)
    writer.write(struct.pack(">ihhih", 10, 18, 0, 77, -1))
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    answer = await reader.readexactly(size)
    writer.close()
    await writer.wait_closed()
    assert answer[:6] == struct.pack(">ih", 77, 0)
    return answer


async def produce(broker: EmbeddedBroker, topic: str, *values: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        for value in values:
            await producer.send_and_wait(topic, value)


async def consume(broker: EmbeddedBroker, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest"
    )
    async with consumer:
        return [(await consumer.getone()).value for _ in range(count)]


def test_records_and_their_topic_survive_a_restart(tmp_path: Path) -> None:
    with_broker(tmp_path, lambda broker: produce(broker, "t", b"one", b"two"))
    assert with_broker(tmp_path, lambda broker: consume(broker, "t", 2)) == [b"one", b"two"]


def test_with_fsync_it_stores_and_serves_too(tmp_path: Path) -> None:
    async def scenario(broker: EmbeddedBroker) -> list[bytes]:
        await produce(broker, "t", b"safe")
        return await consume(broker, "t", 1)

    assert with_broker(tmp_path, scenario, fsync=True) == [b"safe"]


def test_it_says_which_port_it_took(tmp_path: Path) -> None:
    async def scenario(broker: EmbeddedBroker) -> str:
        await ask_versions(broker)
        return broker.bootstrap

    host, _, port = with_broker(tmp_path, scenario).rpartition(":")
    assert (host, int(port) > 0) == ("127.0.0.1", True)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_it_listens_on_the_other_loopback_too(tmp_path: Path) -> None:
    async def scenario(broker: EmbeddedBroker) -> str:
        await ask_versions(broker)
        return broker.bootstrap

    assert with_broker(tmp_path, scenario, host="::1").startswith("[::1]:")


def test_two_brokers_do_not_share_a_folder(tmp_path: Path) -> None:
    async def scenario(_broker: EmbeddedBroker) -> None:
        with pytest.raises(RuntimeError, match="in use by another broker"):
            await EmbeddedBroker(BrokerConfig(port=0, data_dir=tmp_path)).start()

    with_broker(tmp_path, scenario)
    with_broker(tmp_path, ask_versions)  # and the lock is free afterwards


def test_a_taken_port_leaves_nothing_locked(tmp_path: Path) -> None:
    async def scenario(broker: EmbeddedBroker) -> None:
        port = int(broker.bootstrap.rpartition(":")[2])
        second = EmbeddedBroker(BrokerConfig(port=port, data_dir=tmp_path / "second"))
        with pytest.raises(OSError, match="address already in use"):
            await second.start()
        await second.stop()
        with_free_port = EmbeddedBroker(BrokerConfig(port=0, data_dir=tmp_path / "second"))
        await with_free_port.start()
        await with_free_port.stop()

    with_broker(tmp_path / "first", scenario)


def test_stopping_does_not_wait_for_waiting_clients(tmp_path: Path) -> None:
    async def scenario(broker: EmbeddedBroker) -> float:
        await produce(broker, "t", b"x")
        consumer = AIOKafkaConsumer(
            "t", bootstrap_servers=broker.bootstrap, fetch_max_wait_ms=20_000, group_id="g"
        )
        await consumer.start()
        loop = asyncio.get_running_loop()
        start = loop.time()
        await broker.stop()
        seconds = loop.time() - start
        await consumer.stop()
        return seconds

    assert with_broker(tmp_path, scenario) < 2


def test_topics_are_not_created_when_that_is_switched_off(tmp_path: Path) -> None:
    async def scenario(broker: EmbeddedBroker) -> list[str]:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        asked = await asyncio.to_thread(admin.list_topics, "wanted", timeout=5)
        assert asked.topics["wanted"].error.name() == "UNKNOWN_TOPIC_OR_PART"
        return list((await asyncio.to_thread(admin.list_topics, timeout=5)).topics)

    assert with_broker(tmp_path, scenario, auto_create_topics=False) == []


def test_transactions_are_refused_at_once_to_both_kinds_of_client(tmp_path: Path) -> None:
    async def scenario(broker: EmbeddedBroker) -> None:
        transactional = AIOKafkaProducer(
            bootstrap_servers=broker.bootstrap, transactional_id="not here"
        )
        with pytest.raises(TransactionalIdAuthorizationFailed):
            await transactional.start()
        await transactional.stop()
        other = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": "nor here"})
        with pytest.raises(KafkaException, match="TRANSACTIONAL_ID_AUTHORIZATION_FAILED"):
            await asyncio.to_thread(other.init_transactions, 10)

    with_broker(tmp_path, scenario)


def test_one_connection_too_many_is_closed_and_the_others_go_on(tmp_path: Path) -> None:
    async def scenario(broker: EmbeddedBroker) -> None:
        open_ones = [await connect(broker) for _ in range(3)]
        await ask_all(open_ones)
        reader, writer = await connect(broker)
        assert await reader.read() == b""
        writer.close()
        await ask_all(open_ones)
        for _, kept in open_ones:
            kept.close()
        while True:  # a place is free as soon as the broker has seen that they went
            try:
                await ask_versions(broker)
            except (asyncio.IncompleteReadError, ConnectionError):
                continue
            break

    async def ask_all(streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> None:
        for reader, writer in streams:
            writer.write(struct.pack(">ihhih", 10, 18, 0, 1, -1))
            (size,) = struct.unpack(">i", await reader.readexactly(4))
            await reader.readexactly(size)

    with_broker(tmp_path, scenario, max_connections=3)


def test_a_client_that_stops_inside_a_frame_is_let_go(tmp_path: Path) -> None:
    async def scenario(broker: EmbeddedBroker) -> None:
        reader, writer = await connect(broker)
        writer.write(struct.pack(">i", 1_000) + b"half")
        assert await reader.read() == b"", "closed by the broker"
        writer.close()

    with_broker(tmp_path, scenario, io_timeout_ms=100)


def test_a_silent_connection_is_closed(tmp_path: Path) -> None:
    async def scenario(broker: EmbeddedBroker) -> None:
        reader, writer = await connect(broker)
        assert await reader.read() == b""
        writer.close()

    with_broker(tmp_path, scenario, idle_timeout_ms=100)


def test_a_client_that_goes_while_it_waits_for_its_group_holds_no_connection(
    tmp_path: Path,
) -> None:
    """A member that stays away keeps the others waiting for half an hour; they need not stay."""
    half_an_hour_ms = 1_800_000

    def join(group: bytes) -> bytes:
        body = struct.pack(">hhih", 11, 1, 1, -1)
        body += struct.pack(">h", len(group)) + group
        body += struct.pack(">iih", half_an_hour_ms, half_an_hour_ms, 0)
        body += struct.pack(">h", 8) + b"consumer" + struct.pack(">i", 1)
        body += struct.pack(">h", 5) + b"range" + struct.pack(">i", 0)
        return struct.pack(">i", len(body)) + body

    async def scenario(broker: EmbeddedBroker) -> None:
        first_reader, first = await connect(broker)
        first.write(join(b"g"))
        await first_reader.readexactly(4)  # it is the only member, and never comes again
        waiting = [await connect(broker) for _ in range(5)]
        for _, writer in waiting:
            writer.write(join(b"g"))
            await writer.drain()
        while len(broker._connections) < 6:
            await asyncio.sleep(0.01)
        for _, writer in waiting:
            writer.close()
            await writer.wait_closed()
        try:
            async with asyncio.timeout(5):
                while len(broker._connections) > 1:
                    await asyncio.sleep(0.05)
        finally:
            first.close()
            await first.wait_closed()

    with_broker(tmp_path, scenario)


HOSTILE = {
    "negative length": struct.pack(">i", -5) + b"rest",
    "zero length": struct.pack(">i", 0),
    "enormous length": struct.pack(">i", 2**31 - 1) + b"rest",
    "unknown request": struct.pack(">ihhih", 10, 999, 0, 1, -1),
    "old version": struct.pack(">ihhih", 10, 0, 0, 1, -1),
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "empty body": struct.pack(">ihhih", 10, 3, 1, 1, -1),
    "array of billions": struct.pack(">ihhihi", 14, 3, 1, 1, -1, 2**31 - 1),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_close_their_own_connection_only(tmp_path: Path, data: bytes) -> None:
    async def scenario(broker: EmbeddedBroker) -> None:
        bystander_reader, bystander = await connect(broker)
        reader, writer = await connect(broker)
        writer.write(data)
        assert await reader.read() == b""
        writer.close()
        bystander.write(struct.pack(">ihhih", 10, 18, 0, 1, -1))
        assert len(await bystander_reader.readexactly(4)) == 4
        bystander.close()

    with_broker(tmp_path, scenario)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=300),
            st.builds(
                lambda key, version, body: (
                    struct.pack(">ihhih", 10 + len(body), key, version, 1, -1) + body
                ),
                st.integers(-2, 60),
                st.integers(-1, 12),
                st.binary(max_size=100),
            ),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_no_bytes_on_many_sockets_disturb_the_broker(tmp_path: Path, blobs: list[bytes]) -> None:
    async def throw(broker: EmbeddedBroker, blob: bytes) -> None:
        _, writer = await connect(broker)
        writer.write(blob)
        await writer.drain()
        writer.close()

    async def scenario(broker: EmbeddedBroker) -> None:
        await asyncio.gather(*(throw(broker, blob) for blob in blobs))
        await ask_versions(broker)

    with_broker(tmp_path / "fuzzed", scenario, max_partitions=5)


def test_requests_wait_while_too_many_bytes_are_in_flight(tmp_path: Path) -> None:
    """Eight senders of a megabyte each go through a budget that holds two."""

    async def scenario(broker: EmbeddedBroker) -> int:
        async def send() -> None:
            options = {"bootstrap_servers": broker.bootstrap, "max_request_size": 2_000_000}
            async with AIOKafkaProducer(**options) as producer:
                for _ in range(3):
                    await producer.send_and_wait("t", b"x" * 1_000_000)

        await asyncio.gather(*(send() for _ in range(8)))
        return len(await consume(broker, "t", 24))

    limits = {"max_inflight_bytes": 2_200_000, "max_request_bytes": 2_200_000}
    assert with_broker(tmp_path, scenario, max_message_bytes=2_000_000, **limits) == 24
