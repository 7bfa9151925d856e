"""The gateway as one object: builds the parts, listens, and stops without losing a request."""

import asyncio
import contextlib
import logging
from functools import partial

from aiohttp import web

from agents.gateway.admission import Admission
from agents.gateway.doorway import Doorway
from agents.gateway.front import Front
from agents.gateway.gatekeeper import Gatekeeper
from agents.gateway.intake import Intake, intakes
from agents.gateway.outlet import Outlet
from agents.gateway.reception import Reception
from agents.gateway.tls import Certificate
from agents.health import Health, health_routes
from agents.settings import Settings
from agents.telemetry import Telemetry
from agents.worker.dead_letter import DeadLetters
from schemas.resolve import Resolver

log = logging.getLogger(__name__)
_LINGER_SECONDS = 2.0
_RENEW_SECONDS = 10.0


class Gateway:
    """Takes alerts, OTLP and changes over HTTP and brings them to Kafka.

    A Kafka that is away is no reason not to start: it is looked for until it is there, requests
    are answered with 503 meanwhile, and /readyz says why.

    Raises:
        SettingsError: the TLS certificate cannot be used.
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
        tls = settings.gateway.tls
        self._certificate = Certificate(tls) if tls.enabled else None
        gatekeeper = Gatekeeper(settings.gateway)
        self._reception = Reception(
            config=settings.gateway,
            limits=settings.limits,
            admission=Admission(settings.gateway, self.telemetry.gateway),
            gatekeeper=gatekeeper,
            resolver=Resolver(settings.resolver),
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
        self._renewal: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it listens, with the port that was actually bound."""
        assert self._front.doorway is not None, "the gateway is started"
        host, port = self._front.doorway.address
        scheme = "https" if self._certificate is not None else "http"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    async def start(self) -> None:
        """Listen, and begin to look for Kafka.

        Raises:
            OSError: the address is taken or not ours.
        """
        await self._runner.setup()
        server = self._runner.server
        assert server is not None, "setup makes it"
        doorway = Doorway(
            server,
            limit=self._config.max_connections,
            head_seconds=self._config.head_timeout_ms / 1000,
            send_seconds=self._config.send_timeout_ms / 1000,
            tls=self._certificate.context if self._certificate is not None else None,
        )
        try:
            await doorway.open(self._config.host, self._config.port)
        except OSError:
            await self._runner.cleanup()
            raise
        self._front.doorway = doorway
        if self._certificate is not None:
            self._renewal = asyncio.create_task(_renew(self._certificate))
        await self._outlet.start()

    async def stop(self) -> None:
        """Stop listening, finish what is in progress, then let go of Kafka."""
        if self._front.stopping:
            return
        if self._front.doorway is not None:
            await self._front.doorway.close()
        if self._renewal is not None:
            self._renewal.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewal
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


async def _renew(certificate: Certificate) -> None:
    """Look for a renewed certificate again and again."""
    while True:
        await asyncio.sleep(_RENEW_SECONDS)
        certificate.renew()
