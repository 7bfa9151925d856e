"""A TCP proxy before a broker that can stop forwarding: unreachable, and no connection breaks.

The embedded broker tells clients the address that it was reached at, so the proxy puts its own in
that place: both are loopback addresses of the same length with the same port.
"""

import asyncio
import contextlib

PROXY_HOST, BROKER_HOST = "127.0.0.1", "127.0.0.2"
_PIECE = 1 << 16


class Proxy:
    """Forwards connections on PROXY_HOST to BROKER_HOST; an async context manager."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open = asyncio.Event()
        self._open.set()
        self._pipes: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Where to connect instead of to the broker."""
        return f"{PROXY_HOST}:{self._port}"

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._serve, PROXY_HOST, self._port)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._server.close()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def cut(self) -> None:
        """Stop forwarding, in both directions and for new connections too."""
        self._open.clear()

    def mend(self) -> None:
        """Forward again, beginning with what was held."""
        self._open.set()

    async def _serve(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pipes.add(task)
        try:
            await self._open.wait()
            broker, forth = await asyncio.open_connection(BROKER_HOST, self._port)
            try:
                there = asyncio.create_task(self._pipe(client, forth))
                here = asyncio.create_task(self._pipe(broker, back, rewrite=True))
                try:
                    await asyncio.wait((there, here), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    there.cancel()
                    here.cancel()
            finally:
                forth.close()
        except (OSError, asyncio.CancelledError):
            pass  # the broker or the run is at an end: the client sees its connection closed
        finally:
            back.close()
            self._pipes.discard(task)

    async def _pipe(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, rewrite: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await source.read(_PIECE):
                await self._open.wait()
                if rewrite:
                    piece = piece.replace(BROKER_HOST.encode(), PROXY_HOST.encode())
                target.write(piece)
                await target.drain()
