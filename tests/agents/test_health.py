import asyncio
import json

import aiohttp
import pytest

from agents.health import Health, HealthServer
from agents.telemetry import Telemetry
from agents.telemetry_config import TelemetryConfig


async def answers(health: Health, telemetry: Telemetry, *paths: str) -> list[tuple[int, str]]:
    server = HealthServer(TelemetryConfig(port=0), telemetry, health)
    await server.start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as client:
            found = []
            for path in paths:
                async with client.get(path) as answer:
                    found.append((answer.status, await answer.text()))
            return found
    finally:
        await server.stop()


def test_health_says_which_checks_hold_and_why_others_do_not():
    health = Health(
        live={"loop": lambda: None},
        ready={"kafka": lambda: "Kafka is away", "model": lambda: None},
    )
    live, ready = asyncio.run(answers(health, Telemetry(), "/healthz", "/readyz"))
    assert live == (200, '{"ok":true,"checks":["loop"],"reasons":{}}')
    assert ready[0] == 503
    assert json.loads(ready[1]) == {
        "ok": False,
        "checks": ["kafka", "model"],
        "reasons": {"kafka": "Kafka is away"},
    }


def test_metrics_of_two_processes_parts_do_not_mix():
    first, second = Telemetry(), Telemetry()
    first.intake.alerts_received.labels("firing").inc(3)
    ((_, one),) = asyncio.run(answers(Health(), first, "/metrics"))
    ((_, two),) = asyncio.run(answers(Health(), second, "/metrics"))
    assert 'rootline_alerts_received_total{status="firing"} 3.0' in one
    assert "rootline_alerts_received_total{" not in two
    assert "rootline_build_info{" in one
    assert "process_resident_memory_bytes" in one


def test_every_own_metric_has_our_prefix_and_a_sentence():
    for family in Telemetry().registry.collect():
        if family.name.startswith(("process_", "python_gc_")):
            continue
        assert family.name.startswith("rootline_")
        assert family.documentation.endswith(".")


def test_port_that_is_taken_is_an_os_error():
    async def scene():
        first = HealthServer(TelemetryConfig(port=0), Telemetry(), Health())
        await first.start()
        second = HealthServer(TelemetryConfig(port=first.port), Telemetry(), Health())
        with pytest.raises(OSError, match="address already in use"):
            await second.start()
        await first.stop()

    asyncio.run(scene())
