"""A worker process for the fault tests: a DurableConsumer around a stage that counts.

Each output holds the input's id and the running count of its partition, so that lost, doubled or
mixed-up state shows in the output, not only a lost or doubled record.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from agents.kafka import KafkaConfig
from agents.telemetry import Telemetry
from agents.worker.cluster import Cluster
from agents.worker.config import WorkerConfig
from agents.worker.durable import DurableConsumer
from agents.worker.stage import ConsumerSpec, Incoming, Outgoing, StateFormats


class CountingStage:
    def __init__(self, output: str, partition: int, ballast: int, form: str) -> None:
        self._form = form
        self._output = output
        self._partition = partition
        self._ballast = ballast
        self._count = 0

    def handle(self, records: Sequence[Incoming], now_ms: int) -> list[Outgoing]:
        del now_ms
        outgoing: list[Outgoing] = []
        for record in records:
            assert record.value is not None
            self._count += 1
            value = b"%s %d %d" % (record.value, self._partition, self._count)
            outgoing.append(Outgoing(self._output, record.value, value))
        return outgoing

    def idle(self, now_ms: int) -> list[Outgoing]:
        del now_ms
        return []

    def snapshot(self) -> bytes:
        # Incompressible ballast makes a snapshot many chunks long.
        mark = b"" if self._form == "1" else b"form%s:" % self._form.encode()
        return mark + b"%d " % self._count + os.urandom(self._ballast)

    def restore(self, data: bytes) -> None:
        mark, _, count = data.partition(b" ")[0].rpartition(b":")
        if mark and self._form == "1":
            raise ValueError(mark)
        self._count = int(count)


def spec(suffix: str, ballast: int, form: str) -> ConsumerSpec:
    return ConsumerSpec(
        name="count",
        group=f"counting{suffix}",
        topics=(f"numbers{suffix}",),
        state_topic=lambda _topic: f"state{suffix}",
        formats=StateFormats(written=form, read=frozenset({"1", form})),
        stage=lambda _topic, partition: CountingStage(
            f"counted{suffix}", partition, ballast, form
        ),
    )


async def topics_are_there() -> None:
    """The test has created them."""


def cluster(bootstrap: str, **settings: float) -> Cluster:
    quick = {
        "snapshot_seconds": 0.3,
        "reconnect_seconds": 0.2,
        "session_timeout_ms": 1_500,
        "heartbeat_ms": 200,
        "slice_records": 50,
        "poll_ms": 50,
    }
    return Cluster(
        kafka=KafkaConfig(bootstrap=bootstrap, metadata_max_age_ms=1_000),
        worker=WorkerConfig(**(quick | settings)),
        metrics=Telemetry().kafka,
        prepare=topics_are_there,
    )


def die_at(text: str) -> Callable[[str], None]:
    """Kill the process without warning at the n-th time that it comes to a named moment."""
    name, _, hits = text.partition(":")
    left = int(hits or 1)

    def failpoint(at: str) -> None:
        nonlocal left
        if at == f"count.{name}":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return failpoint


async def main(arguments: argparse.Namespace) -> int:
    consumer = DurableConsumer(
        spec(arguments.suffix, arguments.ballast, arguments.form),
        replace(
            cluster(arguments.bootstrap, snapshot_chunk_bytes=arguments.chunk),
            failpoint=die_at(arguments.die_at),
        ),
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await consumer.start()
    was_ready = False
    while not stop.is_set() and not consumer.crashed:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.05)
        if not was_ready and consumer.progress.status().ready:
            was_ready = True
            sys.stdout.write("ready\n")
            sys.stdout.flush()
    crashed = consumer.crashed
    await consumer.stop()
    return 1 if crashed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("bootstrap")
    parser.add_argument("--suffix", default="")
    parser.add_argument("--die-at", default="never")
    parser.add_argument("--chunk", type=int, default=900_000)
    parser.add_argument("--form", default="1", help="the format of states: 1, or a later one")
    parser.add_argument("--ballast", type=int, default=0)
    sys.exit(asyncio.run(main(parser.parse_args())))
