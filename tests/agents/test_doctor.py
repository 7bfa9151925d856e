import asyncio
import hashlib
import json
import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from aiokafka.admin import NewTopic
from click.testing import CliRunner

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker
from agents.cli import main
from agents.doctor import check_graph, check_model
from agents.doctor_finding import Finding, Verdict
from agents.doctor_http import HttpDoctor
from agents.doctor_kafka import check_kafka
from agents.files import GraphFilesConfig, ModelConfig
from agents.gateway.config import GatewayConfig
from agents.gateway.server import Gateway
from agents.kafka import KafkaConfig
from agents.notifier.config import NotifierConfig
from agents.settings import Settings
from agents.telemetry_config import TelemetryConfig
from agents.worker.topic_admin import admin_client, ensure_topics
from agents.worker.topics import TopicsConfig

TOPICS = TopicsConfig(input_partitions=1, signals_partitions=2, output_partitions=1)
QUIET = TelemetryConfig(enabled=False)


def of(findings: list[Finding], check: str) -> list[tuple[str, str]]:
    return [(f.verdict.value, f.sentence) for f in findings if f.check == check]


@asynccontextmanager
async def broker(folder):
    embedded = EmbeddedBroker(BrokerConfig(port=0, data_dir=folder, auto_create_topics=False))
    await embedded.start()
    try:
        yield KafkaConfig(bootstrap=embedded.bootstrap, request_timeout_ms=3_000)
    finally:
        await embedded.stop()


def test_topics_as_declared_are_fine_and_looking_creates_none(tmp_path):
    async def scene():
        async with broker(tmp_path) as kafka:
            before = await check_kafka(kafka, TOPICS, 5)
            assert of(before, "kafka")[0][0] == "ok"
            assert of(before, "topics")[0][0] == "warn"
            assert "alerts" in of(before, "topics")[0][1]
            fixed = TopicsConfig(create=False)
            assert of(await check_kafka(kafka, fixed, 5), "topics")[0][0] == "fail"
            await ensure_topics(kafka, TOPICS)
            after = await check_kafka(kafka, TOPICS, 5)
            assert [finding.verdict for finding in after] == [Verdict.OK, Verdict.OK]

    asyncio.run(scene())


def test_topics_that_differ_are_named_and_what_loses_state_fails(tmp_path):
    async def scene():
        async with broker(tmp_path) as kafka:
            async with admin_client(kafka) as admin:
                await admin.create_topics(
                    [
                        NewTopic("signals", 3, 1, topic_configs={"retention.ms": "60000"}),
                        NewTopic("rootline.state.signals", 1, 1),
                    ]
                )
            found = of(await check_kafka(kafka, TOPICS, 5), "topics")
            sentences = {sentence: verdict for verdict, sentence in found}
            assert sentences["signals has 3 partitions; declared are 2"] == "warn"
            growth = [s for s in sentences if "start a worker, which adds" in s]
            assert sentences[growth[0]] == "fail"
            policy = [s for s in sentences if "cleanup.policy" in s]
            assert policy[0].startswith("rootline.state.signals has cleanup.policy = delete")
            assert sentences[policy[0]] == "fail"
            assert any("retention.ms = 60000" in sentence for sentence in sentences)

    asyncio.run(scene())


def test_kafka_that_is_away_is_a_sentence_that_says_what_to_check():
    kafka = KafkaConfig(bootstrap="127.0.0.1:1", request_timeout_ms=500)
    (finding,) = asyncio.run(check_kafka(kafka, TOPICS, 3))
    assert finding.verdict is Verdict.FAIL
    assert "127.0.0.1:1" in finding.sentence
    assert "kafka.bootstrap" in finding.sentence


