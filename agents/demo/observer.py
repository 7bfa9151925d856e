"""Reads what Rootline writes and fills the scene: topics `signals`, `incidents`, `unassigned`."""

from collections.abc import Callable
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer

from agents.demo.scene import Aside, Scene
from agents.kafka import KafkaConfig, client_arguments
from agents.notifier.records import decode_incident
from agents.worker.topics import TopicsConfig
from schemas.codecs.signals import decode_signal

_POLL_MS = 100
_TYPE = "io.rootline.incident."
_ASIDE = msgspec.json.Decoder(Aside)


class Observer:
    """Follows the output topics from their beginning; an async context manager."""

    def __init__(self, bootstrap: str, scene: Scene) -> None:
        self._scene = scene
        self._kafka = KafkaConfig(bootstrap=bootstrap, client_id="rootline-demo")
        self._topics = TopicsConfig()

    async def __aenter__(self) -> "Observer":
        topics = self._topics
        self._consumer = AIOKafkaConsumer(
            topics.signals,
            topics.incidents,
            topics.unassigned,
            **client_arguments(self._kafka),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await self._consumer.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._consumer.stop()

    async def follow(self, changed: Callable[[], None]) -> None:
        """Read for ever, and call `changed` after each batch."""
        while True:
            batches = await self._consumer.getmany(timeout_ms=_POLL_MS)
            for records in batches.values():
                for record in records:
                    self._read(record)
            if batches:
                changed()

    def _read(self, record: Any) -> None:
        if record.topic == self._topics.signals:
            self._scene.signal(decode_signal(record.value))
        elif record.topic == self._topics.incidents:
            if record.value is not None:
                kind = dict(record.headers).get("ce_type", b"").decode().removeprefix(_TYPE)
                self._scene.incident(kind, decode_incident(record.value))
        else:
            self._scene.asides.append(_ASIDE.decode(record.value))
