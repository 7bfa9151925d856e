"""A rule fires in a real Prometheus, a real Alertmanager posts it, an incident comes out."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
from aiohttp import web

from agents.demo.receiver import ChatReceiver

from .processes import Processes, Reader, free_port

PROMETHEUS = shutil.which("prometheus")
ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        PROMETHEUS is None or ALERTMANAGER is None,
        reason="Prometheus or Alertmanager is not installed; .ci/run installs both",
    ),
]


class Target:
    """Something to scrape: one gauge that can be set."""

    def __init__(self) -> None:
        self.depth = 0

    async def page(self, _request: web.Request) -> web.Response:
        return web.Response(text=f'checkout_queue_depth{{service="checkout"}} {self.depth}\n')


@asynccontextmanager
async def scraped(target: Target) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/metrics", target.page)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def start_alertmanager(processes: Processes, folder: Path, gateway: str) -> str:
    """Start Alertmanager with the gateway as its only receiver; return its address."""
    webhook = {"url": f"{gateway}/api/v1/alertmanager", "send_resolved": True}
    route = {
        "receiver": "rootline",
        "group_by": ["alertname"],
        "group_wait": "0s",
        "group_interval": "1s",
        "repeat_interval": "1h",
    }
    config = {
        "route": route,
        "receivers": [{"name": "rootline", "webhook_configs": [webhook]}],
    }
    file = folder / "alertmanager.yml"
    file.write_text(json.dumps(config))
    address = f"127.0.0.1:{free_port()}"
    await processes.program(
        "alertmanager",
        [
            str(ALERTMANAGER),
            f"--config.file={file}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
        ],
    )
    return address


async def start_prometheus(
    processes: Processes, folder: Path, target: str, alertmanager: str
) -> None:
    rule = {
        "alert": "QueueGrows",
        "expr": "checkout_queue_depth > 100",
        "labels": {"severity": "critical"},
        "annotations": {"summary": "orders pile up"},
    }
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "shop", "rules": [rule]}]}))
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "rules.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [target]}]}],
    }
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(config))
    await processes.program(
        "prometheus",
        [
            str(PROMETHEUS),
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{free_port()}",
            # It learns of its Alertmanagers only some seconds after the first evaluation.
            "--rules.alert.resend-delay=1s",
        ],
    )


def test_a_rule_that_fires_becomes_an_incident_and_its_end_resolves_it(tmp_path, clean_cluster):
    async def scene():
        target = Target()
        async with (
            ChatReceiver() as chat,
            scraped(target) as scrape_address,
            Processes(tmp_path) as processes,
        ):
            bootstrap = clean_cluster.bootstrap
            await processes.rootline(
                "worker",
                BOOTSTRAP=bootstrap,
                TELEMETRY__PORT=0,
                NOTIFIER__WEBHOOK_URL=chat.url,
                NOTIFIER__MESSAGE_INTERVAL_MS=1,
                PIPELINE__FIRING__EARLY_SECONDS=2,
                PIPELINE__FIRING__QUIET_SECONDS=1,
                PIPELINE__WATERMARK__LATENESS_SECONDS=1,
            )
            gateway = await processes.rootline("gateway", "--port", "0", BOOTSTRAP=bootstrap)
            alertmanager = await start_alertmanager(processes, tmp_path, gateway["url"])
            await start_prometheus(processes, tmp_path, scrape_address, alertmanager)
            async with Reader(bootstrap, "incidents") as incidents:
                target.depth = 1000
                record = await incidents.first(lambda i: i["status"] == "open", timeout=60)
                opened = orjson.loads(record.value)
                message = await chat.wait_for(lambda m: "checkout" in str(m.payload), timeout=20)
                target.depth = 0
                last = await incidents.first(lambda i: i["status"] == "resolved", timeout=60)
                resolved = orjson.loads(last.value)
                said = await chat.wait_for(
                    lambda m: "resolved" in str(m.payload).lower(), timeout=20
                )
        (alert,) = opened["alerts"]
        assert (alert["rule"], alert["component"]) == ("QueueGrows", "checkout")
        assert alert["annotations"]["summary"] == "orders pile up"
        assert dict(record.headers)["ce_type"] == b"io.rootline.incident.opened"
        assert record.key.decode() == opened["incident_id"]
        assert resolved["incident_id"] == opened["incident_id"]
        assert resolved["revision"] > opened["revision"]
        assert resolved["resolved_at"] > resolved["started_at"]
        assert resolved["alerts"][0]["status"] == "resolved"
        assert message is not said
        assert not chat.refusals

    asyncio.run(scene())
