"""The clock, and waiting for an event: the two things about time that the notifier needs."""

import asyncio
import time


def wall_ms() -> int:
    """Return the time as epoch milliseconds."""
    return time.time_ns() // 1_000_000


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait until an event is set, for so long at most."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
