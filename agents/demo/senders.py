"""Sends as real producers do: alerts, changes, spans over HTTP to the gateway, samples to Kafka.

Order is kept where it matters: alerts and changes go one after the other and before the telemetry
of their slice, which goes side by side.
"""

import asyncio
from types import TracebackType

import aiohttp
from aiokafka import AIOKafkaProducer

from agents.demo.storm import Slice
from agents.errors import RootlineError
from agents.kafka import KafkaConfig, client_arguments

ALERTS_PATH = "/api/v1/alertmanager"
CHANGES_PATH = "/api/v1/changes"
SPANS_PATH = "/v1/traces"
METRICS_TOPIC = "metrics"

_CONNECTIONS = 4
_ATTEMPTS = 8
_PAUSE_SECONDS = 0.25
_JSON = "application/json"
_PROTOBUF = "application/x-protobuf"
_TIMEOUT = aiohttp.ClientTimeout(total=30)


class SendError(RootlineError):
    """The gateway or the broker does not take what is sent."""


class Senders:
    """All producers of one environment; an async context manager."""

    def __init__(self, gateway: str, bootstrap: str) -> None:
        self._gateway = gateway
        self._bootstrap = bootstrap

    async def __aenter__(self) -> "Senders":
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
        self._http = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT)
        self._kafka = AIOKafkaProducer(
            **client_arguments(
                KafkaConfig(bootstrap=self._bootstrap, client_id="prometheus-kafka-adapter")
            ),
            acks="all",
            linger_ms=5,
            compression_type="lz4",
        )
        await self._kafka.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.close()
        await self._kafka.stop()

    async def send(self, piece: Slice) -> None:
        """Send a slice; return when the gateway and the broker have acknowledged all of it.

        Raises:
            SendError: one of them refuses it or does not answer.
        """
        for body in piece.changes:
            await self._post(CHANGES_PATH, body, _JSON)
        for body in piece.alerts:
            await self._post(ALERTS_PATH, body, _JSON)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._produce(piece.samples))
            for body in piece.spans:
                group.create_task(self._post(SPANS_PATH, body, _PROTOBUF))

    async def _post(self, path: str, body: bytes, media_type: str) -> None:
        url, said = f"{self._gateway}{path}", ""
        for attempt in range(_ATTEMPTS):
            try:
                async with self._http.post(
                    url, data=body, headers={"Content-Type": media_type}
                ) as response:
                    if response.status < 300:
                        return
                    said = f"{response.status}: {(await response.text())[:300]}"
                    if response.status != 503:
                        break
            except (aiohttp.ClientError, TimeoutError) as error:
                said = str(error) or type(error).__name__
            await asyncio.sleep(_PAUSE_SECONDS * (attempt + 1))
        msg = f"the gateway did not take a message for {path} ({said})"
        raise SendError(msg)

    async def _produce(self, values: list[bytes]) -> None:
        sent = [await self._kafka.send(METRICS_TOPIC, value) for value in values]
        await asyncio.gather(*sent)
