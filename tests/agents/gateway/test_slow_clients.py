"""Clients that take their time, on real sockets: each ends after a named time, others go on."""

import asyncio
import socket
import time

import pytest

HEAD = b"POST /v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def port_of(bench) -> int:
    return int(bench.gateway.url.rsplit(":", 1)[1])


async def drip(writer: asyncio.StreamWriter, data: bytes, pause: float) -> None:
    """Send a byte at a time until all is sent or nobody takes it any more."""
    try:
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(pause)
    except ConnectionError:
        return


async def ask_and_never_read(client: socket.socket) -> None:
    while True:
        await asyncio.get_running_loop().sock_sendall(client, GET * 100)
        await asyncio.sleep(0.01)


async def ends(reader: asyncio.StreamReader, seconds: float) -> bytes:
    """Read until the connection is closed or reset."""
    said = b""
    try:
        async with asyncio.timeout(seconds):
            while chunk := await reader.read(4096):
                said += chunk
    except ConnectionError:
        pass
    return said


def test_a_head_that_comes_byte_by_byte_is_cut_off(start_bench):
    async def scene():
        async with start_bench(kafka=False, head_timeout_ms=500) as bench:
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(bench))
            began = time.monotonic()
            dripping = asyncio.create_task(drip(writer, HEAD * 10, 0.02))
            assert await ends(reader, 20) == b""
            assert 0.4 < time.monotonic() - began < 10
            await dripping
            writer.close()

    asyncio.run(scene())


def test_a_second_head_that_comes_byte_by_byte_is_cut_off_as_silence_is(start_bench):
    async def scene():
        async with start_bench(kafka=False, idle_timeout_ms=600) as bench:
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(bench))
            writer.write(HEAD + b"Content-Length: 2\r\n\r\n[]")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            began = time.monotonic()
            dripping = asyncio.create_task(drip(writer, HEAD * 10, 0.02))
            await ends(reader, 20)
            assert time.monotonic() - began < 10
            await dripping
            writer.close()

    asyncio.run(scene())


def test_a_body_that_comes_byte_by_byte_is_given_up(start_bench):
    async def scene():
        async with start_bench(kafka=False, body_timeout_ms=500) as bench:
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(bench))
            writer.write(HEAD + b"Content-Length: 100000\r\n\r\n")
            began = time.monotonic()
            dripping = asyncio.create_task(drip(writer, b" " * 1_000, 0.02))
            said = await ends(reader, 30)
            assert said.startswith(b"HTTP/1.1 408 ")
            assert 0.4 < time.monotonic() - began < 20
            await dripping
            writer.close()

    asyncio.run(scene())


def test_a_hundred_slow_clients_keep_nobody_else_waiting(start_bench):
    async def scene():
        async with start_bench(kafka=False, head_timeout_ms=2_000) as bench:
            slow = [await asyncio.open_connection("127.0.0.1", port_of(bench)) for _ in range(100)]
            for _, writer in slow:
                writer.write(HEAD)
            began = time.monotonic()
            for _ in range(20):
                assert (await bench.post("/v1/alerts", b"[]"))[0] == 200
            assert time.monotonic() - began < 10
            for reader, writer in slow:
                await ends(reader, 30)
                writer.close()
            assert "inflight_requests 0.0" in (await bench.get("/metrics"))[1]

    asyncio.run(scene())


def test_answers_that_nobody_reads_end_their_connection(start_bench):
    async def scene():
        async with start_bench(kafka=False, send_timeout_ms=700, max_connections=3) as bench:
            loop = asyncio.get_running_loop()
            with socket.socket() as client:
                # A small window, so that answers pile up on the gateway's side.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.setblocking(False)
                await loop.sock_connect(client, ("127.0.0.1", port_of(bench)))
                with pytest.raises(ConnectionError):
                    await asyncio.wait_for(ask_and_never_read(client), 10)
            assert (await bench.get("/healthz"))[0] == 200

    asyncio.run(scene())


def test_a_head_without_end_is_refused_and_costs_no_memory(start_bench):
    async def scene():
        async with start_bench(kafka=False) as bench:
            for head in (
                b"POST /v1/alerts HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 100_000,
                b"POST /" + b"a" * 100_000,
                b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(5_000)),
            ):
                reader, writer = await asyncio.open_connection("127.0.0.1", port_of(bench))
                writer.write(head)
                assert (await ends(reader, 20)).startswith(b"HTTP/1.0 400 ")
                writer.close()

    asyncio.run(scene())
