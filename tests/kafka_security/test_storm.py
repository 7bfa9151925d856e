"""The whole of Rootline over a secured Apache Kafka: gateway, worker and notifier run a storm.

The brokers end every login after some seconds (`connections.max.reauth.ms`), as hosted ones do:
aiokafka cannot log in anew on a connection, so that all clients lose theirs again and again.
"""

import asyncio
import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiokafka import AIOKafkaConsumer

from agents.demo.receiver import ChatReceiver
from tests.clusters.apache import ApacheCluster
from tests.clusters.jars import need_kafka
from tests.integration.processes import Processes
from tests.kafka_security.secured import KEY_PASSWORD, PASSWORD, Files, fitting, security
from tests.kafka_security.tokens import CLIENT_SECRET, Signer, TokenServer

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(240)]

SERVICES, ROUNDS = 12, 10
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


def environ(section: dict[str, Any], folder: Path) -> dict[str, object]:
    """The section as ROOTLINE_* variables; what is secret comes from files."""
    found: dict[str, object] = {}
    for key, value in section.items():
        if not isinstance(value, dict):
            found[f"KAFKA__{key.upper()}"] = value
            continue
        for name, inner in value.items():
            if name in ("password", "client_secret"):
                path = folder / name
                path.write_text(f"{inner}\n")
                found[f"KAFKA__{key.upper()}__{name.upper()}_FILE"] = path
            else:
                found[f"KAFKA__{key.upper()}__{name.upper()}"] = inner
    return found


def alert(service: int, round_: int, started: float) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {
            "alertname": f"Rule{round_}",
            "service": f"service-{service}",
            "severity": "critical",
        },
        "annotations": {"summary": f"number {service}/{round_}"},
        "startsAt": datetime.fromtimestamp(started, UTC).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": f"{service:08x}{round_:08x}",
    }


async def post_storm(gateway: str) -> set[str]:
    """Post every alert, spread over several of the brokers' sessions; return their names."""
    sent = set()
    async with aiohttp.ClientSession() as client:
        for round_ in range(ROUNDS):
            for service in range(SERVICES):
                one = alert(service, round_, time.time())
                sent.add(one["annotations"]["summary"])
                body = {"version": "4", "status": "firing", "alerts": [one]}
                await deliver(client, f"{gateway}/api/v1/alertmanager", body)
            await asyncio.sleep(1.0)  # the storm's pace, not a wait for anything
    return sent


async def deliver(client: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> None:
    """Post until it is taken: a 503 asks for it again, as Alertmanager does."""
    for _ in range(40):
        async with client.post(url, json=body) as answer:
            if answer.status < 300:
                return
            assert answer.status == 503, await answer.text()
        await asyncio.sleep(0.25)
    msg = "the gateway did not take an alert within 10 s"
    raise AssertionError(msg)


async def told(bootstrap: str, sent: set[str], seconds: float) -> dict[str, set[str]]:
    """Read incidents and unassigned until every alert is in one; return who is in which."""
    incidents: dict[str, set[str]] = {}
    consumer = AIOKafkaConsumer(
        "incidents", "unassigned", bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(seconds):
            while set().union(*incidents.values()) != sent:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        note(record, incidents)
    except TimeoutError:
        missing = sorted(sent - set().union(*incidents.values()))
        msg = f"{len(missing)} alerts are in no incident, such as {missing[:3]}"
        raise AssertionError(msg) from None
    finally:
        await consumer.stop()
    return incidents


def note(record: Any, incidents: dict[str, set[str]]) -> None:
    value = orjson.loads(record.value)
    alerts = value.get("alerts") or [value.get("alert") or value]
    of = str(value.get("incident_id", "unassigned"))
    names = {str(each.get("annotations", {}).get("summary")) for each in alerts}
    incidents.setdefault(of, set()).update(names - {"None"})


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
                PIPELINE__FIRING__EARLY_SECONDS=2,
                PIPELINE__FIRING__QUIET_SECONDS=1,
                PIPELINE__FIRING__REFRESH_SECONDS=2,
                PIPELINE__WATERMARK__LATENESS_SECONDS=1,
                **variables,
            )
            gateway = await processes.rootline("gateway", "--port", "0", **variables)
            sent = await post_storm(gateway["url"])
            assert len(sent) == SERVICES * ROUNDS
            found = await told(cluster.internal, sent, 60)
            assert found
            await chat.wait_for(lambda message: "service-" in str(message.payload), timeout=30)
            assert not chat.refusals
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
