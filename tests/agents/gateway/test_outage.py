import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time

import aiohttp
import pytest

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker
from agents.gateway.config import GatewayConfig
from agents.gateway.server import Gateway
from agents.kafka import KafkaConfig
from agents.settings import Settings
from agents.worker.topic_admin import ensure_topics
from agents.worker.topics import TopicsConfig


def alert(number: int) -> bytes:
    labels = {"alertname": "A", "number": str(number)}
    return json.dumps([{"labels": labels, "startsAt": "2026-09-01T10:00:00Z"}]).encode()


async def embedded(bench, folder, **options) -> EmbeddedBroker:
    port = int(bench.bootstrap.rpartition(":")[2])
    broker = EmbeddedBroker(
        BrokerConfig(port=port, data_dir=folder, auto_create_topics=False, **options)
    )
    await broker.start()
    return broker


def test_gateway_starts_without_kafka_says_so_and_recovers_when_it_comes(start_bench, tmp_path):
    async def scene():
        async with start_bench(kafka=False) as bench:
            status, text = await bench.get("/readyz")
            assert status == 503
            assert bench.bootstrap in json.loads(text)["reasons"]["kafka"]
            assert (await bench.get("/healthz"))[0] == 200
            begun = time.monotonic()
            status, body, headers = await bench.post("/v1/alerts", alert(1))
            assert (status, headers["Retry-After"]) == (503, "5")
            assert "Kafka" in json.loads(body)["error"]
            assert time.monotonic() - begun < 1

            broker = await embedded(bench, tmp_path / "late")
            await ensure_topics(bench.settings.kafka, bench.settings.topics)
            await bench.until_ready()
            status, _, _ = await bench.post("/v1/alerts", alert(1))
            assert status == 200
            assert [r.value for r in await bench.records("alerts", 1)] == [alert(1)]
            await broker.stop()

    asyncio.run(scene())


def test_gateway_survives_kafka_going_away_and_coming_back(start_bench, tmp_path):
    async def scene():
        async with start_bench() as bench:
            assert (await bench.post("/v1/alerts", alert(1)))[0] == 200
            await bench.broker.stop()
            await bench.until_unready()
            assert (await bench.post("/v1/alerts", alert(2)))[0] == 503
            again = await embedded(bench, tmp_path / "broker")
            await bench.until_ready()
            assert (await bench.post("/v1/alerts", alert(3)))[0] == 200
            values = {r.value for r in await bench.records("alerts", 2)}
            assert values == {alert(1), alert(3)}
            await again.stop()

    asyncio.run(scene())


def test_gateway_finds_a_cluster_that_comes_back_empty(start_bench, tmp_path):
    async def scene():
        async with start_bench(reconnect_after_ms=500) as bench:
            assert (await bench.post("/v1/alerts", alert(1)))[0] == 200
            await bench.broker.stop()
            await bench.until_unready()
            # Long enough that the producer is made anew.
            await asyncio.sleep(0.8)
            other = await embedded(bench, tmp_path / "other")
            await ensure_topics(bench.settings.kafka, bench.settings.topics)
            await bench.until_ready()
            for number in range(5):
                assert (await bench.post("/v1/alerts", alert(number)))[0] == 200
            await other.stop()

    asyncio.run(scene())


def test_missing_topic_is_said_and_not_created_by_asking(start_bench):
    async def scene():
        async with start_bench(topics=False) as bench:
            await bench.until(lambda status: status == 503)
            async with asyncio.timeout(5):
                while "missing" not in (await bench.get("/readyz"))[1]:
                    await asyncio.sleep(0.02)
            status, body, _ = await bench.post("/v1/alerts", alert(1))
            assert status == 503
            assert "missing in Kafka: topic alerts; start a worker" in json.loads(body)["error"]
            await ensure_topics(bench.settings.kafka, bench.settings.topics)
            await bench.until_ready()
            assert (await bench.post("/v1/alerts", alert(1)))[0] == 200

    asyncio.run(scene())


def test_message_that_the_topic_does_not_take_is_413_and_the_next_one_is_taken(tmp_path):
    async def scene():
        async with two_sizes(tmp_path) as post:
            status, body = await post(b"[" + b" " * 300_000 + alert(1)[1:])
            assert status == 413
            assert "max.message.bytes" in json.loads(body)["error"]
            # The failed one took a sequence number with it; a new producer starts a new sequence.
            async with asyncio.timeout(10):
                while (answer := await post(alert(2)))[0] == 503:
                    await asyncio.sleep(0.05)
            assert answer[0] == 200

    asyncio.run(scene())


@contextlib.asynccontextmanager
async def two_sizes(folder):
    """A gateway whose topics take less than it does; yields a function that posts to it."""
    broker = EmbeddedBroker(BrokerConfig(port=0, data_dir=folder / "broker"))
    await broker.start()
    kafka = KafkaConfig(bootstrap=broker.bootstrap, compression="none")
    await ensure_topics(kafka, TopicsConfig(max_message_bytes=1_000))
    gateway = Gateway(Settings(kafka=kafka, gateway=GatewayConfig(port=0, probe_interval_ms=100)))
    await gateway.start()
    async with aiohttp.ClientSession(gateway.url) as client:

        async def post(body: bytes) -> tuple[int, bytes]:
            headers = {"content-type": "application/json"}
            async with client.post("/v1/alerts", data=body, headers=headers) as answer:
                return answer.status, await answer.read()

        async with asyncio.timeout(10):
            while (await client.get("/readyz")).status != 200:
                await asyncio.sleep(0.02)
        yield post
    await gateway.stop()
    await broker.stop()


