"""The demo's cast: our own commands as real processes, started in order and stopped for certain."""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from agents.errors import RootlineError

_READY_SECONDS = 45.0
_STOP_SECONDS = 8.0
_KEPT_LINES = 15


class ChildFailedError(RootlineError):
    """A process of the demo did not start or ended by itself; says its last words."""


class Child:
    """One of our commands in a process group of its own; its log goes to a file."""

    def __init__(self, name: str, arguments: list[str], folder: Path) -> None:
        self.name = name
        self._arguments = arguments
        self._log_path = folder / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """Start it and return its ready line (JSON)."""
        # The file is handed to the child, which owns it from then on.
        with self._log_path.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "agents",
                *self._arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=dict(environment),
                start_new_session=True,
            )
        assert self._process.stdout is not None, "stdout was asked for as a pipe"
        try:
            async with asyncio.timeout(_READY_SECONDS):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line.strip():
            msg = f"the {self.name} did not get ready; its last words:\n{self.last_words()}"
            raise ChildFailedError(msg)
        ready: dict[str, Any] = orjson.loads(line)
        return ready

    def check(self) -> None:
        """Raise when it has ended by itself."""
        if self._process is not None and self._process.returncode is not None:
            msg = (
                f"the {self.name} ended with exit code {self._process.returncode}; "
                f"its last words:\n{self.last_words()}"
            )
            raise ChildFailedError(msg)

    async def stop(self) -> None:
        """End it in an orderly way, or for certain."""
        if self._process is None or self._process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    def last_words(self) -> str:
        """Return the last lines of its log."""
        if not self._log_path.is_file():
            return "(nothing)"
        text = self._log_path.read_text(errors="replace")
        return "\n".join(deque(text.splitlines(), maxlen=_KEPT_LINES)) or "(nothing)"

    def _signal(self, number: int) -> None:
        assert self._process is not None, "only a started child is signalled"
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return


async def run_command(arguments: list[str]) -> None:
    """Run one of our commands to its end.

    Raises:
        ChildFailedError: it failed; with what it said.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "agents",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        msg = f"rootline {arguments[0]} failed: {errors.decode(errors='replace').strip()}"
        raise ChildFailedError(msg)
