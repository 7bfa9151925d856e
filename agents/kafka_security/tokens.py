"""The token of SASL OAUTHBEARER: kept while it is good, renewed before it expires.

All clients of a process share one source, so that a token is asked for once. A source that fails
is left alone for a while: clients reconnect many times a second and must not hammer an endpoint.
"""

import asyncio
import logging
import random
import time
from functools import lru_cache
from pathlib import Path

from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaError

from agents.errors import SettingsError
from agents.kafka_security.bearer import hear_refusals
from agents.kafka_security.sasl import OauthConfig
from agents.kafka_security.token_endpoint import Refused, Token, ask, expiry_of, is_token
from agents.settings_secrets import read_secret

_log = logging.getLogger("kafka")
_FIRST_PAUSE_SECONDS = 0.25
_LEAST_REST_SECONDS = 5.0
_LONGEST_REST_SECONDS = 30.0
# A token is not used in its last moments: it has to arrive and be looked at.
_LEAST_LIFE_SECONDS = 1.0


class TokenError(KafkaError):  # type: ignore[misc] # aiokafka ships no types
    """There is no token to log in with; clients treat it like a broker that is away."""


class TokenSource(AbstractTokenProvider):  # type: ignore[misc] # aiokafka ships no types
    """Gives each new connection a token that is good for a while."""

    def __init__(self, config: OauthConfig) -> None:
        self._config = config
        self._token: Token | None = None
        self._renew_at = 0.0
        self._over_at = 0.0
        self._failure = ""
        self._failures = 0
        self._rests_until = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asking = asyncio.Lock()

    def __repr__(self) -> str:
        return f"TokenSource({self._token!r})"

    async def token(self) -> str:
        """Return a token for a connection that is being made.

        Raises:
            TokenError: there is none; the sentence says why.
        """
        if self._config.token_file is not None:
            return await asyncio.to_thread(_from_file, self._config.token_file)
        async with self._lock():
            if self._token is None or time.time() >= self._renew_at:
                await self._renew()
            if self._token is None or self._is_over:
                raise TokenError(self._failure)
            return self._token.text

    def refused(self) -> None:
        """Take note that a broker refuses the token: the next connection asks for another one."""
        self._renew_at = 0.0

    def extensions(self) -> dict[str, str]:
        """Return the SASL extensions that are sent with the token."""
        pairs = (extension.partition("=") for extension in self._config.extensions)
        return {name: value for name, _, value in pairs}

    def _lock(self) -> asyncio.Lock:
        """A lock belongs to one event loop, a source may outlive it."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._asking = loop, asyncio.Lock()
        return self._asking

    async def _renew(self) -> None:
        """Ask, unless it failed a moment ago; a token that is still good outlives a failure."""
        if time.monotonic() < self._rests_until:
            return
        try:
            token = await self._ask()
        except (Refused, SettingsError) as error:
            self._fail(error.sentence if isinstance(error, Refused) else str(error))
            return
        life = token.expires_at - time.time()
        self._token = token
        self._renew_at = token.expires_at - min(self._config.refresh_seconds, life / 5)
        self._over_at = token.expires_at - min(_LEAST_LIFE_SECONDS, life / 10)
        self._failures = 0
        # Brokers that refuse every token must not make us ask at each connection.
        self._rests_until = time.monotonic() + min(_LEAST_REST_SECONDS, life / 5)

    async def _ask(self) -> Token:
        pause = _FIRST_PAUSE_SECONDS
        for attempt in range(1, self._config.attempts + 1):
            try:
                return await ask(self._config)
            except Refused as refused:
                if not refused.again or attempt == self._config.attempts:
                    raise
            await asyncio.sleep(pause * (0.5 + random.random()))
            pause *= 2
        msg = "attempts is at least 1"
        raise AssertionError(msg)

    def _fail(self, sentence: str) -> None:
        self._failure = sentence
        self._failures += 1
        rest = min(_LONGEST_REST_SECONDS, 2.0 ** min(self._failures - 1, 10))
        self._rests_until = time.monotonic() + rest
        held = self._token is not None and not self._is_over
        _log.warning(
            "no new token for Kafka",
            extra={"error": sentence, "next_try_seconds": rest, "old_one_still_good": held},
        )

    @property
    def _is_over(self) -> bool:
        return time.time() >= self._over_at


@lru_cache(maxsize=16)
def token_source(config: OauthConfig) -> TokenSource:
    """Return the source for a section; clients with the same settings share one."""
    hear_refusals()
    return TokenSource(config)


def _from_file(path: Path) -> str:
    try:
        text = read_secret(path, "kafka.oauth.token_file")
    except SettingsError as error:
        raise TokenError(str(error)) from error
    if not is_token(text):
        msg = f"kafka.oauth.token_file names {path}, which holds no token (one word, as from JWT)"
        raise TokenError(msg)
    expiry = expiry_of(text)
    if expiry is not None and time.time() >= expiry - _LEAST_LIFE_SECONDS:
        ago = time.time() - expiry
        msg = (
            f"the token in {path} (kafka.oauth.token_file) expired {ago:.0f} s ago; see that what "
            "writes the file renews it in time"
        )
        raise TokenError(msg)
    return text
