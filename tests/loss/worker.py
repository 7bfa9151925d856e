"""One worker of a loss measurement: copies numbers from one topic to another, in one of four ways.

`control` is plain aiokafka; `service` the same inside a mode Service of a Faust app; `faust` a
Faust agent that takes batches and awaits its sends. The fourth way, `durable`, is Rootline's own
(tests/agents/worker/counting_worker.py).
"""

import argparse
import asyncio
import os
import signal
import sys
from contextlib import suppress

import faust
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from mode import Service

_BATCH = 200
_GROUP = {"session_timeout_ms": 6_000, "heartbeat_interval_ms": 1_000}


async def copy(bootstrap: str, stop: asyncio.Event) -> None:
    """Read, send, wait for the acknowledgements, commit: nothing is committed that is not out."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=2)
    consumer = AIOKafkaConsumer(
        "numbers",
        bootstrap_servers=bootstrap,
        group_id="loss",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **_GROUP,
    )
    async with producer, consumer:
        say_ready()
        while not stop.is_set():
            batches = await consumer.getmany(timeout_ms=100, max_records=_BATCH)
            records = [record for batch in batches.values() for record in batch]
            if not records:
                continue
            sent = [await producer.send("counted", key=each.value) for each in records]
            await asyncio.gather(*sent)
            with suppress(Exception):  # the partitions have gone to another worker, who repeats
                await consumer.commit()


def say_ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def app_on(bootstrap: str) -> faust.App:
    """A Faust app with the settings that its own measurements were made with."""
    return faust.App(
        "loss",
        broker="kafka://" + bootstrap.replace(",", ";"),
        store="memory://",
        datadir=f"/tmp/loss-{os.getpid()}",  # noqa: S108 - nothing is written: there is no table
        web_enabled=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.0,
        topic_partitions=4,
    )


class CopyService(Service):
    """The plain consumer as a service of the app, as Rootline's workers have theirs."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__()
        self._bootstrap = bootstrap
        self._stop = asyncio.Event()

    async def on_start(self) -> None:
        self._copying = asyncio.ensure_future(copy(self._bootstrap, self._stop))

    async def on_stop(self) -> None:
        self._stop.set()
        await self._copying


def with_agent(app: faust.App) -> None:
    raw = {"key_serializer": "raw", "value_serializer": "raw"}
    source, target = app.topic("numbers", **raw), app.topic("counted", **raw)

    @app.agent(source)
    async def take(stream: faust.StreamT) -> None:
        async for values in stream.take(_BATCH, within=0.1):
            sent = [await target.send(key=value, value=b"") for value in values]
            await asyncio.gather(*sent)

    @app.task
    async def ready() -> None:
        say_ready()


async def main(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if arguments.kind == "control":
        await copy(arguments.bootstrap, stop)
        return
    app = app_on(arguments.bootstrap)
    if arguments.kind == "faust":
        with_agent(app)
    else:
        await app.add_runtime_dependency(CopyService(arguments.bootstrap))
    await app.start()
    await stop.wait()
    await app.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("bootstrap")
    parser.add_argument("kind", choices=["control", "service", "faust"])
    asyncio.run(main(parser.parse_args()))
