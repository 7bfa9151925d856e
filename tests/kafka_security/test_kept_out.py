"""Processes that Kafka does not let in wait, say why in their log, and go on once it does."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from agents.kafka import KafkaConfig
from agents.settings_secrets import shown
from tests.kafka_security.secured import PASSWORD
from tests.kafka_security.storm import environ
from tests.kafka_security.tokens import Signer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
Kafka = Callable[..., KafkaConfig]
_SECONDS = 40.0


class Started:
    """One of our commands with its log and what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self.log = log

    async def says(self, text: str) -> None:
        """Wait until its log has a text."""
        try:
            async with asyncio.timeout(_SECONDS):
                while text not in self.log.read_text():
                    await asyncio.sleep(0.1)
        except TimeoutError:
            msg = f"{text!r} is not in the log:\n{self.log.read_text()[-3000:]}"
            raise AssertionError(msg) from None

    async def ready(self) -> dict[str, Any]:
        """Wait for its ready line."""
        assert self._process.stdout is not None
        async with asyncio.timeout(_SECONDS):
            line: dict[str, Any] = orjson.loads(await self._process.stdout.readline())
            return line


@asynccontextmanager
async def started(
    folder: Path, command: str, kafka: dict[str, Any], **settings: object
) -> AsyncIterator[Started]:
    """Start a command with a [kafka] section; stop it at the end."""
    variables = environ(kafka, folder) | settings
    clean = {name: text for name, text in os.environ.items() if not name.startswith("ROOTLINE_")}
    log = folder / f"{command}.log"
    with log.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agents", command, "--json"),
            cwd=folder,
            env=clean
            | {"PYTHONPATH": str(ROOT)}
            | {f"ROOTLINE_{name}": str(value) for name, value in variables.items()},
            stdout=asyncio.subprocess.PIPE,
            stderr=stream,
        )
    try:
        yield Started(process, log)
    finally:
        process.terminate()
        await process.communicate()


def plain(config: KafkaConfig) -> dict[str, Any]:
    """A configuration as a section of a file: what is unset or a default is left out."""
    section = {name: value for name, value in shown(config).items() if value}
    for name, table in list(section.items()):
        if isinstance(table, dict):
            default = shown(getattr(KafkaConfig(), name))
            section[name] = {k: v for k, v in table.items() if v != default[k]}
    return {name: value for name, value in section.items() if value != {}}


def test_a_wrong_password_is_told_in_the_log_and_not_to_senders(
    kafka: Kafka, tmp_path: Path
) -> None:
    section = plain(kafka("SCRAM"))
    section["sasl"]["password"] = "canary-wrong"

    async def scene() -> None:
        async with (
            started(tmp_path, "worker", section, TELEMETRY__PORT=0) as worker,
            started(tmp_path, "gateway", section, GATEWAY__PORT=0) as gateway,
            aiohttp.ClientSession() as client,
        ):
            url = (await gateway.ready())["url"]
            for each in (worker, gateway):
                await each.says("why Kafka cannot be used")
                await each.says("refuses the login of user 'rootline' by SCRAM-SHA-512")
            async with client.get(f"{url}/readyz") as answer:
                assert answer.status == 503
                said = await answer.text()
            assert "cannot be reached" in said
            assert "'rootline'" not in said
            for each in (worker, gateway):
                assert "canary-wrong" not in each.log.read_text()

    asyncio.run(scene())


def test_a_worker_whose_token_is_refused_goes_on_when_the_file_has_a_good_one(
    kafka: Kafka, signer: Signer, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text(Signer().token())
    section = plain(kafka("OAUTH"))
    section["oauth"] = {"token_file": str(path)}

    async def scene() -> None:
        async with started(tmp_path, "worker", section, TELEMETRY__PORT=0) as worker:
            await worker.says("refuses the token; check kafka.oauth.token_file")
            path.write_text(signer.token())
            assert (await worker.ready())["ready"] is True
            log = worker.log.read_text()
            assert path.read_text() not in log
            assert PASSWORD not in log
            assert "eyJ" not in log

    asyncio.run(scene())
