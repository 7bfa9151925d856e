"""A consumer of the incidents topic that keeps one ticket for each incident, as a pattern to copy.

Kafka brings each record at least once, in the order of its incident's revisions or not. What makes
the effect happen once: the ticket's name is the incident's id, a revision is put only if it is
higher than the ticket's, and the offset is committed when the ticket system has it.

    python examples/tickets/tickets.py localhost:9092 https://tickets.example
"""

import argparse
import asyncio
import logging
import random
from typing import Any

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer

log = logging.getLogger("tickets")
TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
FINAL = (400, 401, 403, 404, 409, 410, 413, 422)
"""What no patience mends: the ticket system does not want this ticket."""


class Tickets:
    """The ticket system: GET and PUT of /tickets/{name}, as most have it in some form."""

    def __init__(
        self, client: aiohttp.ClientSession, url: str, first_pause: float = 0.5, cap: float = 30.0
    ) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._first_pause = first_pause
        self._cap = cap
        self._revisions: dict[str, int] = {}

    async def bring(self, incident: dict[str, Any]) -> bool:
        """Bring a ticket up to date; False when it is already, or is refused for good."""
        name, revision = incident["incident_id"], incident["revision"]
        if name not in self._revisions:
            # After a restart the ticket itself tells how far we came.
            status, ticket = await self._ask("GET", name)
            self._revisions[name] = ticket.get("revision", 0) if status == 200 else 0
        if revision <= self._revisions[name]:
            return False
        status, _ = await self._ask("PUT", name, ticket_of(incident), key=f"{name}:{revision}")
        self._revisions[name] = revision
        if status in FINAL:
            log.error("ticket %s is refused with HTTP %s", name, status)
            return False
        return True

    async def _ask(
        self, method: str, name: str, body: dict[str, Any] | None = None, key: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """Ask until there is an answer that is final; a PUT is the same the second time."""
        pause = self._first_pause
        headers = {"Idempotency-Key": key} if key else {}
        while True:
            try:
                async with self._client.request(
                    method, f"{self._url}/tickets/{name}", json=body, headers=headers
                ) as answer:
                    data = await answer.read()
                    if answer.status < 300:
                        return answer.status, orjson.loads(data or b"{}")
                    if answer.status in FINAL:
                        return answer.status, {}
                    why = f"HTTP {answer.status}"
                    pause = max(pause, float(answer.headers.get("Retry-After", "0")))
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                why = type(error).__name__
            log.warning("the ticket system does not answer (%s); again in %.1f s", why, pause)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(self._cap, 2 * pause)


def ticket_of(incident: dict[str, Any]) -> dict[str, Any]:
    """Return what the ticket says. Text of telemetry stays data; the ticket system escapes it."""
    top = incident["candidates"][0] if incident["candidates"] else None
    return {
        "revision": incident["revision"],
        "state": "closed" if incident["status"] in ("resolved", "merged") else "open",
        "title": incident["title"],
        "severity": incident["severity"],
        "dedup_key": incident["dedup_key"],
        "suspect": top["component"] if top and not incident["abstained"] else None,
        "merged_into": incident["merged_into"],
    }


async def follow(bootstrap: str, tickets: Tickets, group: str = "tickets") -> None:
    """Read incidents for ever, and keep their tickets up to date."""
    consumer = AIOKafkaConsumer(
        "incidents",
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        while True:
            batches = await consumer.getmany(timeout_ms=500, max_records=200)
            newest: dict[str, dict[str, Any]] = {}
            for batch in batches.values():
                for record in batch:
                    incident = orjson.loads(record.value)
                    known = newest.get(incident["incident_id"])
                    if known is None or incident["revision"] > known["revision"]:
                        newest[incident["incident_id"]] = incident
            for incident in newest.values():
                await tickets.bring(incident)
            if batches:
                await consumer.commit()
    finally:
        await consumer.stop()


async def run(bootstrap: str, url: str) -> None:
    """Follow with a client of our own."""
    async with aiohttp.ClientSession(timeout=TIMEOUT) as client:
        await follow(bootstrap, Tickets(client, url))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Keep a ticket for each incident.")
    parser.add_argument("bootstrap", help="Kafka, as host:port")
    parser.add_argument("tickets", help="the ticket system, as https://host")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    asyncio.run(run(arguments.bootstrap, arguments.tickets))
