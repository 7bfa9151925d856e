"""A notifier that is killed (SIGKILL) between any two awaits, and what the receiver sees of it.

Promised: what the log knows is not told again, and nothing is lost. One window is left, between
the receiver's answer and the acknowledgement of our record of it: a kill there sends the message
a second time, the same bytes under the same idempotency key.
"""

import asyncio
import contextlib
import json
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker
from agents.notifier.notified import decode_sent
from schemas.incident import Incident, IncidentStatus
from tests.agents.notifier.faulty_receiver import OK, FaultyReceiver

pytestmark = pytest.mark.integration

Build = Callable[..., Incident]
ROOT = Path(__file__).parents[3]
INCIDENTS = 4
SECONDS = 45.0


@dataclass
class Bench:
    """One notifier's topics, group and receiver, at a broker that all benches share."""

    name: str
    bootstrap: str
    receiver: FaultyReceiver = field(default_factory=lambda: FaultyReceiver(None))
    process: asyncio.subprocess.Process | None = None

    async def start(self, die_at: str = "") -> None:
        order = {
            "name": self.name,
            "bootstrap": self.bootstrap,
            "webhook": self.receiver.url,
            "die_at": die_at,
        }
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.agents.notifier.notifier_process", json.dumps(order)),
            cwd=ROOT,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def died(self) -> None:
        assert self.process is not None
        assert await self.process.wait() == -signal.SIGKILL

    def kill(self) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        assert await self.process.wait() == 0

    async def publish(self, *incidents: Incident) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap)
        await producer.start()
        for incident in incidents:
            await producer.send_and_wait(
                f"incidents-{self.name}", orjson.dumps(incident), key=incident.incident_id.encode()
            )
        await producer.stop()

    async def commits(self, offset: int) -> None:
        place = TopicPartition(f"incidents-{self.name}", 0)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=self.name)
        await consumer.start()
        try:
            async with asyncio.timeout(SECONDS):
                while await consumer.committed(place) != offset:
                    await asyncio.sleep(0.1)
        finally:
            await consumer.stop()

    async def logged(self) -> list[str]:
        """Return the keys of what the log says was told, in order."""
        place = TopicPartition(f"notified-{self.name}", 0)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap)
        await consumer.start()
        try:
            consumer.assign([place])
            consumer.seek(place, 0)
            end = (await consumer.end_offsets([place]))[place]
            found: list[str] = []
            while await consumer.position(place) < end:
                for record in (await consumer.getmany(timeout_ms=200)).get(place, []):
                    row = decode_sent(record.value)
                    assert row is not None
                    found.append(f"{row.incident_id}:{row.revision}")
            return found
        finally:
            await consumer.stop()

    async def check(self, keys: list[str]) -> None:
        """Everything was taken; what is known to be told was told once; copies are copies."""
        assert sorted(set(self.receiver.taken)) == sorted(keys), self.name
        assert sorted(self.receiver.shown) == sorted(keys), self.name
        # A second record would be a revision that was told although the log knew it.
        assert sorted(await self.logged()) == sorted(keys), self.name
        assert all(len(bodies) == 1 for bodies in self.receiver.bodies.values()), self.name


@asynccontextmanager
async def benches(folder: Path, *names: str) -> AsyncIterator[list[Bench]]:
    config = BrokerConfig(
        port=0,
        data_dir=folder / "broker",
        min_session_timeout_ms=1_000,
        group_initial_delay_ms=0,
    )
    broker = EmbeddedBroker(config)
    await broker.start()
    found = [Bench(name, broker.bootstrap) for name in names]
    try:
        for bench in found:
            await bench.receiver.start()
        yield found
    finally:
        for bench in found:
            if bench.process is not None and bench.process.returncode is None:
                bench.process.kill()
                await bench.process.wait()
            await bench.receiver.stop()
        await broker.stop()


def run(test: Callable[[], Awaitable[None]], seconds: float = 60.0) -> None:
    async def limited() -> None:
        async with asyncio.timeout(seconds):
            await test()

    asyncio.run(limited())


