"""The real Alertmanager and the real Prometheus post to a gateway (Debian's packages)."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker
from agents.worker.topic_admin import ensure_topics
from schemas.codecs.alerts import decode_alerts

from .conftest import free_port

ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
PROMETHEUS = shutil.which("prometheus")

pytestmark = pytest.mark.integration


@contextmanager
def running(command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def alertmanager(folder: Path, webhook: str) -> Iterator[str]:
    """Run Alertmanager with one receiver; yields its address."""
    config = folder / "alertmanager.yml"
    config.write_text(
        "route: {receiver: rootline, group_by: [alertname], group_wait: 100ms, "
        "group_interval: 1s, repeat_interval: 1h}\n"
        f"receivers: [{{name: rootline, webhook_configs: [{{url: '{webhook}'}}]}}]\n"
    )
    address = f"127.0.0.1:{free_port()}"
    command = [
        str(ALERTMANAGER),
        f"--config.file={config}",
        f"--storage.path={folder / 'am'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with running(command, folder / "alertmanager.log"):
        yield f"http://{address}"


async def fire(url: str) -> None:
    """Post an alert to Alertmanager as soon as it listens."""
    alerts = [{"labels": {"alertname": "HighLatency", "service": "checkout"}}]
    async with aiohttp.ClientSession() as client, asyncio.timeout(20):
        while True:
            try:
                async with client.post(f"{url}/api/v2/alerts", json=alerts) as answer:
                    assert answer.status == 200
                    return
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)


@pytest.mark.skipif(ALERTMANAGER is None, reason="no Alertmanager is installed")
def test_alertmanagers_notification_survives_a_kafka_that_is_away(start_bench, tmp_path):
    async def scene():
        async with start_bench(kafka=False) as bench:
            url = f"{bench.gateway.url}/api/v1/alertmanager"
            with alertmanager(tmp_path, url) as alertmanager_url:
                await fire(alertmanager_url)
                refused = 'rootline_gateway_requests_total{route="alerts",status="503"}'
                async with asyncio.timeout(20):
                    while refused not in (await bench.get("/metrics"))[1]:
                        await asyncio.sleep(0.05)
                port = int(bench.bootstrap.rpartition(":")[2])
                broker = EmbeddedBroker(
                    BrokerConfig(port=port, data_dir=tmp_path / "b", auto_create_topics=False)
                )
                await broker.start()
                await ensure_topics(bench.settings.kafka, bench.settings.topics)
                record = (await bench.records("alerts", 1))[0]
                (alert,) = decode_alerts(record.value, record.headers)
                assert dict(alert.labels)["service"] == "checkout"
                assert record.key.decode() == json.loads(record.value)["groupKey"]
            await broker.stop()

    asyncio.run(scene())


@pytest.mark.skipif(PROMETHEUS is None, reason="no Prometheus is installed")
def test_prometheus_posts_straight_to_the_gateway(start_bench, tmp_path):
    async def scene():
        async with start_bench() as bench:
            rules = tmp_path / "rules.yml"
            rules.write_text(
                "groups: [{name: g, rules: [{alert: Always, expr: vector(1), "
                "labels: {service: cart}}]}]\n"
            )
            target = bench.gateway.url.removeprefix("http://")
            config = tmp_path / "prometheus.yml"
            config.write_text(
                f"global: {{evaluation_interval: 1s}}\nrule_files: ['{rules}']\n"
                f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{target}']}}]}}]}}\n"
            )
            command = [
                str(PROMETHEUS),
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{free_port()}",
                # It learns of its Alertmanagers only some seconds after the first evaluation.
                "--rules.alert.resend-delay=1s",
            ]
            with running(command, tmp_path / "prometheus.log"):
                async with asyncio.timeout(30):
                    posted = 'rootline_gateway_requests_total{route="alerts",status="200"}'
                    while posted not in (await bench.get("/metrics"))[1]:
                        await asyncio.sleep(0.05)
            record = (await bench.records("alerts", 1))[0]
            (alert,) = decode_alerts(record.value, record.headers)
            assert alert.labels == (("alertname", "Always"), ("service", "cart"))

    asyncio.run(scene())
