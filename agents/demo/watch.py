"""Reads what comes out: incidents, alerts set aside, and how far REDUCE has come."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson
from aiokafka import AIOKafkaConsumer

from agents.worker.topics import TopicsConfig
from schemas.incident import Incident, IncidentStatus


@dataclass(slots=True, kw_only=True)
class Seen:
    """Everything that was read from the output topics so far."""

    revisions: list[Incident] = field(default_factory=list)
    aside: list[dict[str, Any]] = field(default_factory=list)
    reached_ms: dict[str, int] = field(default_factory=dict)

    def latest(self) -> dict[str, Incident]:
        """Return the highest revision of each incident."""
        last: dict[str, Incident] = {}
        for incident in self.revisions:
            known = last.get(incident.incident_id)
            if known is None or incident.revision > known.revision:
                last[incident.incident_id] = incident
        return last

    def main(self) -> Incident | None:
        """Return the incident with most alerts that was not merged into another."""
        standing = [i for i in self.latest().values() if i.status is not IncidentStatus.MERGED]
        return max(standing, key=lambda i: (i.alert_count, i.incident_id), default=None)


class Watcher:
    """Tails the topics from their beginning into a `Seen`."""

    def __init__(self, *, bootstrap: str, topics: TopicsConfig) -> None:
        self.seen = Seen()
        self._topics = topics
        self._consumer = AIOKafkaConsumer(
            topics.incidents,
            topics.unassigned,
            topics.signals,
            bootstrap_servers=bootstrap,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=50,
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to read."""
        await self._consumer.start()
        self._task = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._consumer.stop()

    def check(self) -> None:
        """Raise what stopped the reading, if anything did."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def _read(self) -> None:
        async for record in self._consumer:
            if record.value is None:
                continue
            if record.topic == self._topics.incidents:
                self.seen.revisions.append(msgspec.json.decode(record.value, type=Incident))
            elif record.topic == self._topics.unassigned:
                self.seen.aside.append(orjson.loads(record.value))
            else:
                self._note_progress(record.value)

    def _note_progress(self, value: bytes) -> None:
        signal = orjson.loads(value)
        if signal.get("type") == "telemetry":
            source, observed = str(signal["source"]).split("/")[0], int(signal["observed_ms"])
            reached = self.seen.reached_ms
            reached[source] = max(reached.get(source, 0), observed)
