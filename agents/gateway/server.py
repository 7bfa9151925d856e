"""The gateway as one object: builds the parts, listens, and stops without losing a request."""

import asyncio
import logging
from functools import partial

from aiohttp import web

from agents.gateway.admission import Admission
from agents.gateway.doorway import Doorway
from agents.gateway.front import Front
from agents.gateway.intake import Intake, intakes
from agents.gateway.outlet import Outlet
from agents.gateway.reception import Reception
from agents.health import Health, health_routes
from agents.settings import Settings
from agents.telemetry import Telemetry
from agents.worker.dead_letter import DeadLetters

log = logging.getLogger(__name__)
_BACKLOG = 256
_LINGER_SECONDS = 2.0


class Gateway:
    """Takes alerts, OTLP and changes over HTTP and brings them to Kafka.

    A Kafka that is away is no reason not to start: it is looked for until it is there, requests
    are answered with 503 meanwhile, and /readyz says why.
    """

    def __init__(self, settings: Settings, telemetry: Telemetry | None = None) -> None:
        self.telemetry = telemetry if telemetry is not None else Telemetry()
        self._config = settings.gateway
        topics = settings.topics
        kinds = intakes(topics)
        by_path = {path: intake for intake in kinds for path in intake.paths}
        self._outlet = Outlet(
            settings.kafka,
            settings.gateway,
            topics=sorted({topics.dead_letter, *(intake.topic for intake in kinds)}),
            metrics=self.telemetry.kafka,
        )
        self._reception = Reception(
            config=settings.gateway,
            limits=settings.limits,
            admission=Admission(settings.gateway, self.telemetry.gateway),
            outlet=self._outlet,
            letters=DeadLetters(
                topic=topics.dead_letter,
                max_bytes=settings.kafka.max_message_bytes,
                counter=self.telemetry.intake.dead_lettered,
            ),
            metrics=self.telemetry.gateway,
        )
        self._front = Front(settings.gateway, self.telemetry.gateway, by_path)
        self._runner = self._build(by_path)
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens, with the port that was actually bound."""
        assert self._server is not None, "the gateway is started"
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def start(self) -> None:
        """Listen, and begin to look for Kafka.

        Raises:
            OSError: the address is taken or not ours.
        """
        await self._runner.setup()
        server = self._runner.server
        assert server is not None, "setup makes it"
        self._front.doorway = Doorway(
            server,
            limit=self._config.max_connections,
            head_seconds=self._config.head_timeout_ms / 1000,
        )
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._front.doorway, self._config.host, self._config.port, backlog=_BACKLOG
            )
        except OSError:
            await self._runner.cleanup()
            raise
        await self._outlet.start()

    async def stop(self) -> None:
        """Stop listening, finish what is in progress, then let go of Kafka."""
        if self._front.stopping:
            return
        if self._server is not None:
            self._server.close()
        await self._front.close(self._config.shutdown_timeout_ms / 1000)
        await self._runner.cleanup()
        await self._outlet.stop()

    def _build(self, by_path: dict[str, Intake]) -> web.AppRunner:
        app = web.Application(middlewares=[self._front.middleware()])
        health = Health(ready={"kafka": self._outlet.unready, "shutdown": self._stopping})
        app.add_routes(health_routes(self.telemetry.registry, health))
        for path, intake in by_path.items():
            app.router.add_post(path, partial(self._take, intake=intake))
        return web.AppRunner(
            app,
            access_log=None,
            # We undo Content-Encoding ourselves, with a bound on the result.
            auto_decompress=False,
            keepalive_timeout=self._config.idle_timeout_ms / 1000,
            lingering_time=_LINGER_SECONDS,
            # Everything in progress has been waited for when this begins.
            shutdown_timeout=_LINGER_SECONDS,
        )

    async def _take(self, request: web.Request, *, intake: Intake) -> web.Response:
        return await self._reception.take(request, intake)

    def _stopping(self) -> str | None:
        return "the gateway is shutting down" if self._front.stopping else None
