"""Runs a worker until it is told to stop, crashes or has to be started anew; says how that ended.

The first SIGTERM or SIGINT ends it in an orderly way: all consumers stop reading at once, finish
what they have in hand, save, commit and leave their groups. A second one, or the time limit, ends
it hard; the next start then handles again what was not saved.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable

from agents.telemetry import ProcessMetrics, Telemetry
from agents.watchdog import Ending, Watchdog, Watched, end_at_once
from agents.watchdog_config import WatchdogConfig
from agents.worker.app import WorkerApp
from agents.worker.config import WorkerConfig

_log = logging.getLogger("worker")
_LOOK_SECONDS = 0.05
# Each stage gets shutdown_seconds to save; the application some more to take itself apart.
_GRACE_SECONDS = 5.0
STOPPED, CRASHED = 0, 1


async def serve(
    app: WorkerApp,
    config: WorkerConfig,
    announce: Callable[[WorkerApp], None],
    *,
    watchdog: WatchdogConfig | None = None,
    metrics: ProcessMetrics | None = None,
) -> int:
    """Run an application; return the exit status.

    Args:
        app: what to run.
        config: the limits of an orderly stop.
        announce: called once, when every consumer is assigned.
        watchdog: what the process watches in itself; the defaults unless given.
        metrics: where the watchdog writes what it sees.
    """
    serving = _Serving(app, config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving.signalled, signal.Signals(number).name)
    watching = _watch(serving, watchdog or WatchdogConfig(), metrics or Telemetry().process)
    try:
        return await serving.run(announce)
    finally:
        if watching is not None:
            watching.stop()


def _watch(
    serving: "_Serving", config: WatchdogConfig, metrics: ProcessMetrics
) -> Watchdog | None:
    if not config.enabled:
        return None
    watched = Watched(
        problem=serving.problem,
        end=serving.end,
        end_seconds=serving.limit_seconds + _GRACE_SECONDS,
        left=serving.left,
    )
    watching = Watchdog(config, metrics, watched)
    watching.start()
    return watching


class _Serving:
    """One run of an application."""

    def __init__(self, app: WorkerApp, config: WorkerConfig) -> None:
        self._app = app
        self._config = config
        self._stop = asyncio.Event()
        self._ending: Ending | None = None
        self.limit_seconds = config.shutdown_seconds + _GRACE_SECONDS

    async def run(self, announce: Callable[[WorkerApp], None]) -> int:
        app = self._app
        await app.start()
        announcing = asyncio.create_task(_announce(app, announce))
        await app.wait(self._stop.wait())
        crashed = app.crashed
        announcing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await announcing
        if crashed:
            _log.error("the worker has crashed", extra={"reason": repr(app.crash_reason)})
            self._ending = Ending(status=CRASHED, reason="it has crashed")
        ending = self._ending or Ending(status=STOPPED, reason="")
        await self._take_down(ending)
        _log.info("stopped", extra={"exit_status": ending.status})
        return ending.status

    def signalled(self, name: str) -> None:
        """End in an orderly way; on the second signal at once."""
        if self._stop.is_set():
            end_at_once(CRASHED, f"{name} came a second time", self.left())
        self.end(Ending(status=STOPPED, reason=f"{name} came"))

    def end(self, ending: Ending) -> None:
        """Begin an orderly end."""
        if self._stop.is_set():
            return
        level = logging.INFO if ending.status == STOPPED else logging.CRITICAL
        limit = {"limit_seconds": self.limit_seconds, "exit_status": ending.status}
        _log.log(level, "stopping: %s", ending.reason, extra=limit)
        self._ending = ending
        for consumer in self._app.kept:
            consumer.wind_down()
        self._stop.set()

    def problem(self) -> str | None:
        """Say which consumer is stuck, if one is."""
        for status in self._app.statuses():
            if (reason := status.stuck) is not None:
                return f"{status.name}: {reason}"
        return None

    def left(self) -> str:
        """Say what a hard end leaves for the next start."""
        try:
            statuses = self._app.statuses()
        except RuntimeError:  # asked from a thread while the loop changes it
            return "unknown"
        return "; ".join(
            f"{status.name} ({status.phase}): {status.unsaved} records handled and not saved, "
            f"{sum(status.lag.values())} not handled"
            for status in statuses
        )

    async def _take_down(self, ending: Ending) -> None:
        status = ending.status or CRASHED
        try:
            async with asyncio.timeout(self.limit_seconds):
                await self._app.stop()
        except TimeoutError:
            end_at_once(status, self._overdue(), self.left())
        if any(consumer.overran for consumer in self._app.kept):
            end_at_once(status, self._overdue(), self.left())

    def _overdue(self) -> str:
        return (
            f"it did not stop within {self._config.shutdown_seconds} s (worker.shutdown_seconds)"
        )


async def _announce(app: WorkerApp, announce: Callable[[WorkerApp], None]) -> None:
    while not app.assigned:
        await asyncio.sleep(_LOOK_SECONDS)
    announce(app)
