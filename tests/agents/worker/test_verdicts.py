"""Verdicts on a broker: they become cases once, whatever is killed, and bad ones say why."""

import asyncio
import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agents.cases.config import CasesConfig
from agents.cases.kept import encode_kept, keep
from agents.cases.library import library_files, read_cases
from agents.cases.service import VerdictService
from agents.cases.session import VerdictParts
from agents.kafka import KafkaConfig
from agents.telemetry import Telemetry
from agents.worker.cluster import Cluster
from agents.worker.config import WorkerConfig
from agents.worker.dead_letter import DeadLetters
from agents.worker.topic_keeper import TopicKeeper
from agents.worker.topics import TopicsConfig
from models.artefact import write_artefact
from models.case_checks import check_library
from models.pattern_catalogue import default_catalogue
from models.rules import rule_parameters
from schemas.codecs.limits import CodecLimits
from tests.models.synthetic import candidate, evidence, question

PATIENCE = 20.0
PATTERN = "db_sql.pg.conn_exhausted"
WORKER = """
[kafka]
bootstrap = "{bootstrap}"
[cases]
library_dir = "{folder}"
[model]
path = "{model}"
[telemetry]
port = 0
[worker]
roles = {roles}
session_timeout_ms = 1500
heartbeat_ms = 200
idle_seconds = 0.1
[pipeline.firing]
early_seconds = 0.5
[pipeline.watermark]
lateness_seconds = 0.2
"""


def an_incident(number):
    return f"0c3a0f5e-6f0e-5b6a-9a37-{number:012x}"


def a_question(number):
    asked = question(
        candidate("orders", z_latency=9.0),
        candidate("orders-db", "database", evidence("pool_saturated"), z_pool=30.0),
    )
    return encode_kept(
        keep(replace(asked, incident_id=an_incident(number)), "prod", default_catalogue())
    )


def a_verdict(number, **fields):
    base = {"outcome": "confirmed", "component": "orders-db", "pattern": PATTERN, "who": "ann"}
    at = {"at": "2026-09-01T10:00:00Z", "incident_id": an_incident(number)}
    return an_incident(number).encode(), json.dumps(base | at | fields).encode()


async def send(stand, topic, records):
    async with stand.producer() as producer:
        acks = [await producer.send(topic, value, key=key) for key, value in records]
        await asyncio.gather(*acks)


async def keep_questions(stand, numbers):
    rows = [(an_incident(n).encode(), a_question(n)) for n in numbers]
    await send(stand, "rootline.case-rows", rows)


class Desk:
    """A consumer of verdicts in this process, as a worker has it."""

    def __init__(self, stand, folder, group="rootline-verdicts"):
        kafka, topics, telemetry = (
            KafkaConfig(bootstrap=stand.bootstrap, metadata_max_age_ms=500),
            TopicsConfig(),
            Telemetry(),
        )
        worker = WorkerConfig(
            session_timeout_ms=1_500, heartbeat_ms=200, poll_ms=50, reconnect_seconds=0.2
        )
        self.telemetry = telemetry
        self._cluster = Cluster(
            kafka=kafka,
            worker=worker,
            metrics=telemetry.kafka,
            prepare=TopicKeeper(kafka, topics).keep,
        )
        letters = DeadLetters(
            topic="dead-letter", max_bytes=100_000, counter=telemetry.intake.dead_lettered
        )
        self._parts = VerdictParts(
            library_dir=folder,
            config=CasesConfig(kept_incidents=50, group=group),
            cluster=self._cluster,
            topics=topics,
            limits=CodecLimits(),
            letters=letters,
            metrics=telemetry.cases,
        )

    async def prepare(self):
        await self._cluster.prepare()

    @contextlib.asynccontextmanager
    async def running(self):
        service = VerdictService(self._parts)
        await service.start()
        try:
            yield service
        finally:
            await service.stop()

    async def until(self, **outcomes):
        """Wait until as many verdicts had these outcomes."""
        async with asyncio.timeout(PATIENCE):
            while any(self.counted(name) < count for name, count in outcomes.items()):
                await asyncio.sleep(0.02)

    def counted(self, outcome):
        name = "rootline_verdicts_handled_total"
        return self.telemetry.registry.get_sample_value(name, {"outcome": outcome}) or 0


def cases_in(folder):
    cases = read_cases(CasesConfig(), folder, shipped=False).cases
    return {case.name: case.last for case in cases}


def lines_in(folder):
    files = library_files(CasesConfig(), folder, shipped=False)
    return sum(len(data.splitlines()) - 1 for _, data in files)


