"""A chat that receives webhooks: a small HTTP server on loopback that checks as Slack does.

The demo shows what arrives here, and tests deliver to it over real sockets; it can be told to fail
or to dawdle. What it holds is bounded.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from agents.demo.slack_rules import Code, SlackRefusalError, check_message

_HOST = "127.0.0.1"
_MAX_BODY = 1024 * 1024
_MAX_MESSAGES = 1_000
_MAX_PLANNED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMessage:
    """A message that was taken: its payload, the request's headers, when it came."""

    payload: Mapping[str, Any]
    headers: Mapping[str, str]
    at_ms: int

    @property
    def idempotency_key(self) -> str:
        """What the sender calls this message, so that a second copy can be told."""
        return self.headers.get("Idempotency-Key", "")

    @property
    def headline(self) -> str:
        """The text of the first header, or of the message."""
        for block in self.payload.get("blocks", ()):
            if block["type"] == "header":
                return str(block["text"]["text"])
        return str(self.payload.get("text", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


class ChatReceiver:
    """A Slack-compatible incoming webhook.

    Args:
        port: where to listen on loopback; 0 takes any free one.
        max_messages: how many messages are kept, newest last.
    """

    def __init__(self, port: int = 0, max_messages: int = _MAX_MESSAGES) -> None:
        self.messages: deque[ReceivedMessage] = deque(maxlen=max_messages)
        self.refusals: deque[str] = deque(maxlen=max_messages)
        self.requests = 0
        self._port = port
        # As with Slack, who knows the path may post.
        self._path = f"/services/{secrets.token_urlsafe(12)}"
        self._failures: deque[_Failure] = deque(maxlen=_MAX_PLANNED)
        self._delays: deque[float] = deque(maxlen=_MAX_PLANNED)
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where to post; known once the server was started."""
        return f"http://{_HOST}:{self._port}{self._path}"

    async def start(self) -> None:
        """Listen. A second start, after a stop, takes the same port."""
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_post(self._path, self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening; the messages stay."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> "ChatReceiver":
        await self.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    def fail_next(
        self, n: int, status: int = 500, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer the next n requests with a status, and keep nothing of them."""
        self._failures.extend(_Failure(status=status, headers=headers or {}) for _ in range(n))

    def delay_next(self, n: int, seconds: float) -> None:
        """Let the next n requests wait for their answer."""
        self._delays.extend(seconds for _ in range(n))

    async def wait_for(
        self, predicate: Callable[[ReceivedMessage], bool], timeout: float
    ) -> ReceivedMessage:
        """Return the first kept message that fits, now or within `timeout` seconds.

        Raises:
            TimeoutError: none came; the sentence lists what did.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self._first(predicate)
        except TimeoutError:
            came = [message.headline for message in self.messages]
            msg = f"no such message within {timeout} s; {len(came)} came: {came[-10:]}"
            raise TimeoutError(msg) from None

    async def wait_for_requests(self, number: int, timeout: float) -> None:
        """Return when so many requests have been answered, taken or not."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: self.requests >= number)

    async def _first(self, predicate: Callable[[ReceivedMessage], bool]) -> ReceivedMessage:
        async with self._changed:
            while True:
                for message in self.messages:
                    if predicate(message):
                        return message
                await self._changed.wait()

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self._delays:
            await asyncio.sleep(self._delays.popleft())
        response = self._answer(body, request.headers)
        async with self._changed:
            self.requests += 1
            self._changed.notify_all()
        return response

    def _answer(self, body: bytes, headers: Mapping[str, str]) -> web.Response:
        if self._failures:
            failure = self._failures.popleft()
            return web.Response(
                status=failure.status, headers=failure.headers, text="told_to_fail"
            )
        try:
            payload = check_message(_decode(body))
        except SlackRefusalError as refusal:
            self.refusals.append(str(refusal))
            return web.Response(status=400, text=refusal.code.value)
        now_ms = round(time.time() * 1_000)
        self.messages.append(ReceivedMessage(payload=payload, headers=dict(headers), at_ms=now_ms))
        return web.Response(text="ok")


def _decode(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SlackRefusalError(Code.PAYLOAD, "the body is not JSON") from error
