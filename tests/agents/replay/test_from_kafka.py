"""A worker runs a storm on a real broker; what it published is what the topics make again."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from agents.cases.asked import AskedQuestions
from agents.cli import main
from agents.kafka import KafkaConfig
from agents.offline import run_offline
from agents.recordings import read_recording
from agents.replay.comparing import Comparison
from agents.replay.handled import handled_offsets
from agents.replay.kafka_run import rebuild
from agents.replay.order import Order, Source, usual_warmup_ms
from agents.settings import Settings
from agents.telemetry import Telemetry
from agents.topic_slice import partition_counts
from agents.worker.assembly import consumer_specs
from agents.worker.cluster import Cluster
from agents.worker.engines import WatchedCorrelator, build_engines
from agents.worker.progress import Progress
from agents.worker.session import Session
from agents.worker.topic_admin import admin_client, ensure_topics
from models.rules import RuleRanker
from models.simulator.config import SimulationConfig
from models.simulator.simulate import simulate
from models.simulator.wire import wire_messages
from pipeline.config import FiringConfig, PipelineConfig, WatermarkConfig
from pipeline.outputs import IncidentPublished
from pipeline.timestamps import rfc3339
from schemas.recording import Recording
from tests.agents.worker.conftest import Stand

pytestmark = pytest.mark.integration

PANE_MS = 30_000
LENGTH_S = 270


def recent_storm() -> Recording:
    """A storm that ended just now, so that times of events and of the log agree."""
    start_ms = time.time_ns() // 1_000_000 - LENGTH_S * 1000
    config = SimulationConfig(
        warmup_seconds=120,
        storm_seconds=150,
        request_rate=4,
        start_ms=start_ms - start_ms % PANE_MS,
    )
    recording = simulate("pool_exhaustion", seed=1, config=config)
    metrics = recording.metrics
    assert metrics is not None
    # Of the samples a few: that the answer is the same matters here, not what it is.
    few = replace(
        metrics,
        series=metrics.series[::40],
        time_ms=metrics.time_ms[::40],
        value=metrics.value[::40],
    )
    return replace(recording, metrics=few)


class Stood:
    """A broker on which a worker has been through a storm and was stopped."""

    def __init__(self, stand: Stand, settings: Settings) -> None:
        self.stand = stand
        self.settings = settings
        self.began_ms = 0

    async def storm(self) -> None:
        """Let both stages go through a storm, as a worker runs them, and stop them."""
        recording = recent_storm()
        self.began_ms = recording.start_ms
        await ensure_topics(self.settings.kafka, self.settings.topics)
        async with self.stand.producer() as producer:
            for message in wire_messages(recording):
                await producer.send(message.topic, message.value)
        await self._work(lambda found: len(found) >= 2)

    async def alerts(self, *services: str) -> None:
        """Let both stages handle alerts of services that have nothing to do with each other."""
        self.began_ms = time.time_ns() // 1_000_000 - 60_000
        await ensure_topics(self.settings.kafka, self.settings.topics)
        async with self.stand.producer() as producer:
            await producer.send("alerts", b"{")
            for service in services:
                labels = {"alertname": "Down", "service": service, "severity": "critical"}
                alert = {"labels": labels, "startsAt": rfc3339(self.began_ms + 1_000)}
                await producer.send("alerts", orjson.dumps(alert))
        await self._work(lambda found: len({r.key for r in found}) >= len(services))

    async def _work(self, enough: Callable[[list[Any]], bool]) -> None:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for session in self._sessions():
                group.create_task(session.run(stop.is_set))
            await self.stand.read("incidents", enough)
            stop.set()

    async def publish(self, key: bytes, value: bytes | None) -> None:
        async with self.stand.producer() as producer:
            await producer.send_and_wait("incidents", value, key=key)

    async def command(self, *arguments: str) -> tuple[int | None, str]:
        process = await self.stand.rootline("replay", "--from-kafka", *arguments)
        out, _said = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode, out.decode()

    def _sessions(self) -> list[Session]:
        async def prepare() -> None:
            """Return at once: the topics are there."""

        telemetry = Telemetry()
        cluster = Cluster(
            kafka=self.settings.kafka,
            worker=self.settings.worker,
            metrics=telemetry.kafka,
            prepare=prepare,
        )
        specs = consumer_specs(
            self.settings, build_engines(self.settings), telemetry, lambda _stage: None
        )
        return [Session(spec, cluster, Progress(spec.name, 60.0)) for spec in specs]

    async def replayed(self, *, ranker: Any = None, **order: Any) -> Comparison:
        engines = build_engines(self.settings)
        if ranker is not None:
            asked = AskedQuestions(ranker, 10)
            pipeline = self.settings.pipeline
            engines = replace(engines, correlator=lambda: WatchedCorrelator(pipeline, asked))
        defaults = {"since_ms": self.began_ms, "warmup_ms": usual_warmup_ms(self.settings)}
        return await rebuild(
            self.settings, engines, Order(**(defaults | order)), lambda _what, _share: None
        )

    async def state(self) -> object:
        """Everything a replay must leave alone: records, groups, offsets."""
        counts = await partition_counts(self.settings.kafka)
        records = {name: len(await self.stand.read(name)) for name in sorted(counts)}
        async with admin_client(self.settings.kafka) as admin:
            groups = sorted(await admin.list_consumer_groups())
        return records, groups, await handled_offsets(self.settings)


@asynccontextmanager
async def stood(folder: Path) -> AsyncIterator[Stood]:
    stand = Stand(folder)
    await stand.start_broker()
    os.environ["ROOTLINE_BOOTSTRAP"] = stand.bootstrap
    try:
        yield Stood(stand, Settings(kafka=KafkaConfig(bootstrap=stand.bootstrap)))
    finally:
        del os.environ["ROOTLINE_BOOTSTRAP"]
        await stand.close()


def kinds(result: Comparison) -> list[str]:
    return [each.kind.value for each in result.differences]


def test_a_storm_is_rebuilt_to_the_byte_and_every_tampering_shows(tmp_path):
    async def scenario() -> None:
        async with stood(tmp_path / "broker") as place:
            await place.storm()
            before = await place.state()
            result = await place.replayed()
            assert result.compared == result.published == result.rebuilt >= 1
            assert not result.differs(exact=True), result.differences

            late = await place.replayed(since_ms=time.time_ns() // 1_000_000, warmup_ms=0)
            assert (late.compared, len(late.begun_before)) == (0, result.compared)
            assert await place.state() == before

            ruled = await place.replayed(ranker=RuleRanker())
            assert "answer" in kinds(ruled)
            assert set(kinds(ruled)) <= {"answer", "root_cause", "revision"}
            await _tampered(place)

    asyncio.run(scenario())


def test_what_came_in_makes_the_same_incidents_and_a_recording(tmp_path):
    async def scenario() -> None:
        async with stood(tmp_path / "broker") as place:
            quick = PipelineConfig(
                firing=FiringConfig(early_seconds=0.1),
                watermark=WatermarkConfig(lateness_seconds=0.1),
            )
            place.settings = replace(place.settings, pipeline=quick)
            await place.alerts("cart", "mail", "web")
            before = await place.state()
            result = await place.replayed(source=Source.INPUTS, out=tmp_path / "recording")
            assert (result.compared, result.differences) == (3, [])
            assert "1 input messages could not be used" in result.notes
            assert await place.state() == before

            recording = read_recording(tmp_path / "recording")
            assert recording.provenance["captured"] == "kafka"
            run = run_offline(recording, RuleRanker())
            ids = {o.incident.incident_id for o in run.outputs if isinstance(o, IncidentPublished)}
            assert ids == {r.key.decode() for r in await place.stand.read("incidents")}
            assert [stream for stream, _, _ in run.rejected] == ["alerts"]

            alone = await place.replayed(source=Source.INPUTS, environment="elsewhere")
            assert (alone.compared, alone.begun_before) == (0, [])

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--from-kafka"], "--from-kafka needs --since"),
        (["--from-kafka", "some/recording"], "and not both"),
        ([], "expected either a RECORDING or --from-kafka"),
        (["--from-kafka", "--since", "1h"], "does not answer as it should"),
    ],
)
def test_what_cannot_be_replayed_is_a_sentence(arguments, sentence, monkeypatch):
    monkeypatch.setenv("ROOTLINE_BOOTSTRAP", "127.0.0.1:1")
    result = CliRunner().invoke(main, ["replay", *arguments])
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())


async def _tampered(place: Stood) -> None:
    last = (await place.stand.read("incidents"))[-1]
    incident = orjson.loads(last.value)
    shorter = orjson.dumps(incident | {"alerts": incident["alerts"][1:]})
    ghost = "00000000-0000-5000-8000-000000000000"

    await place.publish(ghost.encode(), orjson.dumps(incident | {"incident_id": ghost}))
    result = await place.replayed()
    assert [(d.incident_id, d.kind.value) for d in result.differences] == [(ghost, "extra")]

    await place.publish(ghost.encode(), None)
    await place.publish(last.key, shorter)
    assert kinds(await place.replayed()) == ["contradiction"]

    await place.publish(last.key, None)
    await place.publish(last.key, shorter)
    result = await place.replayed()
    assert "members" in kinds(result)
    assert "only rebuilt: " in result.differences[0].sentence

    await place.publish(last.key, None)
    code, out = await place.command("--since", "1h", "--json")
    *_, difference, summary = [orjson.loads(line) for line in out.splitlines()]
    assert code == 1
    assert difference["difference"]["kind"] == "missing"
    assert summary["summary"]["differing"] == 1
