"""The doctor's look at what speaks HTTP: the chat webhooks, the gateway, the worker's health.

It also reads the clocks of those that answer, because alerts from the future are refused.
"""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import orjson

from agents.doctor_finding import Finding, fail, ok, warn
from agents.gateway.tls import TlsConfig
from agents.notifier.config import Receiver, receivers
from agents.notifier.connection import open_session
from agents.notifier.webhook import failed
from agents.settings import Settings

_TEST_MESSAGE = {"text": "Rootline: a test message from `rootline doctor`. Nothing is wrong."}
_SKEW_SECONDS = 60
_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Clock:
    """How far another clock is ahead of ours."""

    who: str
    ahead_seconds: float


class HttpDoctor:
    """Asks each endpoint once; `clocks` collects what their Date headers say."""

    def __init__(self, settings: Settings, timeout_seconds: float) -> None:
        self._settings = settings
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._clocks: list[_Clock] = []

    async def check(self, *, send_test: bool) -> list[Finding]:
        """Check webhooks, gateway, worker and clocks."""
        gateway, telemetry = self._settings.gateway, self._settings.telemetry
        async with (
            aiohttp.ClientSession(timeout=self._timeout) as client,
            open_session(self._settings.notifier, self._timeout) as chat,
        ):
            checks = [
                self._webhook(chat, receiver, send_test=send_test)
                for receiver in receivers(self._settings.notifier)
            ]
            checks.append(self._ready(client, "gateway", gateway.host, gateway.port))
            if telemetry.enabled:
                checks.append(self._ready(client, "worker", telemetry.host, telemetry.port))
            findings = list(await asyncio.gather(*checks))
        if not receivers(self._settings.notifier):
            findings.insert(
                0,
                warn(
                    "webhook",
                    "no chat webhook is configured; incidents go to their topic only "
                    "(set notifier.webhook_url or notifier.webhook_url_file)",
                ),
            )
        return [*findings, self._clock()]

    async def _webhook(
        self, client: aiohttp.ClientSession, receiver: Receiver, *, send_test: bool
    ) -> Finding:
        # The URL is a secret: findings name the receiver and its host only.
        who = f"webhook {receiver.name} at {receiver.host}"
        method = "POST" if send_test else "HEAD"
        body = _TEST_MESSAGE if send_test else None
        try:
            async with client.request(
                method, receiver.url, json=body, allow_redirects=False
            ) as answer:
                self._note_clock(receiver.host, answer)
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            why = failed(error).reason
            return fail("webhook", f"{who} cannot be reached ({why}); check the URL and the proxy")
        if not send_test:
            return ok("webhook", f"{who} can be reached; --send-test posts a message to it")
        if 200 <= status < 300:
            return ok("webhook", f"{who} took the test message")
        return fail(
            "webhook", f"{who} refused the test message with HTTP {status}; renew the webhook"
        )

    async def _ready(
        self, client: aiohttp.ClientSession, name: str, host: str, port: int
    ) -> Finding:
        if port == 0:
            return warn(name, f"the {name} takes any free port, so it is not known where it is")
        tls = self._settings.gateway.tls if name == "gateway" else TlsConfig()
        scheme = "https" if tls.enabled else "http"
        address = f"{'127.0.0.1' if host in ('0.0.0.0', '') else host}:{port}"  # noqa: S104 - compared
        try:
            trust = _trusting(tls)
            async with client.get(f"{scheme}://{address}/readyz", ssl=trust) as answer:
                self._note_clock(f"the {name}", answer)
                body = await answer.content.read(_ANSWER_BYTES)
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            return warn(name, f"no {name} answers at {address}; start one: rootline {name}")
        if status == 200:
            return ok(name, f"the {name} at {address} is ready")
        return fail(name, f"the {name} at {address} is not ready: {_reasons(body, status)}")

    def _note_clock(self, who: str, answer: aiohttp.ClientResponse) -> None:
        try:
            theirs = parsedate_to_datetime(answer.headers.get("Date", ""))
        except (TypeError, ValueError):
            return
        if theirs.tzinfo is not None:
            ahead = (theirs - datetime.now(UTC)).total_seconds()
            self._clocks.append(_Clock(who, ahead))

    def _clock(self) -> Finding:
        if not self._clocks:
            return warn("clock", "nothing that answered tells the time, so the clock is unchecked")
        worst = max(self._clocks, key=lambda clock: abs(clock.ahead_seconds))
        if abs(worst.ahead_seconds) <= _SKEW_SECONDS:
            return ok("clock", f"this machine's clock agrees with {worst.who}")
        side = "behind" if worst.ahead_seconds > 0 else "ahead of"
        return fail(
            "clock",
            f"this machine's clock is {abs(worst.ahead_seconds):.0f} s {side} {worst.who}; "
            "synchronise it (NTP), since alerts from the future are refused",
        )


def _trusting(tls: TlsConfig) -> ssl.SSLContext | bool:
    """Trust the certificate that the gateway is configured with, whoever issued it."""
    if tls.certificate_file is None:
        return True
    context = ssl.create_default_context(cafile=str(tls.certificate_file))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    # It is asked at its address; the name in its certificate is that of its service.
    context.check_hostname = False
    return context


def _reasons(body: bytes, status: int) -> str:
    try:
        reasons = orjson.loads(body)["reasons"]
        return "; ".join(str(reason) for reason in reasons.values())
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return f"HTTP {status}"
