"""The broker as a process: its command line, and what a kill leaves behind."""

import asyncio
import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

pytestmark = pytest.mark.integration

RUN = "from agents.broker.command import broker; broker()"


class Process:
    """One broker process and the line it printed when it was ready."""

    def __init__(self, data_dir: Path, *options: str, port: int = 0) -> None:
        command = [sys.executable, "-c", RUN, "--data-dir", str(data_dir), "--port", str(port)]
        self.popen = subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.popen.stdout is not None
        self.ready_line = self.popen.stdout.readline()

    @property
    def bootstrap(self) -> str:
        return str(json.loads(self.ready_line)["bootstrap"])

    @property
    def port(self) -> int:
        return int(self.bootstrap.rpartition(":")[2])

    def end(self, signal_number: int) -> int:
        self.popen.send_signal(signal_number)
        self.popen.communicate(timeout=10)
        return self.popen.returncode


Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Process] = []

    def run(data_dir: Path, *options: str, port: int = 0) -> Process:
        started.append(Process(data_dir, *options, port=port))
        return started[-1]

    yield run
    for process in started:
        if process.popen.poll() is None:
            process.end(signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_and_ends_well_when_told_to(
    start: Start, tmp_path: Path, number: int
) -> None:
    process = start(tmp_path)
    assert process.ready_line.startswith("ready on 127.0.0.1:")
    assert str(tmp_path) in process.ready_line
    assert process.end(number) == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [(["--host", "0.0.0.0"], "no authentication"), (["--host", "127.0.0.1"], "in use")],
    ids=["reachable", "folder taken"],
)
def test_what_cannot_be_is_said_in_a_sentence(
    start: Start, tmp_path: Path, options: list[str], sentence: str
) -> None:
    start(tmp_path)
    second = start(tmp_path, *options)
    _, errors = second.popen.communicate(timeout=10)
    assert second.popen.returncode == 1
    assert sentence in errors
    assert "Traceback" not in errors


def test_nothing_acknowledged_is_lost_when_the_broker_is_killed_again_and_again(
    start: Start, tmp_path: Path
) -> None:
    """A producer goes on through three kills; then each acknowledged number is there, in order."""

    async def scenario() -> tuple[list[int], list[int], int]:
        process = start(tmp_path, "--json")
        port, bootstrap = process.port, process.bootstrap
        acknowledged: list[int] = []
        produced = asyncio.create_task(keep_producing(bootstrap, acknowledged))
        for kills in range(1, 4):
            while len(acknowledged) < kills * 200:
                assert not produced.done(), produced.exception()
                await asyncio.sleep(0.005)
            await commit(bootstrap, kills)
            await asyncio.to_thread(process.end, signal.SIGKILL)
            process = await asyncio.to_thread(start, tmp_path, "--json", port=port)
        while len(acknowledged) < 800:
            assert not produced.done(), produced.exception()
            await asyncio.sleep(0.005)
        produced.cancel()
        await asyncio.gather(produced, return_exceptions=True)
        return acknowledged, await read_all(bootstrap), await last_commit(bootstrap)

    async def with_deadline() -> tuple[list[int], list[int], int]:
        async with asyncio.timeout(40):
            return await scenario()

    acknowledged, stored, committed = asyncio.run(with_deadline())
    assert set(acknowledged) <= set(stored)
    assert stored == sorted(set(stored)), "in order, and an idempotent producer repeats nothing"
    assert committed == 3


async def keep_producing(bootstrap: str, acknowledged: list[int]) -> None:
    """Send numbers one by one, waiting for each acknowledgement through the outages."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        request_timeout_ms=2_000,
        retry_backoff_ms=50,
    )
    number = 0
    async with producer:
        while True:
            await producer.send_and_wait("numbers", b"%d" % number, partition=0)
            acknowledged.append(number)
            number += 1


async def commit(bootstrap: str, offset: int) -> None:
    place = TopicPartition("numbers", 0)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id="g", enable_auto_commit=False
    )
    async with consumer:
        consumer.assign([place])
        await consumer.commit({place: offset})


async def last_commit(bootstrap: str) -> int:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id="g", enable_auto_commit=False
    )
    async with consumer:
        consumer.assign([TopicPartition("numbers", 0)])
        return int(await consumer.committed(TopicPartition("numbers", 0)) or 0)


async def read_all(bootstrap: str) -> list[int]:
    async with AIOKafkaConsumer(
        "numbers", bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        place = TopicPartition("numbers", 0)
        end = (await consumer.end_offsets([place]))[place]
        return [int((await consumer.getone()).value) for _ in range(end)]


MEMBER = """
import asyncio, sys
from aiokafka import AIOKafkaConsumer

