import asyncio
import gzip
import json
import os
import zlib

import pytest

from agents.gateway.body import decompress
from agents.gateway.config import GatewayConfig
from agents.gateway.refusal import Reason, Refusal

KIB = 1024


def padded(size: int) -> bytes:
    """A valid list of one alert of `size` bytes."""
    alert = {"labels": {"alertname": "A"}, "startsAt": "2026-09-01T10:00:00Z"}
    annotations = {f"n{number}": "x" * 1000 for number in range(size // 1100)}
    text = json.dumps([{**alert, "annotations": annotations}])
    return text.encode() + b" " * (size - len(text))


def test_body_at_the_limit_is_taken_and_one_byte_more_is_not(start_bench):
    async def scene():
        async with start_bench(max_body_bytes=64 * KIB, max_inflight_bytes=256 * KIB) as bench:
            status, body, _ = await bench.post("/v1/alerts", padded(64 * KIB))
            assert status == 200, body
            status, body, _ = await bench.post("/v1/alerts", padded(64 * KIB + 1))
            assert status == 413
            assert "65536 bytes (gateway.max_body_bytes)" in json.loads(body)["error"]

    asyncio.run(scene())


async def chunks(count: int, size: int):
    for _ in range(count):
        yield b" " * size


def test_endless_chunked_body_is_cut_off_at_the_limit(start_bench):
    async def scene():
        limits = {"max_body_bytes": 64 * KIB, "max_inflight_bytes": 128 * KIB}
        async with start_bench(kafka=False, **limits) as bench:
            status, _, headers = await bench.post("/v1/alerts", chunks(20, 8 * KIB))
            assert status == 413
            assert headers["Connection"] == "close"

    asyncio.run(scene())


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_bomb_is_refused_without_being_unpacked(start_bench, encoding):
    async def scene():
        zeros = b"\0" * (64 * KIB * KIB)
        bomb = gzip.compress(zeros) if encoding == "gzip" else zlib.compress(zeros)
        assert len(bomb) < 80 * KIB
        limits = {"max_body_bytes": 512 * KIB, "max_inflight_bytes": 1024 * KIB}
        async with start_bench(kafka=False, **limits) as bench:
            status, body, _ = await bench.post("/v1/alerts", bomb, content_encoding=encoding)
            assert status == 413, body

    asyncio.run(scene())


def refusal(data: bytes, encoding: str, limit: int) -> Refusal:
    with pytest.raises(Refusal) as caught:
        decompress(data, encoding, limit)
    return caught.value


def test_decompression_stops_at_its_limit():
    whole = os.urandom(1_000)
    assert decompress(gzip.compress(whole), "gzip", 1_000) == whole
    assert refusal(gzip.compress(whole), "gzip", 999).reason is Reason.TOO_LARGE


def test_thousands_of_empty_gzip_members_are_refused():
    assert "pieces" in str(refusal(gzip.compress(b"") * 10_000, "gzip", 1_000))


def test_cut_off_and_damaged_compression_is_refused():
    whole = gzip.compress(b"x" * 1_000)
    assert "cut off" in str(refusal(whole[:-4], "gzip", 10_000))
    assert "not valid gzip" in str(refusal(whole[:-8] + b"12345678", "gzip", 10_000))
    assert "not valid deflate" in str(refusal(b"\x78\x9c" + b"\xff" * 20, "deflate", 10_000))


def test_slow_body_is_given_up_and_others_are_served_meanwhile(start_bench):
    async def scene():
        async with start_bench(kafka=False, body_timeout_ms=300) as bench:
            host, port = bench.gateway.url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(
                b"POST /v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Content-Length: 1000\r\n\r\n[{"
            )
            assert (await bench.get("/healthz"))[0] == 200
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert head.startswith(b"HTTP/1.1 408 ")
            assert b"2 bytes did" in await asyncio.wait_for(reader.read(), 5)
            writer.close()

    asyncio.run(scene())


def test_body_that_breaks_off_is_not_produced_and_gives_its_memory_back(start_bench):
    async def scene():
        async with start_bench() as bench:
            host, port = bench.gateway.url.removeprefix("http://").split(":")
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(
                b"POST /v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Content-Length: 1000\r\n\r\n[]"
            )
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            await until_metric(bench, "rootline_gateway_inflight_requests 0.0")
            await until_metric(bench, 'refusals_total{reason="cut_off",route="alerts"} 1.0')
            assert "rootline_gateway_inflight_bytes 0.0" in (await bench.get("/metrics"))[1]

    asyncio.run(scene())


async def until_metric(bench, line: str) -> None:
    async with asyncio.timeout(5):
        while line not in (await bench.get("/metrics"))[1]:
            await asyncio.sleep(0.02)


def test_connection_that_says_nothing_is_closed(start_bench):
    async def scene():
        async with start_bench(kafka=False, head_timeout_ms=200) as bench:
            host, port = bench.gateway.url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"POST /v1/alerts HTTP/1.1\r\nHos")
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()
            # A connection that has spoken is not closed by the same clock.
            for _ in range(4):
                assert (await bench.get("/healthz"))[0] == 200
                await asyncio.sleep(0.1)

    asyncio.run(scene())


def test_connection_too_many_is_closed_and_the_others_live(start_bench):
    async def scene():
        async with start_bench(kafka=False, max_connections=3) as bench:
            assert (await bench.get("/healthz"))[0] == 200
            host, port = bench.gateway.url.removeprefix("http://").split(":")
            opened = [await asyncio.open_connection(host, int(port)) for _ in range(3)]
            assert await asyncio.wait_for(opened[2][0].read(), 5) == b""
            assert (await bench.get("/healthz"))[0] == 200
            for _, writer in opened:
                writer.close()

    asyncio.run(scene())


def test_more_requests_than_allowed_are_told_to_come_again(start_bench):
    async def scene():
        async with start_bench(kafka=False, max_inflight_requests=2) as bench:
            release = asyncio.Event()

            async def slow_body():
                yield b"["
                await release.wait()
                yield b"]"

            held = [asyncio.create_task(bench.post("/v1/alerts", slow_body())) for _ in range(2)]
            await until_metric(bench, "rootline_gateway_inflight_requests 2.0")
            status, body, headers = await bench.post("/v1/alerts", b"[]")
            assert (status, headers["Retry-After"]) == (503, "5")
            assert "2 requests are in progress" in json.loads(body)["error"]
            release.set()
            assert [(await task)[0] for task in held] == [200, 200]

    asyncio.run(scene())


def test_more_bytes_than_allowed_are_told_to_come_again(start_bench):
    async def scene():
        limits = {"max_body_bytes": 8 * KIB, "max_inflight_bytes": 16 * KIB}
        async with start_bench(kafka=False, **limits) as bench:
            release = asyncio.Event()

            async def slow_body():
                yield b" " * (6 * KIB)
                await release.wait()
                yield b"[]"

            held = [asyncio.create_task(bench.post("/v1/alerts", slow_body())) for _ in range(2)]
            await until_metric(bench, f"rootline_gateway_inflight_bytes {12 * KIB}.0")
            status, body, _ = await bench.post("/v1/alerts", b" " * (6 * KIB))
            assert status == 503
            assert "wait for Kafka" in json.loads(body)["error"]
            release.set()
            assert [(await task)[0] for task in held] == [200, 200]
            await until_metric(bench, "rootline_gateway_inflight_bytes 0.0")

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"max_body_bytes": 10, "max_inflight_bytes": 19}, "twice"),
        ({"port": -1}, "port is -1"),
        ({"body_timeout_ms": 0}, "body_timeout_ms is 0"),
        ({"host": "0.0.0.0"}, "allow_anonymous"),
        ({"host": "gateway.internal"}, "token"),
        ({"token": "a\nb"}, "printable"),
    ],
)
def test_contradicting_limits_are_refused(changed, said):
    with pytest.raises(ValueError, match=said):
        GatewayConfig(**changed)