def test_a_verdict_becomes_a_case_that_names_nobody(on_stand, tmp_path):
    folder = tmp_path / "cases"

    async def scenario(stand):
        desk = Desk(stand, folder)
        await desk.prepare()
        await keep_questions(stand, range(3))
        async with desk.running() as service:
            await send(
                stand,
                "verdicts",
                [
                    a_verdict(0),
                    a_verdict(1, outcome="corrected", component="a-stranger", note="it was dns"),
                    a_verdict(2, outcome="nothing_wrong", component="", pattern=""),
                ],
            )
            await desk.until(new=3)
            assert service.progress.status().ready

    on_stand(scenario)
    cases = cases_in(folder)
    # c0 is orders, c1 orders-db: candidates are laid out by name.
    told = [(cases[an_incident(n)].root, cases[an_incident(n)].pattern) for n in range(3)]
    assert told == [(1, PATTERN), (None, PATTERN), (None, "")]
    assert cases[an_incident(2)].fault == "none"
    assert {row.source for row in cases.values()} == {"real"}
    text = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())
    for name in ("orders", "stranger", "ann", "dns", '"prod"'):
        assert name not in text
    checked = check_library(
        [(path.name, path.read_bytes()) for path in folder.iterdir()], default_catalogue()
    )
    assert not checked.problems


def test_verdicts_that_are_delivered_again_are_written_once(on_stand, tmp_path):
    folder = tmp_path / "cases"

    async def scenario(stand):
        first = Desk(stand, folder)
        await first.prepare()
        await keep_questions(stand, range(5))
        await send(stand, "verdicts", [a_verdict(n) for n in range(5)])
        async with first.running():
            await first.until(new=5)
        # As after a crash between the disk and the commit, which tore the line it was writing.
        for path in folder.iterdir():
            path.write_bytes(path.read_bytes() + b'{"case":"0c3a')
        again = Desk(stand, folder, group="as-if-nothing-was-committed")
        async with again.running():
            await again.until(repeated=5)
            await keep_questions(stand, [5])
            await send(stand, "verdicts", [a_verdict(5), a_verdict(5)])
            await again.until(new=1, repeated=6)

    on_stand(scenario)
    assert sorted(cases_in(folder)) == [an_incident(n) for n in range(6)]
    assert lines_in(folder) == 6


def test_a_committed_verdict_is_not_read_again(on_stand, tmp_path):
    async def scenario(stand):
        desk = Desk(stand, tmp_path / "cases")
        await desk.prepare()
        await keep_questions(stand, range(2))
        await send(stand, "verdicts", [a_verdict(0)])
        async with desk.running():
            await desk.until(new=1)
        await send(stand, "verdicts", [a_verdict(1)])
        later = Desk(stand, tmp_path / "cases")
        async with later.running():
            await later.until(new=1)
        assert later.counted("repeated") == 0

    on_stand(scenario)


def test_a_later_verdict_overrules_and_the_last_question_counts(on_stand, tmp_path):
    folder = tmp_path / "cases"

    async def scenario(stand):
        desk = Desk(stand, folder)
        await desk.prepare()
        await keep_questions(stand, [0])
        async with desk.running():
            await send(stand, "verdicts", [a_verdict(0)])
            await desk.until(new=1)
            correction = {"outcome": "corrected", "component": "orders", "pattern": ""}
            await send(stand, "verdicts", [a_verdict(0, revision=2, **correction)])
            await desk.until(new=2)
            await send(stand, "verdicts", [a_verdict(0)])
            await desk.until(overruled=1)

    on_stand(scenario)
    (row,) = cases_in(folder).values()
    assert (row.root, row.pattern, row.seed) == (0, "", 2)
    assert lines_in(folder) == 2


def test_bad_verdicts_go_to_the_dead_letter_with_the_reason(on_stand, tmp_path):
    folder = tmp_path / "cases"
    bad = {
        "no JSON": (b"x", b"{"),
        "no incident_id": (b"x", b'{"outcome": "confirmed", "component": "a"}'),
        "expected one of confirmed": a_verdict(0, outcome="perhaps"),
        "names no component": a_verdict(0, component=""),
        "no question is kept": a_verdict(77),
        "did you mean db_sql.pg.conn_exhausted?": a_verdict(0, pattern=f"{PATTERN}s"),
        "not among the 2 candidates": a_verdict(0, component="nobody"),
    }

    async def scenario(stand):
        desk = Desk(stand, folder)
        await desk.prepare()
        await keep_questions(stand, [0])
        async with desk.running():
            tombstone = (an_incident(0).encode(), None)
            await send(stand, "verdicts", [*bad.values(), tombstone, a_verdict(0)])
            await desk.until(refused=len(bad), new=1)
            await send(stand, "verdicts", [a_verdict(0, component="orders")])
            await desk.until(refused=len(bad) + 1)
        letters = await stand.read("dead-letter")
        headers = [dict(letter.headers) for letter in letters]
        reasons = [found["rootline.error.reason"].decode() for found in headers]
        for words in (*bad, "says otherwise; send yours with a higher revision"):
            assert sum(words in reason for reason in reasons) == 1, (words, reasons)
        assert {found["rootline.error.stage"] for found in headers} == {b"verdicts"}
        kinds = {found["rootline.error.kind"].decode() for found in headers}
        assert kinds == {"undecodable", "unknown_incident", "unfit_verdict"}

    on_stand(scenario)
    assert list(cases_in(folder)) == [an_incident(0)]


