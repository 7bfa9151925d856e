"""docs/GATEWAY.md, followed: its certificate, its configuration and its signed request."""

import asyncio
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker
from agents.gateway.config import GatewayConfig
from agents.gateway.refusal import STATUS, Reason
from agents.gateway.server import Gateway
from agents.kafka import KafkaConfig
from agents.settings import Settings, load_settings
from agents.worker.topic_admin import ensure_topics

PAGE = (Path(__file__).parents[2] / "docs" / "GATEWAY.md").read_text(encoding="utf-8")
PATIENT_CURL = "curl -sS --retry 20 --retry-all-errors --retry-delay 1"
KEY = "a-signing-key-for-the-page"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def shell(script: str, folder: Path, **environ: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def settings_of_the_page(folder: Path):
    """The configuration of the page, with its files in a folder of ours."""
    for name in ("gateway-token", "shop-tokens", "deploy-keys"):
        text = KEY if name == "deploy-keys" else f"a-token-for-the-page-{name}"
        (folder / name).write_text(text)
    text = "\n".join(blocks("toml"))
    text = text.replace("/run/secrets", str(folder)).replace("/etc/rootline", str(folder))
    # The optional authority of clients would keep the page's own curl out.
    text = re.sub(r"^client_ca_file.*$", "", text, flags=re.MULTILINE)
    path = folder / "rootline.toml"
    path.write_text(text)
    return load_settings(path, {})


@pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "openssl", "curl"))), reason="needs bash, openssl and curl"
)
def test_the_page_can_be_followed(tmp_path):
    request, certificate = blocks("bash")
    shell(certificate, tmp_path)
    given = settings_of_the_page(tmp_path)

    async def scene() -> None:
        broker = EmbeddedBroker(BrokerConfig(port=0, data_dir=tmp_path / "broker"))
        await broker.start()
        kafka = KafkaConfig(bootstrap=broker.bootstrap)
        await ensure_topics(kafka, given.topics)
        section = replace(given.gateway, host="127.0.0.1", port=0, probe_interval_ms=100)
        gateway = Gateway(replace(given, kafka=kafka, gateway=section))
        await gateway.start()
        try:
            async with asyncio.timeout(20):
                ready = f"{PATIENT_CURL} --fail --cacert tls.pem {gateway.url}/readyz"
                await asyncio.to_thread(shell, ready, tmp_path)
                environ = {"KEY": KEY, "CA": "tls.pem", "GATEWAY": gateway.url}
                answer = await asyncio.to_thread(shell, request, tmp_path, **environ)
            assert answer == '{"accepted":1}'
        finally:
            await gateway.stop()
            await broker.stop()

    asyncio.run(scene())


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_the_deploy_of_the_readme_is_taken(tmp_path):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (command,) = [
        block
        for block in re.findall(r"^```sh\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
        if "/api/v1/changes" in block
    ]

    async def scene() -> None:
        broker = EmbeddedBroker(BrokerConfig(port=0, data_dir=tmp_path / "broker"))
        await broker.start()
        kafka = KafkaConfig(bootstrap=broker.bootstrap)
        settings = Settings(kafka=kafka, gateway=GatewayConfig(port=0, probe_interval_ms=100))
        await ensure_topics(kafka, settings.topics)
        gateway = Gateway(settings)
        await gateway.start()
        try:
            ours = command.replace("http://rootline-gateway:8088", gateway.url)
            ours = ours.replace("curl --fail", f"{PATIENT_CURL} --fail")
            async with asyncio.timeout(20):
                assert await asyncio.to_thread(shell, ours, tmp_path) == '{"accepted":1}'
        finally:
            await gateway.stop()
            await broker.stop()

    asyncio.run(scene())


def test_the_page_names_every_reason_with_its_status():
    rows = dict(re.findall(r"^\| ([0-9, ]+) \| ([^|]*) \|", PAGE, re.MULTILINE))
    named = {
        (int(status), reason)
        for statuses, reasons in rows.items()
        for status in re.findall(r"\d+", statuses)
        for reason in re.findall(r"`(\w+)`", reasons)
    }
    for reason in set(Reason) - {Reason.BUG}:
        assert (STATUS[reason], reason.value) in named, reason
