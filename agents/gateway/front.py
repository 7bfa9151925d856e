"""What surrounds every request: how a refusal is worded, what is counted, when it ends."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from agents.gateway.answers import JSON, PROTOBUF, refusal_answer
from agents.gateway.config import GatewayConfig
from agents.gateway.doorway import Doorway
from agents.gateway.intake import Intake
from agents.gateway.refusal import Reason, Refusal
from agents.health import HEALTH_PATHS
from agents.telemetry import GatewayMetrics

log = logging.getLogger(__name__)


class Front:
    """The one middleware of the gateway."""

    def __init__(
        self, config: GatewayConfig, metrics: GatewayMetrics, by_path: Mapping[str, Intake]
    ) -> None:
        self._config = config
        self._metrics = metrics
        self._by_path = by_path
        self.doorway: Doorway | None = None
        self.stopping = False
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def middleware(self) -> Middleware:
        """The middleware as aiohttp wants it."""

        @web.middleware
        async def surround(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._surround(request, handler)

        return surround

    async def close(self, patience_seconds: float) -> None:
        """Take no more requests, and wait for those in progress.

        aiohttp's own shutdown reads no further bytes, so that a body on its way would be lost.
        """
        self.stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                await self._idle.wait()

    async def _surround(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.doorway is not None:
            self.doorway.heard(request)
        if request.path in HEALTH_PATHS:
            return await handler(request)
        self._busy += 1
        self._idle.clear()
        try:
            return await self._answer(request, handler)
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        start = time.perf_counter()
        intake = self._by_path.get(request.path)
        route = intake.name if intake is not None else "other"
        try:
            if self.stopping:
                raise Refusal(Reason.SHUTTING_DOWN, "the gateway is shutting down; send it again")  # noqa: TRY301 - answered below as every refusal
            answer = await handler(request)
        except Refusal as refusal:
            answer = self._refuse(request, intake, refusal)
        except web.HTTPException as error:
            answer = self._explain(request, intake, error)
        except Exception:
            log.exception("a request failed because of a bug", extra={"route": route})
            bug = Refusal(Reason.BUG, "the gateway failed because of a bug; its log says more")
            answer = self._refuse(request, intake, bug)
        if self.stopping:
            answer.force_close()
        self._metrics.requests.labels(route, answer.status).inc()
        self._metrics.seconds.labels(route).observe(time.perf_counter() - start)
        return answer

    def _refuse(
        self, request: web.Request, intake: Intake | None, refusal: Refusal
    ) -> web.Response:
        route = intake.name if intake is not None else "other"
        self._metrics.refusals.labels(route, refusal.reason).inc()
        otlp_type = ""
        if intake is not None and intake.is_otlp:
            otlp_type = JSON if request.content_type == JSON else PROTOBUF
        status = refusal.status
        if intake is not None and refusal.reason is Reason.RATE_LIMITED:
            status = intake.too_often
        return refusal_answer(
            refusal,
            retry_after=self._config.retry_after_seconds,
            status=status,
            otlp_type=otlp_type,
        )

    def _explain(
        self, request: web.Request, intake: Intake | None, error: web.HTTPException
    ) -> web.Response:
        """Put aiohttp's own refusals (no such path, wrong method) into our words."""
        paths = ", ".join(sorted(self._by_path))
        if isinstance(error, web.HTTPMethodNotAllowed):
            allowed = ", ".join(sorted(error.allowed_methods))
            sentence = f"{request.path} takes {allowed}, not {error.method}"
        elif error.status == 404:
            sentence = f"there is nothing at {request.path[:200]}; post to one of {paths}"
        else:
            sentence = error.reason
        answer = self._refuse(request, intake, Refusal(Reason.NO_ROUTE, sentence))
        answer.set_status(error.status)
        if hdrs.ALLOW in error.headers:
            answer.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
        return answer
