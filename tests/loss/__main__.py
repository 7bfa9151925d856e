"""Measure what workers lose under one schedule of joining, SIGTERM and kill -9.

    python -m tests.loss --cluster apache --runs 4 control service durable faust

Numbers go in at a steady rate; a second worker joins, is told to stop, a third joins and is killed
with -9, the first stays. Then the numbers that came out are compared with those that went in.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.clusters.apache import ApacheCluster
from tests.clusters.cluster import Cluster
from tests.clusters.embedded import EmbeddedCluster
from tests.contracts.broker.clients import Clients

_ROOT = Path(__file__).parents[2]
_PARTITIONS = 4
_SETTLE_SECONDS = 25.0
_READY_SECONDS = 60.0
_KINDS = ("control", "service", "durable", "faust")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came out of one run."""

    lost: int
    repeated: int
    exit_code: int
    seconds: float


def new_cluster(kind: str, folder: Path) -> Cluster:
    if kind == "embedded":
        return EmbeddedCluster(folder)
    return ApacheCluster(folder, nodes=3 if kind == "apache3" else 1)


@asynccontextmanager
async def worker(kind: str, bootstrap: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker that is ready; what still runs at the end is killed."""
    path = (
        "tests/agents/worker/counting_worker.py" if kind == "durable" else "tests/loss/worker.py"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(_ROOT / path),
        bootstrap,
        *([] if kind == "durable" else [kind]),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _READY_SECONDS)
        assert line, f"the {kind} worker ended before it was ready"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def feed(bootstrap: str, events: int, rate: int) -> None:
    """Send the numbers at a steady rate, each acknowledged by all replicas."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, linger_ms=2)
    async with producer:
        began = time.monotonic()
        sent = []
        for number in range(events):
            due = began + number / rate
            if (pause := due - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            sent.append(
                await producer.send("numbers", b"%d" % number, partition=number % _PARTITIONS)
            )
        await asyncio.gather(*sent)


async def came_out(bootstrap: str, events: int) -> Counter[bytes]:
    """Read the output until it is complete, or nothing has come for a while."""
    found: Counter[bytes] = Counter()
    consumer = AIOKafkaConsumer(
        "counted", bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    )
    async with consumer:
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < (3 if len(found) == events else _SETTLE_SECONDS):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found.update(record.key for record in batch)
                quiet_since = time.monotonic()
    return found


async def play(kind: str, bootstrap: str, events: int, rate: int) -> Outcome:
    began = time.monotonic()
    part = events / rate / 5
    async with worker(kind, bootstrap):
        feeding = asyncio.create_task(feed(bootstrap, events, rate))
        await asyncio.sleep(part)
        async with worker(kind, bootstrap) as second:
            await asyncio.sleep(part)
            second.terminate()
            code = await asyncio.wait_for(second.wait(), 60)
        async with worker(kind, bootstrap) as third:
            await asyncio.sleep(part)
            third.kill()
        await feeding
        found = await came_out(bootstrap, events)
    lost = events - len(found)
    return Outcome(
        lost=lost,
        repeated=sum(found.values()) - len(found),
        exit_code=code,
        seconds=time.monotonic() - began,
    )


def measured(kind: str, arguments: argparse.Namespace) -> Outcome:
    """One run on a cluster of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        new_cluster(arguments.cluster, Path(folder)) as running,
    ):
        clients = Clients(running.bootstrap)
        for topic in ("numbers", "counted", "state"):
            clients.create(topic, _PARTITIONS, retention_ms="-1")
        return asyncio.run(play(kind, running.bootstrap, arguments.events, arguments.rate))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", choices=[*_KINDS, []], default=list(_KINDS))
    parser.add_argument("--cluster", choices=["embedded", "apache", "apache3"], default="apache")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--events", type=int, default=15_000)
    parser.add_argument("--rate", type=int, default=1_000)
    arguments = parser.parse_args()
    for kind in arguments.kinds:
        for run in range(1, arguments.runs + 1):
            outcome = measured(kind, arguments)
            print(f"{arguments.cluster} {kind} run {run}: {outcome}", flush=True)  # noqa: T201 - the report


if __name__ == "__main__":
    main()
