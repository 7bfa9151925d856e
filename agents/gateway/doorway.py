"""The bound on connections: how many at a time, and how long a new one may say nothing."""

import asyncio

from aiohttp import web


class _Closed(asyncio.Protocol):
    """A connection too many: closed before a byte is read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class Doorway:
    """Makes the protocol of each accepted connection, for `loop.create_server`."""

    def __init__(self, server: web.Server, *, limit: int, head_seconds: float) -> None:
        self._server = server
        self._limit = limit
        self._head_seconds = head_seconds
        self._silent: dict[object, asyncio.TimerHandle] = {}

    def __call__(self) -> asyncio.BaseProtocol:
        """Let one more connection in, unless as many as allowed are there."""
        if len(self._server.connections) >= self._limit:
            return _Closed()
        protocol = self._server()
        timer = asyncio.get_running_loop().call_later(self._head_seconds, self._close, protocol)
        self._silent[protocol] = timer
        return protocol

    def heard(self, request: web.BaseRequest) -> None:
        """Note that a connection sent a head; from then on the idle timeout rules its pauses."""
        timer = self._silent.pop(request.protocol, None)
        if timer is not None:
            timer.cancel()

    def _close(self, protocol: web.RequestHandler) -> None:
        del self._silent[protocol]
        if protocol.transport is not None:
            protocol.transport.abort()
