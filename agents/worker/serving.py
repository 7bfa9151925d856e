"""Runs a worker until it is told to stop or crashes, and says how that ended."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable
from typing import NoReturn

from agents.worker.app import WorkerApp
from agents.worker.config import WorkerConfig

_log = logging.getLogger("worker")
_LOOK_SECONDS = 0.05
# Each stage gets shutdown_seconds to save; the application some more to take itself apart.
_GRACE_SECONDS = 5.0
STOPPED, CRASHED = 0, 1


async def serve(
    app: WorkerApp, config: WorkerConfig, announce: Callable[[WorkerApp], None]
) -> int:
    """Run an application; return the exit code.

    Args:
        app: what to run.
        config: the limits of an orderly stop.
        announce: called once, when every consumer is ready.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await app.start()
    announcing = asyncio.create_task(_announce(app, announce))
    await app.wait(stop.wait())
    crashed = app.crashed
    announcing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await announcing
    if crashed:
        _log.error("the worker has crashed", extra={"reason": repr(app.crash_reason)})
    await _stop(app, config)
    return CRASHED if crashed else STOPPED


async def _announce(app: WorkerApp, announce: Callable[[WorkerApp], None]) -> None:
    while not app.ready:
        await asyncio.sleep(_LOOK_SECONDS)
    announce(app)


async def _stop(app: WorkerApp, config: WorkerConfig) -> None:
    try:
        async with asyncio.timeout(config.shutdown_seconds + _GRACE_SECONDS):
            await app.stop()
    except TimeoutError:
        _end_at_once()
    if any(consumer.overran for consumer in app.durable):
        _end_at_once()


def _end_at_once() -> NoReturn:
    """End the process without waiting for its threads: one that hangs would hold it for ever."""
    _log.critical("the worker did not stop in time and ends at once; the next start replays")
    logging.shutdown()
    os._exit(CRASHED)
