"""Who is at the door: finds the source of a request by its token or signature, and its pace.

A bearer token is known from the head; a signature is proven when the body is read, so what it
claims counts for nothing before: neither its pace is charged nor its nonce remembered.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import hdrs, web

from agents.gateway.config import SINGLE_SOURCE, GatewayConfig
from agents.gateway.rates import Rate, Rates
from agents.gateway.refusal import Reason, Refusal
from agents.gateway.replays import Replays
from agents.gateway.signature import (
    SIGNATURE_HEADER,
    Claim,
    Signed,
    is_signed_by,
    read_claim,
)
from agents.gateway.source import SourceConfig

ANONYMOUS = ""
"""The name of who needs no key, because none is configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who sent a request, as far as it is known: proven, unless there is a claim.

    `environments` are those it may write, or none when it may write all.
    """

    name: str
    environments: frozenset[str] = frozenset()
    claim: Claim | None = None


class Gatekeeper:
    """Knows every source and its keys.

    Args:
        config: the [gateway] section.
        now: the time in seconds since the epoch, for signatures.
    """

    def __init__(self, config: GatewayConfig, now: Callable[[], float] = time.time) -> None:
        self._config = config
        self._now = now
        single = SourceConfig(name=SINGLE_SOURCE, tokens=(_LONG,)) if config.token else None
        self._sources = {source.name: source for source in config.sources}
        # Digests are of one length, so that comparing them tells nothing about a token's.
        self._tokens = [
            (_digest(token), source) for source in config.sources for token in source.tokens
        ]
        if single is not None:
            self._tokens.append((_digest(config.token), single))
            self._sources[SINGLE_SOURCE] = single
        self._replays = Replays(limit=config.signing.replay_entries)
        self._rates = Rates()

    def greet(self, request: web.Request) -> Visitor:
        """Tell who a request is from by its head.

        Raises:
            Refusal: by nobody who may post, too late, or too often.
        """
        if not self._sources:
            address = request.remote or "unknown"
            self._pace(f"address {address}", self._rate(None))
            return Visitor(name=ANONYMOUS)
        if SIGNATURE_HEADER in request.headers:
            return self._claimed(request)
        source = self._bearer(request)
        if source is None:
            raise Refusal(
                Reason.UNAUTHORIZED,
                "the request has no valid token; send the header Authorization: Bearer TOKEN",
            )
        self._pace(source.name, self._rate(source))
        return _visitor(source)

    def prove(self, visitor: Visitor, request: web.Request, body: bytes) -> None:
        """Prove what a signed request claims, now that its body is there.

        Raises:
            Refusal: the signature is wrong, was used before, or its source posts too often.
        """
        claim = visitor.claim
        if claim is None:
            return
        source = self._sources[claim.source]
        signed = Signed(
            method=request.method,
            target=request.raw_path,
            headers=request.headers,
            body=body,
        )
        if not is_signed_by(claim, source.signing_keys, signed):
            raise _unsigned(_WRONG)
        self._pace(source.name, self._rate(source))
        now = self._now()
        until = claim.timestamp + self._config.signing.tolerance_seconds
        self._replays.enter(claim.source, claim.nonce, now=now, until=until)

    def withdraw(self, visitor: Visitor) -> None:
        """Let a signed request that could not be taken be sent again as it is."""
        if visitor.claim is not None:
            self._replays.leave(visitor.claim.source, visitor.claim.nonce)

    def _claimed(self, request: web.Request) -> Visitor:
        claim = read_claim(request.headers)
        if claim is None:
            raise _unsigned(_MALFORMED)
        tolerance = self._config.signing.tolerance_seconds
        off = claim.timestamp - self._now()
        if abs(off) > tolerance:
            side = "ahead" if off > 0 else "old"
            why = (
                f"its timestamp is {abs(off):.0f} s {side} and {tolerance} s are tolerated "
                "(gateway.signing.tolerance_seconds); compare the clocks"
            )
            raise _unsigned(why)
        source = self._sources.get(claim.source)
        if source is None or not source.signing_keys:
            # The same words as for a wrong signature: which names exist is nobody's business.
            raise _unsigned(_WRONG)
        return _visitor(source, claim)

    def _bearer(self, request: web.Request) -> SourceConfig | None:
        scheme, _, shown = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        given = _digest(shown.strip())
        found = None
        for token, source in self._tokens:
            # No early end: the time does not tell which of the tokens it was.
            if hmac.compare_digest(given, token):
                found = source
        return found

    def _rate(self, source: SourceConfig | None) -> Rate:
        own = source.requests_per_second if source is not None else 0.0
        burst = source.burst if source is not None else 0
        return Rate(
            per_second=own or self._config.requests_per_second, burst=burst or self._config.burst
        )

    def _pace(self, name: str, rate: Rate) -> None:
        seconds = self._rates.wait_seconds(name, rate, time.monotonic())
        if seconds:
            raise Refusal(
                Reason.RATE_LIMITED,
                f"more than {rate.per_second:g} requests a second come from {name}; "
                f"send it again in {seconds} s",
                retry_after=seconds,
            )


_MALFORMED = "one of its four headers is missing or malformed (docs/GATEWAY.md)"
_WRONG = "no key of its source made this signature of this request"
_LONG = "x" * 32  # stands in for gateway.token, whose length is its owner's affair


def _visitor(source: SourceConfig, claim: Claim | None = None) -> Visitor:
    return Visitor(name=source.name, environments=frozenset(source.environments), claim=claim)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _unsigned(why: str) -> Refusal:
    return Refusal(Reason.UNAUTHORIZED, f"the request is not validly signed: {why}")
