"""The way in: listens, bounds the connections, and ends those that keep it waiting.

It accepts by itself, so that a connection counts from its first packet on: one that dawdles over
its TLS handshake or its first head holds a place as any other, and for a named time at most.
"""

import asyncio
import contextlib
import errno
import logging
import socket
import ssl

from aiohttp import web

log = logging.getLogger(__name__)
_BACKLOG = 256
_SWEEP_SECONDS = 0.5
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Doorway:
    """Accepts connections for an aiohttp server.

    Args:
        server: makes and keeps the protocol of each connection.
        limit: most connections at a time, handshakes included; more are closed at once.
        head_seconds: longest from the first packet to the end of the first head.
        send_seconds: longest that an answer may wait to be read.
        tls: the context for TLS, or None for plain HTTP.
    """

    def __init__(
        self,
        server: web.Server,
        *,
        limit: int,
        head_seconds: float,
        send_seconds: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._limit = limit
        self._head_seconds = head_seconds
        self._send_seconds = send_seconds
        self._tls = tls
        self._listeners: list[socket.socket] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._arriving: set[asyncio.Task[None]] = set()
        self._silent: dict[object, asyncio.TimerHandle] = {}
        # Since when an answer has been waiting to be read, by connection.
        self._unread: dict[web.RequestHandler, float] = {}

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._listeners[0].getsockname()[:2]
        return str(host), int(port)

    async def open(self, host: str, port: int) -> None:
        """Begin to listen.

        Raises:
            OSError: the address is taken or not ours.
        """
        self._listeners = await _listen(host, port)
        self._tasks = [asyncio.create_task(self._accept(item)) for item in self._listeners]
        self._tasks.append(asyncio.create_task(self._sweep()))

    async def close(self) -> None:
        """Stop listening; who is in stays."""
        for task in (*self._tasks, *self._arriving):
            task.cancel()
        if self._tasks or self._arriving:
            await asyncio.wait([*self._tasks, *self._arriving])
        for listener in self._listeners:
            listener.close()

    def heard(self, request: web.BaseRequest) -> None:
        """Note that a connection sent a head; from then on the idle timeout rules its pauses."""
        timer = self._silent.pop(request.protocol, None)
        if timer is not None:
            timer.cancel()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError as error:
                await self._pause_after(error)
                continue
            if len(self._server.connections) + len(self._arriving) >= self._limit:
                connection.close()
                # Gives those that are in a turn between two that are not.
                await asyncio.sleep(0)
                continue
            task = asyncio.create_task(self._let_in(connection))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    async def _pause_after(self, error: OSError) -> None:
        if error.errno in _EXHAUSTED:
            # Nothing gets better by trying at once again; those that are in will leave.
            log.error("cannot accept a connection", extra={"reason": error.strerror})
            await asyncio.sleep(1.0)

    async def _let_in(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                self._protocol,
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=self._head_seconds if self._tls is not None else None,
            )
        except (OSError, TimeoutError) as error:
            # A handshake that failed: a scanner, a client without our authority's certificate.
            reason = getattr(error, "reason", None) or type(error).__name__
            log.debug("a connection was not made", extra={"reason": reason})

    def _protocol(self) -> web.RequestHandler:
        protocol = self._server()
        timer = asyncio.get_running_loop().call_later(
            self._head_seconds, self._end_silence, protocol
        )
        self._silent[protocol] = timer
        return protocol

    def _end_silence(self, protocol: web.RequestHandler) -> None:
        del self._silent[protocol]
        if protocol.transport is not None:
            protocol.transport.abort()

    async def _sweep(self) -> None:
        """End connections whose answers nobody reads."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = loop.time()
            self._unread = {
                protocol: self._unread.get(protocol, now)
                for protocol in self._server.connections
                if _waits_to_be_read(protocol)
            }
            for protocol, since in self._unread.items():
                if now - since > self._send_seconds and protocol.transport is not None:
                    protocol.transport.abort()


def _waits_to_be_read(protocol: web.RequestHandler) -> bool:
    # aiohttp types it as a plain transport; what it was given can write.
    transport = protocol.transport
    return isinstance(transport, asyncio.WriteTransport) and bool(
        transport.get_write_buffer_size()
    )


async def _listen(host: str, port: int) -> list[socket.socket]:
    """Open a listening socket for each address of a host."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    with contextlib.ExitStack() as stack:
        listeners = []
        for family, _kind, _protocol, _name, address in dict.fromkeys(found):
            listener = socket.create_server(address, family=family, backlog=_BACKLOG)
            stack.callback(listener.close)
            listener.setblocking(False)
            listeners.append(listener)
        stack.pop_all()
    return listeners
