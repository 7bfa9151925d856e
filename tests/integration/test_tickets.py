"""The ticketing consumer of examples/: by revision, once each, whatever the ticket system does."""

import asyncio
import importlib.util
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiokafka import AIOKafkaProducer

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker
from schemas.incident import Incident, IncidentStatus
from tests.agents.notifier.conftest import build_incident

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[2] / "examples" / "tickets" / "tickets.py"
FAULTS = ("slow", "429", "500", "close", "close-after", "half")


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tickets_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TicketSystem:
    """Keeps tickets, and goes through every fault in turn before each answer that is good."""

    def __init__(self) -> None:
        self.tickets: dict[str, dict[str, Any]] = {}
        self.effects: Counter[tuple[str, int]] = Counter()
        self.failed: Counter[str] = Counter()
        self._turn = 0
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/tickets/{name}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        fault = self._fault()
        assert request.transport is not None
        if fault == "close":
            request.transport.close()
        elif fault in ("429", "500"):
            return web.Response(status=int(fault), headers={"Retry-After": "0.01"})
        elif fault == "slow":
            await asyncio.sleep(0.5)
        # From here on the ticket system has taken it, whether the consumer hears of it or not.
        answer = self._take(request, body)
        if fault == "close-after":
            request.transport.close()
        elif fault == "half":
            cut = web.StreamResponse(headers={"Content-Length": "1000"})
            await cut.prepare(request)
            await cut.write(b'{"rev')
            request.transport.close()
            return cut
        return answer

    def _fault(self) -> str:
        # A good answer between two faults, so that it goes on at all.
        self._turn += 1
        fault = FAULTS[self._turn // 2 % len(FAULTS)] if self._turn % 2 else ""
        self.failed[fault] += 1
        return fault

    def _take(self, request: web.Request, body: bytes) -> web.Response:
        name = request.match_info["name"]
        if request.method == "PUT":
            ticket = orjson.loads(body)
            if ticket["revision"] > self.tickets.get(name, {"revision": 0})["revision"]:
                self.tickets[name] = ticket
                self.effects[name, ticket["revision"]] += 1
        if name not in self.tickets:
            return web.Response(status=404)
        return web.json_response(self.tickets[name])


def history() -> list[Incident]:
    found = []
    for number in range(6):
        first = build_incident(incident_id=f"i{number}", revision=1)
        end = IncidentStatus.RESOLVED if number % 2 else IncidentStatus.OPEN
        found += [first, replace(first, revision=2), replace(first, revision=3, status=end)]
    # Repeated and out of order, as a replay of producers can bring it.
    repeated = found + found[::3]
    random.Random(7).shuffle(repeated)
    return repeated


def test_tickets_follow_revisions_once_each_whatever_the_ticket_system_does(
    tmp_path: Path,
) -> None:
    module = example()

    async def scene() -> None:
        broker = EmbeddedBroker(BrokerConfig(port=0, data_dir=tmp_path / "broker"))
        await broker.start()
        system = TicketSystem()
        await system.start()
        producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
        await producer.start()
        timeout = aiohttp.ClientTimeout(total=0.3)
        async with aiohttp.ClientSession(timeout=timeout) as client:
            for part in (history()[:12], history()[12:]):

                def consumer() -> asyncio.Task[None]:
                    # Each time with an empty memory: what it knows is in the tickets.
                    tickets = module.Tickets(client, f"http://127.0.0.1:{system.port}", 0.01, 0.05)
                    return asyncio.create_task(module.follow(broker.bootstrap, tickets))

                following = consumer()
                for incident in part:
                    key = incident.incident_id.encode()
                    await producer.send_and_wait("incidents", orjson.dumps(incident), key=key)
                await asyncio.sleep(0.3)
                # Cut off in the middle, and the ticket system goes away for a while.
                following.cancel()
                await asyncio.wait([following])
                await system.stop()
                following = consumer()
                await asyncio.sleep(0.2)
                await system.start()
                await until_done(system, part)
                following.cancel()
                await asyncio.wait([following])
        await producer.stop()
        await system.stop()
        await broker.stop()
        # Each revision had its effect once at most, and the last one of each incident had it.
        assert max(system.effects.values()) == 1
        for name, ticket in system.tickets.items():
            assert ticket["revision"] == 3
            assert ticket["state"] == ("closed" if int(name[1:]) % 2 else "open")
        assert set(system.failed) >= set(FAULTS)

    async def limited() -> None:
        async with asyncio.timeout(60):
            await scene()

    asyncio.run(limited())


async def until_done(system: TicketSystem, part: list[Incident]) -> None:
    newest: dict[str, int] = {}
    for incident in part:
        newest[incident.incident_id] = max(incident.revision, newest.get(incident.incident_id, 0))
    while any(
        system.tickets.get(name, {"revision": 0})["revision"] < revision
        for name, revision in newest.items()
    ):
        await asyncio.sleep(0.05)