MOMENTS = (
    "notify.read",
    "notify.told",  # the receiver has it, our record is not sent
    "notify.sent",  # our record is on its way
    "notify.logged",  # our record is acknowledged, the offset not committed
    "notify.committed",
)
QUICK = ("notify.told", "notify.logged")


async def die_and_go_on(bench: Bench, incidents: list[Incident]) -> None:
    await bench.publish(*incidents)
    # The first of each moment, so that something is left to do afterwards.
    await bench.start(die_at=f"{bench.name}:1")
    await bench.died()
    await bench.start()
    await bench.commits(len(incidents))
    await bench.stop()


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param(QUICK, id="sample"),
        pytest.param(sorted(set(MOMENTS) - set(QUICK)), id="rest", marks=pytest.mark.slow),
    ],
)
def test_a_kill_between_any_two_awaits_repeats_nothing_that_the_log_knows(
    an_incident: Build, tmp_path: Path, moments: tuple[str, ...]
) -> None:
    incidents = [an_incident(incident_id=f"i{number}", revision=1) for number in range(INCIDENTS)]
    keys = [f"i{number}:1" for number in range(INCIDENTS)]

    async def test() -> None:
        async with benches(tmp_path, *moments) as all_of_them:
            async with asyncio.TaskGroup() as group:
                for bench in all_of_them:
                    group.create_task(die_and_go_on(bench, incidents))
            for bench in all_of_them:
                await bench.check(keys)
                # Reading goes on beside telling, so at any moment one message is in the window.
                assert len(bench.receiver.taken) - len(keys) <= 1, bench.name
                if bench.name == "notify.logged":
                    assert bench.receiver.taken == keys
                if bench.name == "notify.told":
                    # The window is real, and what closes it is the key.
                    assert bench.receiver.taken == ["i0:1", *keys]

    run(test)


def test_a_kill_while_the_receiver_has_the_request_tells_it_once(
    an_incident: Build, tmp_path: Path
) -> None:
    async def test() -> None:
        async with benches(tmp_path, "requested") as (bench,):

            async def kill_first(writer: asyncio.StreamWriter) -> None:
                bench.kill()
                await bench.died()
                writer.write(OK)  # to nobody

            bench.receiver.fault = kill_first
            await bench.publish(an_incident(incident_id="i0", revision=1))
            await bench.start()
            await bench.receiver.until(lambda: bench.receiver.requests >= 1, SECONDS)
            bench.receiver.fault = None
            await bench.start()
            await bench.commits(1)
            await bench.stop()
            # Nobody knows whether the first was taken; the key tells a receiver that it is one.
            assert bench.receiver.taken == ["i0:1"]
            assert bench.receiver.shown == ["i0:1"]

    run(test)


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing_and_repeat_only_under_the_same_key(
    an_incident: Build, tmp_path: Path
) -> None:
    rng = random.Random(20261124)
    kills = 20

    async def test() -> None:
        async with benches(tmp_path, "random") as (bench,):
            published = 0
            for number in range(kills):
                opened = an_incident(incident_id=f"i{number}", revision=1)
                await bench.publish(opened)
                await bench.start()
                await asyncio.sleep(rng.uniform(0.8, 3.5))
                resolved = replace(opened, revision=2, status=IncidentStatus.RESOLVED)
                await bench.publish(resolved)
                published += 2
                await asyncio.sleep(rng.uniform(0.0, 0.2))
                bench.kill()
                await bench.died()
            await bench.start()
            await bench.commits(published)
            await bench.stop()
            taken = bench.receiver.taken
            await bench.check(sorted(set(taken)))
            assert len(taken) - len(set(taken)) <= kills
            # Whoever was told of an opening was told of its end.
            opened_ones = {key.split(":")[0] for key in taken if key.endswith(":1")}
            ended = {key.split(":")[0] for key in taken if key.endswith(":2")}
            assert opened_ones == ended
            assert opened_ones, "every kill came before anything was told"
            print(f"{kills} kills, {len(taken)} taken, {len(taken) - len(set(taken))} twice")  # noqa: T201 - the note of the run

    run(test, seconds=280)
