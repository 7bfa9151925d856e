"""Delivery to one webhook: attempts, back-off and a deadline, over aiohttp.

Before each attempt the caller is asked anew what to send, so what arrives after an outage is the
newest there is. The URL is a secret: logs and errors name the receiver and its host only.
"""

import asyncio
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver

from agents.notifier.addresses import PrivateAddressError
from agents.notifier.config import NotifierConfig, Receiver
from agents.notifier.connection import open_session
from agents.notifier.retry import Answer, Cause, Verdict, judge, pause_ms
from agents.notifier.waiting import wait_for, wall_ms

log = logging.getLogger(__name__)

T = TypeVar("T")

_BODY_READ = 1_024  # bytes of an answer that are looked at; the rest is never received
_ERROR_WORD = re.compile(r"[a-z][a-z_]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter(Generic[T]):
    """What to post: a body, a plainer one should it be refused, its identity, its subject."""

    body: bytes
    plainer: bytes
    idempotency_key: str
    about: T


class Outcome(StrEnum):
    """How a delivery ended; a closed set."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    EXPIRED = "expired"
    UNWANTED = "unwanted"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Generic[T]):
    """The end of a delivery: the letter that was tried last, how often, and why it ended."""

    outcome: Outcome
    letter: Letter[T] | None = None
    attempts: int = 0
    reason: str = ""


class Webhook:
    """One receiver's webhook. `attempting` is held during an attempt and what confirms it.

    Args:
        receiver: who is told.
        config: the [notifier] section.
        rng: jitter of the back-off.
        retried: told why an attempt is made again.
        resolver: looks names up; the system's unless given.
    """

    def __init__(
        self,
        receiver: Receiver,
        config: NotifierConfig,
        rng: random.Random,
        retried: Callable[[Cause], None] = lambda _cause: None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self.receiver = receiver
        self.attempting = asyncio.Lock()
        self._config = config
        self._rng = rng
        self._retried = retried
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def deliver(
        self,
        compose: Callable[[], Letter[T] | None],
        confirm: Callable[[Letter[T]], Awaitable[None]],
        stop: asyncio.Event,
    ) -> Delivery[T]:
        """Try until the receiver takes a letter, refuses it, or the deadline passes.

        Args:
            compose: asked before each attempt; None ends the delivery as unwanted.
            confirm: awaited after the receiver took the letter, before anything else.
            stop: ends the delivery between two attempts.
        """
        deadline = time.monotonic() + self._config.retry_deadline_ms / 1_000
        attempts = 0
        while not stop.is_set():
            async with self.attempting:
                letter = compose()
                if letter is None:
                    return Delivery(outcome=Outcome.UNWANTED, attempts=attempts)
                attempts += 1
                answer = await self._attempt(letter)
                if answer.verdict is Verdict.DELIVERED:
                    await confirm(letter)
            ended = _ending(answer.verdict)
            if ended is not None:
                return Delivery(
                    outcome=ended, letter=letter, attempts=attempts, reason=answer.reason
                )
            pause = pause_ms(answer, attempts, self._config, self._rng) / 1_000
            self._log_failure(answer, attempts, pause)
            if time.monotonic() + pause > deadline:
                reason = f"{answer.reason}; retry_deadline_ms passed"
                return Delivery(
                    outcome=Outcome.EXPIRED, letter=letter, attempts=attempts, reason=reason
                )
            self._retried(answer.cause)
            await wait_for(stop, pause)
        return Delivery(outcome=Outcome.STOPPED, attempts=attempts)

    async def _attempt(self, letter: Letter[T]) -> Answer:
        """Post a letter, and its plainer form if the first is refused for its shape or size."""
        answer = await self._post(letter.body, letter.idempotency_key)
        if answer.verdict is Verdict.TOO_RICH and letter.plainer:
            log.warning(
                "the receiver refused a message's blocks; sending it as text",
                extra={**self._names(), "reason": answer.reason},
            )
            answer = await self._post(letter.plainer, letter.idempotency_key)
        return answer

    async def _post(self, body: bytes, idempotency_key: str) -> Answer:
        try:
            return await self._request(body, idempotency_key)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return failed(error)

    async def _request(self, body: bytes, idempotency_key: str) -> Answer:
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        async with self._open().post(
            self.receiver.url, data=body, headers=headers, allow_redirects=False
        ) as response:
            retry_after = response.headers.get("Retry-After")
            answer = judge(response.status, retry_after, wall_ms())
            if answer.verdict is Verdict.DELIVERED:
                return answer
            said = (await response.content.read(_BODY_READ)).decode("ascii", "replace").strip()
            # Slack names its errors in one word; anything longer might quote our secret back.
            word = f" ({said})" if _ERROR_WORD.fullmatch(said) else ""
            return replace(answer, reason=answer.reason + word)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(
                total=self._config.request_timeout_ms / 1_000,
                connect=self._config.connect_timeout_ms / 1_000,
            )
            self._session = open_session(self._config, timeout, self._resolver)
        return self._session

    def _names(self) -> dict[str, str]:
        return {"receiver": self.receiver.name, "host": self.receiver.host}

    def _log_failure(self, answer: Answer, attempts: int, pause: float) -> None:
        log.warning(
            "a chat message was not taken; trying again",
            extra={
                **self._names(),
                "reason": answer.reason,
                "attempt": attempts,
                "pause_seconds": round(pause, 1),
            },
        )


def failed(error: Exception) -> Answer:
    """Judge an attempt that ended without an answer.

    What could not be connected to has taken nothing. In any other case the message may have been
    taken, which counts as `unanswered`: the next attempt can be the second that the receiver sees.
    """
    # Never the error's own text: some quote the URL.
    reason, cause = type(error).__name__, Cause.UNANSWERED
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        cause = Cause.CONNECTION
        if isinstance(error.__cause__, PrivateAddressError):
            reason = str(error.__cause__)
    return Answer(verdict=Verdict.RETRY, reason=reason, cause=cause)


def _ending(verdict: Verdict) -> Outcome | None:
    if verdict is Verdict.DELIVERED:
        return Outcome.DELIVERED
    if verdict is Verdict.RETRY:
        return None
    return Outcome.REFUSED
