"""One client connection: frames in, answers out, in order; whatever is wrong ends it alone."""

import asyncio
import logging
import struct
from collections.abc import Mapping

from agents.broker.api import ApiKey, Request, decode_request, encode_response
from agents.broker.byte_budget import ByteBudget
from agents.broker.config import BrokerConfig
from agents.broker.context import Context, Respond
from agents.broker.wire import WireError

logger = logging.getLogger(__name__)

_SMALLEST_FRAME = 8  # the fixed part of a request header
# Answers that other members of a group decide about, within their time limits: up to half an hour.
_WAITS_FOR_OTHERS = frozenset({ApiKey.JOIN_GROUP, ApiKey.SYNC_GROUP})
_LOOK_FOR_CLIENT_SECONDS = 1.0


class Connection:
    """Reads one client's requests and answers each before it reads the next."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        responders: Mapping[ApiKey, Respond],
        budget: ByteBudget,
        config: BrokerConfig,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._responders = responders
        self._budget = budget
        self._config = config
        self._client_host = str(writer.get_extra_info("peername")[0])
        self._local = writer.get_extra_info("sockname")

    async def serve(self) -> None:
        """Answer requests until the client goes, falls silent or sends what is no request."""
        try:
            while True:
                await self._serve_one()
        except asyncio.IncompleteReadError:
            pass  # the client has gone; half a frame with it changes nothing
        except WireError as error:
            logger.warning("closing the connection from %s: %s", self._client_host, error)
        except (TimeoutError, OSError) as error:
            logger.info("lost the connection from %s: %s", self._client_host, error or "silence")
        finally:
            self._writer.close()

    async def _serve_one(self) -> None:
        async with asyncio.timeout(self._config.idle_timeout_ms / 1000):
            prefix = await self._reader.readexactly(4)
        (size,) = struct.unpack(">i", prefix)
        if not _SMALLEST_FRAME <= size <= self._config.max_request_bytes:
            msg = f"a request of {size} bytes; expected at most {self._config.max_request_bytes}"
            raise WireError(msg)
        async with self._budget.hold(size):
            async with asyncio.timeout(self._config.io_timeout_ms / 1000):
                frame = await self._reader.readexactly(size)
            request = decode_request(frame)
            del frame
            if request.key is ApiKey.PRODUCE:
                # Its bytes are in the log when this returns, so the budget covers all of its life.
                answer = await self._answer(request)
        if request.key is not ApiKey.PRODUCE:
            # The others are small and may wait long: they must not keep the budget meanwhile.
            if request.key in _WAITS_FOR_OTHERS:
                answer = await self._answer_while_client_stays(request)
            else:
                answer = await self._answer(request)
        if answer:
            await self._send(answer)

    async def _answer_while_client_stays(self, request: Request) -> list[bytes]:
        """Answer, unless the client goes first: its connection would be held for nobody."""
        answering = asyncio.ensure_future(self._answer(request))
        try:
            while not (await asyncio.wait({answering}, timeout=_LOOK_FOR_CLIENT_SECONDS))[0]:
                if self._reader.at_eof():
                    msg = "the client went before it was answered"
                    raise ConnectionResetError(msg)
        finally:
            answering.cancel()
        return answering.result()

    async def _answer(self, request: Request) -> list[bytes]:
        context = Context(
            version=request.version,
            client_id=request.client_id,
            client_host=self._client_host,
            host=str(self._local[0]),
            port=int(self._local[1]),
        )
        response = await self._responders[request.key](request.body, context)
        return [] if response is None else encode_response(request, response)

    async def _send(self, pieces: list[bytes]) -> None:
        with self._budget.charge(sum(map(len, pieces))):
            self._writer.writelines(pieces)
            async with asyncio.timeout(self._config.io_timeout_ms / 1000):
                await self._writer.drain()
