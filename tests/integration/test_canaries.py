"""No secret gets out: everything that a run writes is searched for canaries.

Gateway and worker run with every library's log at debug; receivers refuse, redirect, quote the URL
back, are down, lead inside, speak no TLS; senders show wrong tokens and sign wrongly.
"""

import asyncio
import contextlib
import json
import re
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import aiohttp
import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from click.testing import CliRunner

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker
from agents.cli import main
from agents.gateway.signature import Signed, sign
from tests.agents.notifier.conftest import build_incident
from tests.agents.notifier.faulty_receiver import FaultyReceiver, says
from tests.integration.processes import Processes, free_port

pytestmark = pytest.mark.integration

CANARIES = {
    "token": "canary-of-the-single-token-4711",
    "shop": "canary-of-the-shops-token-4712",
    "shop-next": "canary-of-the-shops-next-token-4713",
    "deploys": "canary-of-the-signing-key-4714",
    "refuses": "canary-of-the-webhook-that-refuses-4715",
    "redirects": "canary-of-the-webhook-that-redirects-4716",
    "quotes": "canary-of-the-webhook-that-quotes-4717",
    "down": "canary-of-the-webhook-that-is-down-4718",
    "inside": "canary-of-the-webhook-that-leads-inside-4719",
    "no-tls": "canary-of-the-webhook-without-tls-4720",
    "password": "canary-of-the-webhooks-password-4721",
    "query": "canary-of-the-webhooks-query-4722",
    "key": "canary-of-the-keys-password-4723",
}
_PACKED = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
ALERT = {
    "labels": {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"},
    "startsAt": "",
}


def secret_file(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(f"{text}\n")
    path.chmod(0o600)
    return str(path)


def configuration(folder: Path, bootstrap: str, telemetry_port: int, urls: dict[str, str]) -> Path:
    """Write a configuration that names only files for its secrets."""
    files = {name: secret_file(folder, f"url-{name}", url) for name, url in urls.items()}
    tokens = secret_file(folder, "shop", f"{CANARIES['shop']}\n{CANARIES['shop-next']}")
    lines = [
        f'[kafka]\nbootstrap = "{bootstrap}"\ncompression = "none"',
        f"[telemetry]\nport = {telemetry_port}",
        "[worker]\nsnapshot_seconds = 1.0",
        "[pipeline.firing]\nearly_seconds = 1.0",
        f'[gateway]\nport = 0\ntoken_file = "{secret_file(folder, "token", CANARIES["token"])}"',
        f'[[gateway.sources]]\nname = "shop"\ntokens_file = "{tokens}"',
        '[[gateway.sources]]\nname = "deploys"',
        f'signing_keys_file = "{secret_file(folder, "deploys", CANARIES["deploys"])}"',
        "[notifier]\nretry_base_ms = 10\nretry_cap_ms = 20\nretry_deadline_ms = 200",
        "message_interval_ms = 0\n[notifier.webhook_urls_file]",
        *(f'{name} = "{path}"' for name, path in files.items()),
        '[logging]\nlevel = "debug"\nform = "json"\n[logging.levels]',
        *(f'"{name}" = "debug"' for name in ("aiokafka", "aiohttp", "aiohttp.access", "asyncio")),
        '"faust" = "debug"\n"mode" = "debug"',
    ]
    path = folder / "rootline.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


@asynccontextmanager
async def receivers() -> AsyncIterator[dict[str, str]]:
    """Start receivers that fail, each in its own way; give the URL of each."""
    quoting = FaultyReceiver(None)
    urls: dict[str, str] = {}
    told = {
        "refuses": says(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
        "redirects": says(
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/"
            + CANARIES["redirects"].encode()
            + b"\r\n\r\n"
        ),
        "quotes": says(
            f"HTTP/1.1 500 {CANARIES['quotes']}\r\nContent-Length: {len(CANARIES['quotes'])}"
            f"\r\n\r\n{CANARIES['quotes']}".encode()
        ),
    }
    async with AsyncExitStack() as stack:
        for name, fault in told.items():
            receiver = FaultyReceiver(fault)
            await receiver.start()
            stack.push_async_callback(receiver.stop)
            urls[name] = (
                f"http://user:{CANARIES['password']}@127.0.0.1:{receiver.port}"
                f"/services/{CANARIES[name]}?sign={quote(CANARIES['query'])}"
            )
        await quoting.start()
        stack.push_async_callback(quoting.stop)
        urls["down"] = f"http://127.0.0.1:{free_port()}/services/{CANARIES['down']}"
        urls["inside"] = f"http://localhost:{quoting.port}/services/{CANARIES['inside']}"
        urls["no-tls"] = f"https://127.0.0.1:{quoting.port}/services/{CANARIES['no-tls']}"
        yield urls


async def post_all(gateway: str) -> list[str]:
    """Post what is good and what is wrong; return what was answered."""
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    body = orjson.dumps([ALERT | {"startsAt": started}])
    change = orjson.dumps({"kind": "deploy", "at": started, "service": "checkout"})
    signed = Signed(
        method="POST",
        target="/api/v1/changes",
        headers={"Content-Type": "application/json"},
        body=change,
    )
    now = int(time.time())
    headers = {
        "Rootline-Source": "deploys",
        "Rootline-Timestamp": str(now),
        "Rootline-Nonce": "nonce-of-the-run",
        "Rootline-Signature": sign(CANARIES["deploys"], signed, now, "nonce-of-the-run"),
    }
    answers = []
    async with aiohttp.ClientSession(gateway) as client:

        async def post(path: str, data: bytes, **more: str) -> None:
            named = {"Content-Type": "application/json"} | more
            async with client.post(path, data=data, headers=named) as answer:
                answers.append(f"{answer.status} {dict(answer.headers)} {await answer.text()}")

        for token in ("token", "shop", "shop-next"):
            await post("/v1/alerts", body, Authorization=f"Bearer {CANARIES[token]}")
            await post("/v1/alerts", body, Authorization=f"Bearer {CANARIES[token]}-wrong")
            await post("/v1/alerts", b"{broken", Authorization=f"Bearer {CANARIES[token]}")
            await post("/v1/alerts", body, Authorization=f"Basic {CANARIES[token]}")
        for _ in range(2):  # the second is a replay
            await post("/api/v1/changes", change, **headers)
        await post("/api/v1/changes", change + b" ", **headers)
        for path in ("/metrics", "/healthz", "/readyz"):
            async with client.get(path) as answer:
                answers.append(await answer.text())
    assert [answer[:3] for answer in answers[:4]] == ["200", "401", "400", "401"]
    assert [answer[:3] for answer in answers[12:15]] == ["200", "409", "401"]
    return answers


def commands(config: Path) -> list[str]:
    """Run the commands that print what is configured, and some that fail because of it."""
    wrong = {
        "ROOTLINE_NOTIFIER__WEBHOOK_URL": CANARIES["refuses"],
        "ROOTLINE_GATEWAY__TLS__KEY_PASSWORD": CANARIES["key"],
        "ROOTLINE_GATEWAY__TOKEN": CANARIES["token"],
        "ROOTLINE_GATEWAY__SOURCES": json.dumps(
            [{"name": "a", "tokens": [CANARIES["shop"] + "\n"]}]
        ),
        "ROOTLINE_NOTIFIER__WEBHOOK_URLS": json.dumps({"a": CANARIES["quotes"]})[:-1],
        "ROOTLINE_NOTIFIER__ALLOWED_HOSTS": "chat.example",
    }
    runner = CliRunner()

    def run(*arguments: str, **environ: str) -> str:
        return runner.invoke(main, [*arguments, "--config", str(config)], env=environ).output

    said = [run("config"), run("config", "--json"), run("doctor", "--json", "--timeout", "3")]
    return said + [run("config", **{name: value}) for name, value in wrong.items()]


def named(data: bytes) -> list[str]:
    """Name the canaries in some bytes, and in what is packed within (snapshots of the state)."""
    parts = [data]
    for start in _PACKED.finditer(data):
        with contextlib.suppress(zlib.error):
            parts.append(zlib.decompressobj().decompress(data[start.start() :], 1 << 22))
    return [name for name, c in CANARIES.items() if any(c.encode() in part for part in parts)]


def found(folder: Path, texts: list[str]) -> list[str]:
    """Name every place where a canary is."""
    places = [
        f"{path.relative_to(folder)}: {name}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for name in named(path.read_bytes())
    ]
    return places + [
        f"text {number}: {name}: {text[:300]}"
        for number, text in enumerate(texts)
        for name, canary in CANARIES.items()
        if canary in text
    ]


def test_no_secret_is_in_anything_that_a_run_writes(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secrets = tmp_path_factory.mktemp("secrets")

    async def scene() -> list[str]:
        broker = EmbeddedBroker(BrokerConfig(port=0, data_dir=tmp_path / "broker"))
        await broker.start()
        telemetry = free_port()
        try:
            async with receivers() as urls, Processes(tmp_path) as processes:
                config = configuration(secrets, broker.bootstrap, telemetry, urls)
                _, ready = await asyncio.gather(
                    processes.rootline("worker", CONFIG=config),
                    processes.rootline("gateway", CONFIG=config),
                )
                texts = await post_all(ready["url"])
                await wait_for_letters(broker.bootstrap, set(urls))
                async with aiohttp.ClientSession(f"http://127.0.0.1:{telemetry}") as client:
                    for path in ("/metrics", "/healthz", "/readyz"):
                        async with client.get(path) as answer:
                            texts.append(await answer.text())
                texts += await asyncio.to_thread(commands, config)
                return texts
        finally:
            await broker.stop()

    texts = asyncio.run(scene())
    logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert '"level":"debug"' in logs
    assert "effective configuration" in logs
    assert any("rootline_notifications_failed_total" in text for text in texts)
    assert len(list((tmp_path / "broker").rglob("*.log"))) > 5
    assert found(tmp_path, texts) == []
    # The search finds what is there.
    (tmp_path / "leak").write_text(f"token={CANARIES['token']}")
    (tmp_path / "packed").write_bytes(b"?" + zlib.compress(CANARIES["shop"].encode()))
    assert found(tmp_path, texts) == ["leak: token", "packed: shop"]


async def wait_for_letters(bootstrap: str, names: set[str]) -> None:
    """Publish an incident and wait until every receiver's failure is a dead letter."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    incident = build_incident(incident_id="canary", revision=1)
    await producer.send_and_wait("incidents", orjson.dumps(incident), key=b"canary")
    await producer.stop()
    consumer = AIOKafkaConsumer(
        "dead-letter", bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    left = set(names)
    try:
        async with asyncio.timeout(60):
            while left:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    reasons = [dict(r.headers)["rootline.error.reason"].decode() for r in batch]
                    left -= {n for n in left if any(f"receiver {n} " in r for r in reasons)}
    finally:
        await consumer.stop()
