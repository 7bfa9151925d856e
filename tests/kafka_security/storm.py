"""A small storm over HTTP, and where its alerts have to turn up again."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer

SERVICES = 12
EAGER: dict[str, object] = {
    "PIPELINE__FIRING__EARLY_SECONDS": 2,
    "PIPELINE__FIRING__QUIET_SECONDS": 1,
    "PIPELINE__FIRING__REFRESH_SECONDS": 2,
    "PIPELINE__WATERMARK__LATENESS_SECONDS": 1,
}
"""Settings with which an incident says within seconds what it holds."""


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


async def post_storm(gateway: str, rounds: int) -> set[str]:
    """Post an alert of every service in each round, a round a second; return their names."""
    sent = set()
    async with aiohttp.ClientSession() as client:
        for round_ in range(rounds):
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
