"""A backlog much larger than memory should hold, behind an engine that is slow."""

import asyncio
import json
import re
import urllib.request
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ALERTS = 1_000
ANNOTATIONS = {f"part{n}": "x" * 60_000 for n in range(4)}
BOUND_BYTES = 160 * 2**20
"""What a worker may need beyond its needs at rest; the backlog is 240 MB."""


def an_alert(number):
    labels = {"alertname": "Slow", "service": f"s{number}"}
    alert = {"labels": labels, "startsAt": "2025-11-24T08:00:00Z", "annotations": ANNOTATIONS}
    return json.dumps(alert).encode()


def resident(pid):
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) * 1024


def lag(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.findall(r"rootline_consumer_lag_messages\{[^}]*\} (\S+)", text)
    return sum(map(float, found))


def test_a_slow_engine_makes_its_reader_wait_memory_stays_bounded_and_no_alert_is_lost(on_stand):
    async def scenario(stand):
        worker, port = await stand.simple_worker()
        at_rest = resident(worker.pid)
        looks = []

        async def look():
            while True:
                looks.append((resident(worker.pid), await asyncio.to_thread(lag, port)))
                await asyncio.sleep(0.2)

        looking = asyncio.create_task(look())
        async with stand.producer() as producer:
            await asyncio.gather(
                *[await producer.send("alerts", an_alert(n)) for n in range(ALERTS)]
            )
        records = await stand.read(
            "incidents", lambda found: len({record.key for record in found}) >= ALERTS
        )
        looking.cancel()
        assert len({record.key for record in records}) == ALERTS
        grown = max(used for used, _ in looks) - at_rest
        assert grown < BOUND_BYTES, f"{grown / 2**20:.0f} MB"
        assert max(behind for _, behind in looks) > ALERTS / 10, "the backlog is seen"
        async with asyncio.timeout(30):
            while await asyncio.to_thread(lag, port):
                await asyncio.sleep(0.2)

    on_stand(scenario)