def test_many_requests_at_once_are_all_on_the_topic(start_bench):
    async def scene():
        async with start_bench() as bench:
            answers = await asyncio.gather(
                *(bench.post("/v1/alerts", alert(number)) for number in range(300))
            )
            assert {status for status, _, _ in answers} == {200}
            values = sorted(r.value for r in await bench.records("alerts", 300))
            assert values == sorted(alert(number) for number in range(300))

    asyncio.run(scene())


def test_stopping_finishes_what_is_in_progress_and_takes_no_more(start_bench):
    async def scene():
        async with start_bench() as bench:
            release = asyncio.Event()

            async def slow_body():
                yield alert(1)[:10]
                await release.wait()
                yield alert(1)[10:]

            held = asyncio.create_task(bench.post("/v1/alerts", slow_body()))
            async with asyncio.timeout(5):
                while "inflight_requests 1.0" not in (await bench.get("/metrics"))[1]:
                    await asyncio.sleep(0.02)
            stopping = asyncio.create_task(bench.gateway.stop())
            await asyncio.sleep(0)
            with pytest.raises(aiohttp.ClientError):
                async with aiohttp.ClientSession() as other:
                    await other.get(f"{bench.client._base_url}healthz")
            release.set()
            assert (await held)[0] == 200
            await stopping
            assert [r.value for r in await bench.records("alerts", 1)] == [alert(1)]

    asyncio.run(scene())


def broker_process(port: int, folder) -> subprocess.Popen:
    command = [sys.executable, "-m", "agents", "broker", "--json"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--data-dir", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert json.loads(process.stdout.readline())["bootstrap"]
    return process


def ended(process: subprocess.Popen) -> None:
    process.kill()
    process.wait(10)
    process.stdout.close()


@pytest.mark.integration
def test_frozen_broker_is_a_503_in_time_and_nothing_acknowledged_is_lost(start_bench, tmp_path):
    async def scene():
        async with start_bench(kafka=False, produce_timeout_ms=400) as bench:
            process = broker_process(int(bench.bootstrap.rpartition(":")[2]), tmp_path / "b")
            try:
                await ensure_topics(bench.settings.kafka, bench.settings.topics)
                await bench.until_ready()
                assert (await bench.post("/v1/alerts", alert(1)))[0] == 200
                process.send_signal(signal.SIGSTOP)
                begun = time.monotonic()
                status, body, _ = await bench.post("/v1/alerts", alert(2))
                assert status == 503
                assert "not acknowledged within 400 ms" in json.loads(body)["error"]
                assert time.monotonic() - begun < 2
                assert "inflight_requests 0.0" in (await bench.get("/metrics"))[1]
                assert "inflight_bytes 0.0" not in (await bench.get("/metrics"))[1]
                process.send_signal(signal.SIGCONT)
                async with asyncio.timeout(15):
                    while (await bench.post("/v1/alerts", alert(3)))[0] != 200:
                        await asyncio.sleep(0.05)
                # The one that was answered with 503 arrived late: sent again it is there twice.
                await bench.until_on_topic("alerts", {alert(1), alert(2), alert(3)})
            finally:
                ended(process)

    asyncio.run(scene())


@pytest.mark.integration
def test_killed_broker_loses_nothing_that_was_answered_with_200(start_bench, tmp_path):
    async def scene():
        async with start_bench(kafka=False, produce_timeout_ms=1_000) as bench:
            port = int(bench.bootstrap.rpartition(":")[2])
            process = broker_process(port, tmp_path / "b")
            accepted: list[int] = []
            refused: list[int] = []
            stop = asyncio.Event()

            async def sender(first: int) -> None:
                number = first
                while not stop.is_set():
                    status, _, _ = await bench.post("/v1/alerts", alert(number))
                    (accepted if status == 200 else refused).append(number)
                    number += 10
                    await asyncio.sleep(0.002)

            try:
                await ensure_topics(bench.settings.kafka, bench.settings.topics)
                await bench.until_ready()
                senders = [asyncio.create_task(sender(first)) for first in range(10)]
                for _ in range(2):
                    before = len(accepted)
                    while len(accepted) < before + 200:
                        await asyncio.sleep(0.02)
                    ended(process)
                    await bench.until_unready()
                    before = len(refused)
                    while len(refused) == before:
                        await asyncio.sleep(0.02)
                    process = await asyncio.to_thread(broker_process, port, tmp_path / "b")
                    await bench.until_ready()
                stop.set()
                await asyncio.gather(*senders)
                await bench.until_on_topic("alerts", {alert(number) for number in accepted})
            finally:
                stop.set()
                ended(process)

    asyncio.run(scene())