async def main():
    async with AIOKafkaConsumer(
        "shared", bootstrap_servers=sys.argv[1], group_id="team",
        session_timeout_ms=6000, heartbeat_interval_ms=500,
    ) as consumer:
        print(len(consumer.assignment()), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def test_a_members_partitions_are_taken_over_when_it_is_killed(
    start: Start, tmp_path: Path
) -> None:
    process = start(tmp_path, "--json")

    async def scenario() -> float:
        async with AIOKafkaProducer(bootstrap_servers=process.bootstrap) as producer:
            await producer.send_and_wait("shared", b"x")
        survivor = AIOKafkaConsumer(
            "shared",
            bootstrap_servers=process.bootstrap,
            group_id="team",
            heartbeat_interval_ms=300,
            session_timeout_ms=6_000,
        )
        await survivor.start()
        assert len(survivor.assignment()) == 1
        victim = await asyncio.create_subprocess_exec(
            sys.executable, "-c", MEMBER, process.bootstrap, stdout=asyncio.subprocess.PIPE
        )
        assert victim.stdout is not None
        shares = int(await victim.stdout.readline()) + len(survivor.assignment())
        assert shares == 1
        victim.kill()
        await victim.wait()
        loop = asyncio.get_running_loop()
        killed_at = loop.time()
        # A newcomer makes the group rebalance: it waits for the dead member's session to end.
        await survivor.stop()
        newcomer = AIOKafkaConsumer("shared", bootstrap_servers=process.bootstrap, group_id="team")
        await newcomer.start()
        while not newcomer.assignment():
            await asyncio.sleep(0.02)
        await newcomer.stop()
        return loop.time() - killed_at

    async def with_deadline() -> float:
        async with asyncio.timeout(30):
            return await scenario()

    assert asyncio.run(with_deadline()) < 10


FAUST_APP = """
import os, faust

app = faust.App(
    "{name}",
    broker="kafka://" + os.environ["BOOTSTRAP"],
    store="memory://",
    datadir="{folder}",
    stream_wait_empty=False,
    topic_disable_leader=True,
    broker_commit_every=1,
)
raw = dict(key_serializer="raw", value_serializer="raw", partitions=2, internal=True)
source = app.topic("faust-in", **raw)
target = app.topic("faust-out", **raw)
counts = app.Table("counts", default=int, partitions=2)

@app.agent(source)
async def double(stream):
    async for key, value in stream.items():
        counts[key] += 1
        await target.send(key=key, value=value * 2)

@app.task
async def declare():
    await target.declare()
"""


def test_a_faust_application_declares_its_topics_and_processes(
    start: Start, tmp_path: Path
) -> None:
    process = start(tmp_path / "data", "--json")
    name = f"app_{secrets.token_hex(4)}"
    (tmp_path / f"{name}.py").write_text(FAUST_APP.format(name=name, folder=tmp_path / "faust"))
    worker = subprocess.Popen(
        [sys.executable, "-m", "faust", "-A", name, "worker", "--without-web", "-l", "error"],
        cwd=tmp_path,
        env={"BOOTSTRAP": process.bootstrap, "PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    async def exchange() -> tuple[dict[bytes, bytes], dict[str, int]]:
        consumer = AIOKafkaConsumer(
            "faust-out",
            bootstrap_servers=process.bootstrap,
            auto_offset_reset="earliest",
            metadata_max_age_ms=500,
        )
        async with AIOKafkaProducer(bootstrap_servers=process.bootstrap) as producer:
            for topic in ("faust-in", "faust-out"):
                await wait_for_topic(producer, topic, 2)
            for number in range(20):
                await producer.send_and_wait("faust-in", b"%d" % number, key=b"k%d" % number)
        async with consumer:
            records = [await consumer.getone() for _ in range(20)]
            metadata = await consumer._client.fetch_all_metadata()
            topics = {
                topic: len(metadata.partitions_for_topic(topic) or ())
                for topic in sorted(metadata.topics())
            }
        return {record.key: record.value for record in records}, topics

    async def with_deadline() -> tuple[dict[bytes, bytes], dict[str, int]]:
        async with asyncio.timeout(40):
            return await exchange()

    try:
        results, topics = asyncio.run(with_deadline())
    finally:
        worker.terminate()
        worker.wait(15)
    assert results == {b"k%d" % n: b"%d" % n * 2 for n in range(20)}
    assert topics["faust-in"] == topics["faust-out"] == topics[f"{name}-counts-changelog"] == 2


async def wait_for_topic(producer: AIOKafkaProducer, topic: str, partitions: int) -> None:
    while True:
        metadata = await producer.client.fetch_all_metadata()
        if len(metadata.partitions_for_topic(topic) or ()) == partitions:
            return
        await asyncio.sleep(0.1)
