"""One request from its head to Kafka's acknowledgement: who, read, check, produce, answer."""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import hdrs, web

from agents.gateway.admission import Admission, Lease
from agents.gateway.answers import JSON, PROTOBUF, accepted_answer, otlp_answer
from agents.gateway.body import decompress, read_body
from agents.gateway.checks import Verdict
from agents.gateway.config import GatewayConfig
from agents.gateway.gatekeeper import Gatekeeper, Visitor
from agents.gateway.intake import Intake
from agents.gateway.message import RECEIVED_HEADER, Headers, Letter, Message, record_headers
from agents.gateway.outlet import Outlet
from agents.gateway.refusal import Reason, Refusal
from agents.gateway.territory import check_territory
from agents.telemetry import GatewayMetrics
from agents.worker.dead_letter import Complaint, DeadLetters, Rejection
from schemas.codecs.limits import CodecLimits
from schemas.errors import SchemaError
from schemas.resolve import Resolver

log = logging.getLogger(__name__)
# Decoding more than this takes milliseconds, during which nobody else would be answered.
_THREAD_BYTES = 64 * 1024


class _Arrival(NamedTuple):
    """A body with what belongs to it."""

    intake: Intake
    visitor: Visitor
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """What every request passes through, whatever it brings."""

    config: GatewayConfig
    limits: CodecLimits
    admission: Admission
    gatekeeper: Gatekeeper
    resolver: Resolver
    outlet: Outlet
    letters: DeadLetters
    metrics: GatewayMetrics

    async def take(self, request: web.Request, intake: Intake) -> web.Response:
        """Bring a request's body to Kafka and answer when it is acknowledged there.

        Raises:
            Refusal: it is no good, or cannot be taken now.
        """
        visitor = self.gatekeeper.greet(request)
        media_type = media_type_of(request, intake)
        received_ms = time.time_ns() // 1_000_000
        headers = record_headers(request.headers, media_type, received_ms, visitor.name)
        with self.admission.enter() as lease:
            raw = await self._read(request, intake, lease)
            self.gatekeeper.prove(visitor, request, raw)
            try:
                body = self._unpacked(request, raw, lease)
                arrival = _Arrival(intake, visitor, headers, body)
                accepted = await self._bring(arrival, lease)
            except Refusal as refusal:
                if refusal.status >= 500:
                    self.gatekeeper.withdraw(visitor)
                raise
        self.metrics.accepted.labels(visitor.name or "anonymous", intake.name).inc()
        return otlp_answer(media_type) if intake.is_otlp else accepted_answer(accepted)

    async def _read(self, request: web.Request, intake: Intake, lease: Lease) -> bytes:
        raw = await read_body(request, self.config, lease)
        self.metrics.body_bytes.labels(intake.name).inc(len(raw))
        return raw

    def _unpacked(self, request: web.Request, raw: bytes, lease: Lease) -> bytes:
        encoding = request.headers.get(hdrs.CONTENT_ENCODING, "")
        body = decompress(raw, encoding, self.config.max_body_bytes)
        if body is not raw:
            lease.take(len(body))
            lease.shrink(len(raw))
        return body

    async def _bring(self, arrival: _Arrival, lease: Lease) -> int:
        intake, visitor, headers, body = arrival
        try:
            verdict = await checked(intake, body, headers, self.limits)
        except SchemaError as error:
            if intake.dead_letters:
                await self._keep(arrival, str(error), lease)
            raise Refusal(Reason.MALFORMED, str(error)) from error
        check_territory(visitor, verdict.origins, self.resolver)
        if verdict.accepted:
            message = Message(topic=intake.topic, key=verdict.key, value=body, headers=headers)
            await self.outlet.deliver(message, lease)
        return verdict.accepted

    async def _keep(self, arrival: _Arrival, reason: str, lease: Lease) -> None:
        """Keep a body that is no good on the dead-letter topic; without that it would be lost."""
        headers = arrival.headers
        record = Letter(
            topic=arrival.intake.topic,
            timestamp=int(dict(headers)[RECEIVED_HEADER]),
            value=arrival.body,
            headers=headers,
        )
        complaint = Complaint(rejection=Rejection.UNDECODABLE, reason=reason, stage="gateway")
        letter = self.letters.letter(record, complaint)
        message = Message(
            topic=letter.topic,
            key=letter.key,
            value=letter.value or b"",
            headers=letter.headers,
        )
        await self.outlet.deliver(message, lease)


async def checked(intake: Intake, body: bytes, headers: Headers, limits: CodecLimits) -> Verdict:
    """Check a body, a large one beside the event loop.

    A codec that fails in a way it should not costs the check and not the message: the worker has
    the same codec and keeps what it cannot decode on the dead-letter topic.

    Raises:
        SchemaError: the body is no good.
    """
    try:
        if len(body) > _THREAD_BYTES:
            return await asyncio.to_thread(intake.check, body, headers, limits)
        return intake.check(body, headers, limits)
    except SchemaError:
        raise
    except Exception:
        log.exception(
            "a codec has a bug; the body is passed on unchecked", extra={"to": intake.topic}
        )
        return Verdict(1, origins=None)


def media_type_of(request: web.Request, intake: Intake) -> str:
    """The media type of a body, without parameters; JSON where an alert sender names none.

    Raises:
        Refusal: it is none that this path takes.
    """
    if hdrs.CONTENT_TYPE not in request.headers and not intake.is_otlp:
        return JSON
    found = request.content_type.lower()
    if found == "application/protobuf" and intake.is_otlp:
        return PROTOBUF
    if found not in intake.media_types:
        raise Refusal(
            Reason.UNSUPPORTED,
            f"Content-Type is {found!r}; expected {' or '.join(intake.media_types)}",
        )
    return found
