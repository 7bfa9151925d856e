"""The whole of Rootline over a secured Apache Kafka: gateway, worker and notifier run a storm.

The brokers end every login after some seconds (`connections.max.reauth.ms`), as hosted ones do:
aiokafka cannot log in anew on a connection, so that all clients lose theirs again and again.
"""

import asyncio
import json
import os
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agents.demo.receiver import ChatReceiver
from tests.clusters.apache import ApacheCluster
from tests.clusters.jars import need_kafka
from tests.integration.processes import Processes
from tests.kafka_security.secured import KEY_PASSWORD, PASSWORD, Files, fitting, security
from tests.kafka_security.storm import EAGER, environ, post_storm, told
from tests.kafka_security.tokens import CLIENT_SECRET, Signer, TokenServer

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(420)]

SESSION_MS = 3_000


@contextmanager
def secured(folder: Path, listener: str) -> Iterator[tuple[ApacheCluster, dict[str, Any]]]:
    """A cluster of its own, and the [kafka] section for one of its listeners."""
    files, signer = Files(folder), Signer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files.broker)
    kind = {"OAUTH": "oauthbearer", "BOTH": "scram-sha-512"}[listener]
    short = {f"listener.name.{listener.lower()}.{kind}.connections.max.reauth.ms": str(SESSION_MS)}
    with TokenServer(signer) as keys, TokenServer(signer, context) as tokens:
        secure = security(files, keys.url("/keys"), short)
        with ApacheCluster(folder / "kafka", security=secure) as cluster:
            section = fitting(files, tokens.url("/token"))[listener]
            yield cluster, {"bootstrap": cluster.address(listener), **section}


COMMANDS = (
    ("doctor",),
    ("redrive", "--dry-run"),
    ("replay", "--from-kafka", "--since", "1h"),
)


async def run_once(folder: Path, variables: dict[str, object], arguments: tuple[str, ...]) -> None:
    """Run a command that reads Kafka and ends; 1 is what it found, 2 that it was not let in."""
    log = folder / f"{arguments[0]}.log"
    with log.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agents", *arguments, "--json"),
            cwd=folder,
            env=os.environ
            | {"PYTHONPATH": str(Path(__file__).parents[2])}
            | {f"ROOTLINE_{name}": str(value) for name, value in variables.items()},
            stdout=stream,
            stderr=stream,
        )
    assert await process.wait() in (0, 1), log.read_text()[-2000:]
    text = log.read_text()
    assert "Traceback" not in text, text[-2000:]
    if arguments[0] == "doctor":
        assert "answers (SASL_SSL" in text


@pytest.mark.parametrize("listener", ["BOTH", "OAUTH"])
def test_a_storm_goes_through_and_no_secret_is_left_anywhere(
    tmp_path: Path, listener: str
) -> None:
    need_kafka()

    async def scene(cluster: ApacheCluster, variables: dict[str, object]) -> str:
        async with ChatReceiver() as chat, Processes(tmp_path) as processes:
            await processes.rootline(
                "worker",
                TELEMETRY__PORT=0,
                NOTIFIER__WEBHOOK_URL=chat.url,
                NOTIFIER__MESSAGE_INTERVAL_MS=1,
                **EAGER,
                **variables,
            )
            gateway = await processes.rootline("gateway", "--port", "0", **variables)
            sent = await post_storm(gateway["url"], rounds=10)
            assert len(sent) == 120
            found = await told(cluster.internal, sent, 120)
            assert found
            await chat.wait_for(lambda message: "service-" in str(message.payload), timeout=30)
            assert not chat.refusals
            for arguments in COMMANDS:
                await run_once(tmp_path, variables, arguments)
            return json.dumps([message.payload for message in chat.messages])

    with secured(tmp_path, listener) as (cluster, section):
        chat = asyncio.run(scene(cluster, environ(section, tmp_path)))
        server_log = (tmp_path / "kafka" / "node-1" / "server.log").read_text()
    logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert '"starting"' in logs
    # The brokers did end logins: the clients saw their connections closed.
    assert "closed" in logs
    for secret in (PASSWORD, KEY_PASSWORD, CLIENT_SECRET, "Bearer ", "eyJ"):
        assert secret not in logs
        assert secret not in chat
    assert "Failed authentication" not in server_log.split("started (kafka.server")[-1]
