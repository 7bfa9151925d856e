"""A bound on the bytes that all connections together hold in memory."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class ByteBudget:
    """Bytes in flight; whoever would exceed the limit waits, first come first served.

    A request takes its whole size before its body is read, so one that has begun always ends. One
    that is alone is let in whatever its size, so nothing waits for ever.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def used(self) -> int:
        """Bytes held now."""
        return self._used

    @asynccontextmanager
    async def hold(self, size: int) -> AsyncIterator[None]:
        """Wait until `size` bytes fit, and count them until the block ends."""
        await self._acquire(size)
        try:
            yield
        finally:
            self._release(size)

    @contextmanager
    def charge(self, size: int) -> Iterator[None]:
        """Count bytes that are in memory already until the block ends, even above the limit."""
        self._used += size
        try:
            yield
        finally:
            self._release(size)

    async def wait_for_room(self) -> None:
        """Wait until the limit is not reached, without taking anything."""
        async with self.hold(0):
            pass

    def _fits(self, size: int) -> bool:
        return self._used == 0 or (self._used < self._limit and self._used + size <= self._limit)

    async def _acquire(self, size: int) -> None:
        if not self._waiting and self._fits(size):
            self._used += size
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release(size)
            else:
                self._waiting.remove((size, turn))
                self._admit()
            raise

    def _release(self, size: int) -> None:
        self._used -= size
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            size, turn = self._waiting.popleft()
            if not turn.done():
                self._used += size
                turn.set_result(None)
