"""A receiver on a raw socket that fails as real ones do, until it is told to work."""

import asyncio
import re
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable

_KEY = re.compile(rb"\r\nIdempotency-Key: ([^\r]+)\r\n", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\nContent-Length: ([0-9]+)\r\n", re.IGNORECASE)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def says(answer: bytes) -> Answer:
    """Answer with these bytes and close, wherever in an answer they end."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return write


class Dawdles:
    """Take the message, and say so long after anybody waits for it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self._seconds)
        writer.write(OK)


async def resets(writer: asyncio.StreamWriter) -> None:
    """Break the connection instead of closing it."""
    writer.transport.abort()


class FaultyReceiver:
    """Reads whole requests, answers them as the fault wants, and remembers what it saw.

    `seen` counts whole requests by their idempotency key and holds every body of each; `taken` is
    what was answered with a whole 200 head, in order. `shown` is what a receiver shows that
    honours the key: the first of each, even where its answer got lost.
    """

    def __init__(self, fault: Answer | None, *, reads: bool = True) -> None:
        self.fault = fault
        self.reads = reads
        self.seen: Counter[str] = Counter()
        self.bodies: dict[str, set[bytes]] = {}
        self.shown: list[str] = []
        self.taken: list[str] = []
        self.requests = 0
        self.last_taken = 0.0
        self.changed = asyncio.Event()
        self.port = 0
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/T00/B00/a-secret-of-this-webhook"

    def reserve(self) -> None:
        """Take a port and do not listen: connections are refused, and nobody else gets it."""
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    async def start(self) -> None:
        """Listen."""
        if self._socket is None:
            self.reserve()
        self._server = await asyncio.start_server(self._serve, sock=self._socket)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = self._socket = None

    async def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self.requests += 1
            self.changed.set()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault is not None and not self.reads:
            return
        head = await reader.readuntil(b"\r\n\r\n")
        key, length = _KEY.search(head), _LENGTH.search(head)
        assert key is not None
        assert length is not None
        body = await reader.readexactly(int(length[1]))
        self._note(key[1].decode(), body)
        if self.fault is not None:
            await self.fault(writer)
            return
        self.taken.append(key[1].decode())
        self.last_taken = time.monotonic()
        writer.write(OK)

    def _note(self, key: str, body: bytes) -> None:
        if key not in self.seen:
            self.shown.append(key)
        self.seen[key] += 1
        self.bodies.setdefault(key, set()).add(body)