@asynccontextmanager
async def receiver(status: int = 200, date: datetime | None = None):
    """A chat receiver on a real socket; yields its URL and the bodies that it got."""
    bodies: list[str] = []

    async def take(request: web.Request) -> web.Response:
        bodies.append(await request.text())
        headers = {"Date": format_datetime(date, usegmt=True)} if date is not None else {}
        return web.Response(status=status, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/services/T0/s3cret", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/services/T0/s3cret", bodies
    finally:
        await runner.cleanup()


def settings_for(url: str, gateway_port: int = 0) -> Settings:
    return Settings(
        notifier=NotifierConfig(webhook_url=url),
        gateway=GatewayConfig(port=gateway_port),
        telemetry=QUIET,
    )


@pytest.mark.parametrize(
    ("status", "send_test", "verdict", "said"),
    [
        (200, False, "ok", "can be reached"),
        (405, False, "ok", "can be reached"),
        (200, True, "ok", "took the test message"),
        (403, True, "fail", "HTTP 403"),
    ],
)
def test_webhook_is_looked_at_and_only_posted_to_when_asked(status, send_test, verdict, said):
    async def scene():
        async with receiver(status) as (url, bodies):
            doctor = HttpDoctor(settings_for(url), 5)
            ((found, sentence),) = of(await doctor.check(send_test=send_test), "webhook")
            assert found == verdict
            assert said in sentence
            assert "s3cret" not in sentence
            assert [json.loads(body)["text"][:9] for body in bodies if body] == (
                ["Rootline:"] if send_test else []
            )

    asyncio.run(scene())


def test_webhook_that_is_away_fails_without_showing_its_url():
    async def scene():
        doctor = HttpDoctor(settings_for("http://127.0.0.1:1/services/T0/s3cret"), 5)
        findings = await doctor.check(send_test=False)
        ((verdict, sentence),) = of(findings, "webhook")
        assert verdict == "fail"
        assert "127.0.0.1 cannot be reached" in sentence
        assert not any("s3cret" in finding.sentence for finding in findings)
        assert of(findings, "clock")[0][0] == "warn"

    asyncio.run(scene())


def test_no_webhook_is_a_warning():
    findings = asyncio.run(HttpDoctor(settings_for(""), 5).check(send_test=True))
    assert "notifier.webhook_url" in of(findings, "webhook")[0][1]


@pytest.mark.parametrize(
    ("minutes", "verdict", "said"),
    [(0, "ok", "agrees"), (10, "fail", "behind"), (-10, "fail", "ahead of")],
)
def test_clock_is_compared_with_those_that_answer(minutes, verdict, said):
    async def scene():
        theirs = datetime.now(UTC) + timedelta(minutes=minutes)
        async with receiver(date=theirs) as (url, _):
            findings = await HttpDoctor(settings_for(url), 5).check(send_test=False)
            ((found, sentence),) = of(findings, "clock")
            assert found == verdict
            assert said in sentence

    asyncio.run(scene())


def test_gateway_that_is_not_ready_fails_with_its_own_reason():
    async def scene():
        settings = Settings(
            kafka=KafkaConfig(bootstrap="127.0.0.1:1"),
            gateway=GatewayConfig(port=0),
            telemetry=QUIET,
        )
        gateway = Gateway(settings)
        await gateway.start()
        try:
            port = int(gateway.url.rpartition(":")[2])
            findings = await HttpDoctor(settings_for("", port), 5).check(send_test=False)
            ((verdict, sentence),) = of(findings, "gateway")
            assert verdict == "fail"
            assert "Kafka at 127.0.0.1:1" in sentence
        finally:
            await gateway.stop()
        findings = await HttpDoctor(settings_for("", port), 5).check(send_test=False)
        assert of(findings, "gateway")[0][0] == "warn"

    asyncio.run(scene())


def test_model_that_is_absent_damaged_or_another_one_fails(tmp_path):
    def verdict(**config) -> tuple[Verdict, str]:
        finding = check_model(Settings(model=ModelConfig(**config)))
        return finding.verdict, finding.sentence

    path = tmp_path / "ranker.json"
    assert "No such file" in verdict(path=path)[1]
    path.write_bytes(b"{}")
    found, sentence = verdict(path=path)
    assert found is Verdict.FAIL
    assert "artefact" in sentence
    found, sentence = verdict(path=path, sha256="0" * 64)
    assert found is Verdict.FAIL
    assert hashlib.sha256(b"{}").hexdigest() in sentence


def test_graph_file_that_cannot_be_used_fails(tmp_path):
    path = tmp_path / "edges.csv"
    absent = check_graph(Settings(graph=GraphFilesConfig(files=(path,))))
    assert (absent.verdict, "No such file" in absent.sentence) == (Verdict.FAIL, True)
    path.write_text("caller,callee\ncart,mysql\n")
    large = check_graph(Settings(graph=GraphFilesConfig(files=(path,), max_file_bytes=10)))
    assert "larger than 10 bytes" in large.sentence
    other = tmp_path / "other" / "edges.csv"
    other.parent.mkdir()
    other.write_text("caller,callee\n")
    doubled = check_graph(Settings(graph=GraphFilesConfig(files=(path, other))))
    assert "two files called edges.csv" in doubled.sentence
    whole = check_graph(Settings(graph=GraphFilesConfig(files=(path,))))
    assert (whole.verdict, "edges.csv (1 edges)" in whole.sentence) == (Verdict.OK, True)
    path.write_text("who,whom\ncart,mysql\n")
    stranger = check_graph(Settings(graph=GraphFilesConfig(files=(path,))))
    assert stranger.verdict is Verdict.FAIL
    assert "edges.csv" in stranger.sentence
    path.write_bytes(b"caller,callee\n\xff,b\n")
    binary = check_graph(Settings(graph=GraphFilesConfig(files=(path,))))
    assert "UTF-8" in binary.sentence


def test_command_fails_when_a_check_fails_and_prints_json(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ROOTLINE_")]:
        monkeypatch.delenv(name)
    environ = {"ROOTLINE_BOOTSTRAP": "127.0.0.1:1", "ROOTLINE_GATEWAY__PORT": "0"}
    result = CliRunner().invoke(main, ["doctor", "--json", "--timeout", "2"], env=environ)
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert not report["ok"]
    by_check = {finding["check"]: finding["verdict"] for finding in report["findings"]}
    assert by_check["kafka"] == "fail"
    assert by_check["configuration"] == "ok"


def test_command_says_what_is_wrong_with_the_configuration(tmp_path):
    path = tmp_path / "rootline.toml"
    path.write_text("[kafka]\nbootstrp = 'a:1'")
    result = CliRunner().invoke(main, ["doctor", "--config", str(path)])
    assert result.exit_code == 1
    assert result.stdout.startswith("fail  configuration")
    assert "did you mean 'bootstrap'?" in result.stdout
