"""/metrics, /healthz and /readyz: routes that the gateway and the worker both serve.

A check is a function that answers None when all is well, else one sentence. Liveness asks whether
a restart would help; readiness whether work is being done now.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from agents.telemetry import Telemetry
from agents.telemetry_config import TelemetryConfig

Check = Callable[[], str | None]
HEALTH_PATHS = frozenset({"/metrics", "/healthz", "/readyz"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The checks of one process, by name."""

    live: Mapping[str, Check] = field(default_factory=dict)
    ready: Mapping[str, Check] = field(default_factory=dict)


def health_routes(registry: CollectorRegistry, health: Health) -> list[web.RouteDef]:
    """The three routes over a registry and the checks of its process."""

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        headers = {"Content-Type": content_type}
        return web.Response(body=encode(registry), headers=headers)

    async def healthz(request: web.Request) -> web.Response:
        del request
        return _verdict(health.live)

    async def readyz(request: web.Request) -> web.Response:
        del request
        return _verdict(health.ready)

    return [
        web.get("/metrics", metrics),
        web.get("/healthz", healthz),
        web.get("/readyz", readyz),
    ]


class HealthServer:
    """The three routes on a port of their own, for a process that serves nothing else."""

    def __init__(self, config: TelemetryConfig, telemetry: Telemetry, health: Health) -> None:
        self._config = config
        app = web.Application()
        app.add_routes(health_routes(telemetry.registry, health))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        return int(self._runner.addresses[0][1])

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address is taken or not ours.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._config.host, self._config.port).start()
        except OSError:
            await self._runner.cleanup()
            raise

    async def stop(self) -> None:
        """Stop listening and close what is open."""
        await self._runner.cleanup()


def _verdict(checks: Mapping[str, Check]) -> web.Response:
    reasons = {name: reason for name, check in checks.items() if (reason := check()) is not None}
    body = orjson.dumps({"ok": not reasons, "checks": sorted(checks), "reasons": reasons})
    return web.Response(body=body, status=503 if reasons else 200, content_type="application/json")
