"""Ends a process that does not work any more, so that its supervisor starts it anew.

A thread of its own asks the event loop for an answer every second. A loop that hangs is ended at
once; stuck consumers and too much memory are reasons for an orderly end, which has a time limit.
Nothing is lost by either: what was not saved is handled again by the next start.
"""

import asyncio
import contextlib
import faulthandler
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from agents.telemetry import ProcessMetrics
from agents.watchdog_config import WatchdogConfig

_log = logging.getLogger("watchdog")
_LOOK_SECONDS = 1.0
# A look that comes this late says that the whole process was frozen, not its event loop.
_FROZEN_SECONDS = 5.0
# Where not even this thread gets to run (an extension that never lets go of the interpreter).
_LAST_RESORT = 4
_WRITE_SECONDS = 2.0
_STDERR = 2
STUCK, MEMORY = 70, 75
"""Exit statuses, as in sysexits.h: an internal fault; try again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Why a process is to end, and with which status."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a watchdog watches.

    Attributes:
        problem: says, on the event loop, why a restart would help; None while it would not.
        end: begins an orderly end, on the event loop.
        end_seconds: how long that may take.
        left: says what a hard end leaves undone.
    """

    problem: Callable[[], str | None]
    end: Callable[[Ending], None]
    end_seconds: float
    left: Callable[[], str]


class Watchdog:
    """Watches one event loop from a thread, between `start` and `stop`."""

    def __init__(self, config: WatchdogConfig, metrics: ProcessMetrics, watched: Watched) -> None:
        self._config = config
        self._metrics = metrics
        self._watched = watched
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        self._asked = self._answered = time.monotonic()
        self._problem: str | None = None
        self._troubled_since: float | None = None
        self._ends_at: float | None = None
        metrics.memory_limit.set(config.memory_bytes)

    def start(self) -> None:
        """Begin to watch the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._asked = self._answered = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        self._thread.join(_LOOK_SECONDS)
        faulthandler.cancel_dump_traceback_later()

    def _run(self) -> None:
        looked = time.monotonic()
        while not self._stopped.wait(_LOOK_SECONDS):
            self._arm_last_resort()
            now = time.monotonic()
            if now - looked > _LOOK_SECONDS + _FROZEN_SECONDS:
                _log.warning("the process was frozen", extra={"seconds": round(now - looked, 1)})
                self._asked = self._answered = now
                self._troubled_since = None
            looked = now
            self._look(now)

    def _look(self, now: float) -> None:
        self._check_loop(now)
        if self._ends_at is not None:
            if now > self._ends_at:
                end_at_once(STUCK, "the orderly end took too long", self._watched.left())
            return
        self._check_memory(now)
        self._check_consumers(now)

    def _check_loop(self, now: float) -> None:
        waiting = now - self._asked if self._answered < self._asked else 0.0
        self._metrics.loop_delay.set(max(waiting, self._answered - self._asked))
        if waiting > self._config.stall_seconds:
            end_at_once(
                STUCK,
                f"the event loop has not answered for {waiting:.0f} s (watchdog.stall_seconds)",
                self._watched.left(),
            )
        if waiting == 0.0:
            self._asked = now
            assert self._loop is not None, "start() was called"
            with contextlib.suppress(RuntimeError):  # closed: the process ends anyway
                self._loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        self._problem = self._watched.problem()
        self._answered = time.monotonic()

    def _check_consumers(self, now: float) -> None:
        if self._problem is None:
            self._troubled_since = None
            return
        since = self._troubled_since = self._troubled_since or now
        if now - since >= self._config.stuck_seconds:
            self._end(now, Ending(status=STUCK, reason=f"a consumer is stuck: {self._problem}"))

    def _check_memory(self, now: float) -> None:
        limit = self._config.memory_bytes
        used = resident_bytes() if limit else 0
        if used > limit:
            reason = (
                f"{used} bytes of memory are in use, more than the {limit} that "
                "watchdog.memory_bytes allows; what is handled is saved, and a new start goes on"
            )
            self._end(now, Ending(status=MEMORY, reason=reason))

    def _end(self, now: float, ending: Ending) -> None:
        self._ends_at = now + self._watched.end_seconds
        assert self._loop is not None, "start() was called"
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._watched.end, ending)

    def _arm_last_resort(self) -> None:
        with contextlib.suppress(ValueError, OSError, RuntimeError):
            faulthandler.dump_traceback_later(
                self._config.stall_seconds * _LAST_RESORT, exit=True, file=_STDERR
            )


def resident_bytes() -> int:
    """Return the process' resident memory, 0 where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGESIZE")


def end_at_once(status: int, reason: str, left: str) -> NoReturn:
    """End the process without waiting for its threads: one that hangs would hold it for ever."""
    # Somebody may hold the log's lock, or read nothing of it: that must not keep us either.
    last = threading.Timer(_WRITE_SECONDS, os._exit, (status,))
    last.daemon = True
    last.start()
    with contextlib.suppress(Exception):
        _log.critical(
            "the process ends at once: %s", reason, extra={"left": left, "exit_status": status}
        )
        logging.shutdown()
    with contextlib.suppress(Exception):
        faulthandler.dump_traceback(file=_STDERR)
    os._exit(status)