def test_a_folder_that_cannot_be_written_keeps_verdicts_waiting(on_stand, tmp_path):
    blocked = tmp_path / "cases"
    blocked.write_text("a file where the folder should be", encoding="utf-8")

    async def scenario(stand):
        desk = Desk(stand, blocked)
        await desk.prepare()
        await keep_questions(stand, [0])
        await send(stand, "verdicts", [a_verdict(0)])
        async with desk.running() as service:
            async with asyncio.timeout(PATIENCE):
                while service.sessions < 2:
                    await asyncio.sleep(0.02)
            assert desk.counted("new") == 0
            blocked.unlink()
            await desk.until(new=1)

    on_stand(scenario)
    assert list(cases_in(blocked)) == [an_incident(0)]


def an_alert(rule, service):
    labels = {"alertname": rule, "service": service, "severity": "critical"}
    now = datetime.now(UTC).isoformat()
    return None, json.dumps({"labels": labels, "startsAt": now}).encode()


def configuration(stand, tmp_path, roles):
    model, config = tmp_path / "ranker.json", tmp_path / "rootline.toml"
    model.write_bytes(write_artefact(rule_parameters(), {"trained_on": "nothing"}))
    folder = tmp_path / "cases"
    text = WORKER.format(
        bootstrap=stand.bootstrap, folder=folder, model=model, roles=json.dumps(roles)
    )
    config.write_text(text, encoding="utf-8")
    return config


async def until(enough):
    async with asyncio.timeout(PATIENCE):
        while not enough():
            await asyncio.sleep(0.02)


@pytest.mark.integration
def test_a_worker_killed_among_verdicts_loses_and_doubles_none(on_stand, tmp_path):
    folder = tmp_path / "cases"
    total = 300

    async def scenario(stand):
        config = configuration(stand, tmp_path, ["verdicts"])
        await Desk(stand, folder).prepare()
        await keep_questions(stand, range(total))
        doomed = await stand.rootline("worker", "--config", config)
        assert (await stand._line(doomed)).startswith("ready: verdicts")
        await send(stand, "verdicts", [a_verdict(n) for n in range(total)])
        await until(lambda: folder.is_dir() and lines_in(folder) > total // 10)
        doomed.kill()
        await doomed.wait()
        assert lines_in(folder) < total, "it was killed in the middle"
        await stand.rootline("worker", "--config", config)
        await until(lambda: lines_in(folder) >= total)
        await until(lambda: len(cases_in(folder)) == total)

    on_stand(scenario)
    assert lines_in(folder) == total


@pytest.mark.integration
def test_a_worker_makes_a_case_of_a_verdict_on_its_own_incident(on_stand, tmp_path):
    folder = tmp_path / "cases"

    async def scenario(stand):
        config = configuration(stand, tmp_path, ["reduce", "correlate", "verdicts"])
        worker = await stand.rootline("worker", "--config", config)
        assert (await stand._line(worker)).startswith("ready: ")
        alerts = [an_alert("HighLatency", "shop-cart"), an_alert("DbDown", "shop-cart")]
        await send(stand, "alerts", alerts)
        (opened, *_) = await stand.read("incidents", bool)
        incident = json.loads(opened.value)
        kept = (await stand.read("rootline.case-rows", bool))[0]
        assert kept.key == opened.key
        assert b"shop-cart" not in kept.value
        verdict = {"incident_id": incident["incident_id"], "outcome": "confirmed"}
        value = json.dumps(verdict | {"component": incident["candidates"][0]["component"]})
        await send(stand, "verdicts", [(opened.key, value.encode())])
        await until(lambda: folder.is_dir() and cases_in(folder))
        worker.terminate()
        assert await asyncio.wait_for(worker.wait(), PATIENCE) == 0
        (row,) = cases_in(folder).values()
        assert row.case == incident["incident_id"]
        assert row.root is not None
        assert row.candidates[row.root].measures["alert_count"] == 2.0

    on_stand(scenario)
