"""What the worker's tests stand on: an embedded broker and plain clients beside it."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker
from tests.clusters import chosen
from tests.clusters.cluster import Cluster

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 90.0


class Stand:
    """A broker that can be stopped and started again, and what a test does with it."""

    def __init__(self, folder: Path, cluster: Cluster | None = None) -> None:
        self._folder = folder
        self._port = 0
        self._broker: EmbeddedBroker | None = None
        self._cluster = cluster
        self._processes: list[asyncio.subprocess.Process] = []

    @property
    def bootstrap(self) -> str:
        return self._cluster.bootstrap if self._cluster else f"127.0.0.1:{self._port}"

    async def start_broker(self) -> None:
        if self._cluster is not None:
            await asyncio.to_thread(self._cluster.start)
            return
        config = BrokerConfig(
            port=self._port,
            data_dir=self._folder,
            min_session_timeout_ms=1_000,
            group_initial_delay_ms=0,
        )
        self._broker = EmbeddedBroker(config)
        await self._broker.start()
        self._port = int(self._broker.bootstrap.rpartition(":")[2])

    async def stop_broker(self) -> None:
        if self._cluster is not None:
            for node in self._cluster.nodes:
                await asyncio.to_thread(self._cluster.kill, node)
        if self._broker is not None:
            await self._broker.stop()
            self._broker = None

    async def create(self, **topics: int) -> None:
        """Create topics, given as name=partitions; dots are written as two underscores."""
        names = {name.replace("__", "."): count for name, count in topics.items()}
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(name, count, 1) for name, count in names.items()])
        # A cluster says yes before all of it knows.
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not names.keys() <= {row["topic"] for row in await admin.describe_topics()}:
                await asyncio.sleep(0.05)
        await admin.close()

    async def partitions(self, topic: str) -> int:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        (row,) = await admin.describe_topics([topic])
        await admin.close()
        return len(row["partitions"])

    @contextlib.asynccontextmanager
    async def producer(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", enable_idempotence=True
        )
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()

    async def counting_topics(self, partitions: int = 2, suffix: str = "") -> None:
        """Create what a counting worker needs; the suffix tells scenarios on one broker apart."""
        names = {f"{name}{suffix}": partitions for name in ("numbers", "counted", "state")}
        await self.create(**names)

    async def number(self, first: int, count: int, partitions: int = 2, suffix: str = "") -> None:
        """Produce numbered records to `numbers`, spread over its partitions."""
        async with self.producer() as producer:
            acks = [
                await producer.send(f"numbers{suffix}", b"%d" % n, partition=n % partitions)
                for n in range(first, first + count)
            ]
            await asyncio.gather(*acks)

    async def worker(self, *arguments: str, wait: bool = True) -> asyncio.subprocess.Process:
        """Start a counting worker, and wait until it is ready or has died."""
        process = await self._python("counting_worker.py", *arguments)
        if wait:
            await self._line(process)
        return process

    async def simple_worker(
        self, *, wait: bool = True, log: Path | None = None, **settings: object
    ) -> tuple[asyncio.subprocess.Process, int]:
        """Start a whole worker with a simple engine; return it and its health port.

        Args:
            wait: until it is assigned.
            log: a file for what it writes to stderr; ours unless given.
            settings: of the worker, and what else simple_worker.py takes.
        """
        process = await self._python("simple_worker.py", json.dumps(settings), log=log)
        return process, int(await self._line(process)) if wait else 0

    async def broker_process(self) -> asyncio.subprocess.Process:
        """Put a process of its own in the place of the broker, one that can be frozen."""
        if self._cluster is not None:
            pytest.skip("left out: freezes the embedded broker's process")
        await self.stop_broker()
        where = ("--port", self._port, "--data-dir", self._folder)
        process = await self.rootline("broker", *where, "--json")
        await self._line(process)
        return process

    async def rootline(self, *arguments: object) -> asyncio.subprocess.Process:
        """Start the command as its user does."""
        return await self._start("-m", "agents", *map(str, arguments))

    async def _python(
        self, script: str, *arguments: str, log: Path | None = None
    ) -> asyncio.subprocess.Process:
        path = str(Path(__file__).with_name(script))
        return await self._start(path, self.bootstrap, *arguments, log=log)

    async def _start(self, *arguments: str, log: Path | None = None) -> asyncio.subprocess.Process:
        with contextlib.ExitStack() as stack:
            stream: Any = asyncio.subprocess.PIPE if "agents" in arguments else None
            if log is not None:
                stream = stack.enter_context(log.open("wb"))
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=asyncio.subprocess.PIPE,
                stderr=stream,
            )
        self._processes.append(process)
        return process

    async def _line(self, process: asyncio.subprocess.Process) -> str:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_SECONDS)
        return line.decode().strip()

    async def read(
        self, topic: str, enough: Callable[[list[Any]], bool] | None = None
    ) -> list[Any]:
        """Read a topic from its start until `enough`, or to its end where that is not given."""
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        records: list[Any] = []
        try:
            tps = sorted(consumer.assignment())
            ends = await consumer.end_offsets(tps)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < deadline:
                if enough is not None and enough(records):
                    break
                if enough is None and all([await consumer.position(t) >= ends[t] for t in tps]):
                    break
                for batch in (await consumer.getmany(*tps, timeout_ms=100)).values():
                    records += batch
        finally:
            await consumer.stop()
        return records

    async def counted(self, total: int, suffix: str = "") -> list[Any]:
        """Wait until every one of `total` numbers has an output."""
        return await self.read(
            f"counted{suffix}", lambda found: len({r.key for r in found}) >= total
        )

    async def close(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.communicate()
        if self._cluster is None:
            await self.stop_broker()


@pytest.fixture
def on_stand(
    tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[[Callable[[Stand], Any]], None]:
    """Run an async scenario on a fresh stand, over the cluster that was chosen.

    An embedded broker lives in this process: it starts in no time.
    """
    embedded = chosen.is_embedded()
    cluster = None if embedded else request.getfixturevalue("clean_cluster")

    def run(scenario: Callable[[Stand], Any]) -> None:
        async def whole() -> None:
            stand = Stand(tmp_path / "broker", cluster)
            await stand.start_broker()
            try:
                await scenario(stand)
            finally:
                await stand.close()

        asyncio.run(whole())

    return run


@pytest.fixture
def assert_exactly_once() -> Callable[[list[Any], int], None]:
    """Check that each number had one effect, whatever was delivered twice.

    Deduplicated by id there is one output for each number, all copies of it are equal, and the
    counts of a partition are 1, 2, 3, ... in the order of the input.
    """

    def check(records: list[Any], total: int, partitions: int = 2) -> None:
        values: dict[int, set[bytes]] = {}
        for record in records:
            values.setdefault(int(record.key), set()).add(record.value)
        assert set(values) == set(range(total))
        different = {n: found for n, found in values.items() if len(found) > 1}
        assert not different
        for n, (value,) in sorted(values.items()):
            _number, partition, count = map(int, value.split())
            assert (partition, count) == (n % partitions, n // partitions + 1)

    return check
