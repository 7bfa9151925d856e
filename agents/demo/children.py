"""The demo's processes: started in groups of their own, watched, and stopped without a rest.

Each writes its log into the demo's folder. One that ends by itself ends the demo, with the last
lines of its log.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson

from agents.errors import RootlineError

_READY_SECONDS = 45.0
_STOP_SECONDS = 12.0
_SHOWN_LINES = 12
_SHOWN_CHARS = 400
_LINE_BYTES = 1 << 20
_NOTICE_SECONDS = 0.5

T = TypeVar("T")


class ChildDiedError(RootlineError):
    """A process ended that should not have; the message has the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One running process."""

    name: str
    process: asyncio.subprocess.Process
    log: Path
    may_end: bool = False

    async def lines(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the JSON objects that it writes, one a line, until it ends."""
        assert self.process.stdout is not None, "stdout is a pipe"
        while line := await self.process.stdout.readline():
            yield orjson.loads(line)

    async def ready(self) -> dict[str, Any]:
        """Return its first line, by which our commands say that they are ready.

        Raises:
            ChildDiedError: it ends before that, or takes too long.
        """
        try:
            async with asyncio.timeout(_READY_SECONDS):
                async for line in self.lines():
                    return line
        except TimeoutError:
            msg = f"was not ready within {_READY_SECONDS:.0f} s"
            raise self.death(msg) from None
        await self.process.wait()
        msg = f"ended with code {self.process.returncode} before it was ready"
        raise self.death(msg)

    def tell(self, **fields: Any) -> None:
        """Write one JSON object to its stdin."""
        assert self.process.stdin is not None, "stdin is a pipe"
        self.process.stdin.write(orjson.dumps(fields) + b"\n")

    def death(self, what: str) -> ChildDiedError:
        """Say what has happened to it, with the end of its log."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        shown = [_printable(line) for line in text.splitlines()[-_SHOWN_LINES:]]
        log = "; the end of its log:\n  " + "\n  ".join(shown) if shown else ""
        return ChildDiedError(f"the {self.name} {what}{log}")


class Children:
    """All processes of a demo; an async context manager that stops them."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        # What configures the user's own Rootline must not configure the demo's.
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ROOTLINE_")}
        self._environ = clean | dict(environ)
        self._running: list[Child] = []
        self._watches: list[asyncio.Task[None]] = []
        self._died = asyncio.Event()
        self._dead: Child | None = None

    async def __aenter__(self) -> "Children":
        return self

    async def __aexit__(self, *_exception: object) -> None:
        try:
            await self.stop()
        except asyncio.CancelledError:
            # Who asks a second time does not want to wait.
            for child in self._running:
                _signal(child, signal.SIGKILL)
            raise

    async def start(
        self, name: str, module: str, arguments: Sequence[str], *, may_end: bool = False
    ) -> Child:
        """Start `python -m module arguments`; with `may_end` it may be done before the others."""
        log = self._folder / f"{name}.log"
        with log.open("wb") as stream:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                *arguments,
                cwd=self._folder,
                env=self._environ,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stream,
                limit=_LINE_BYTES,
                # Ctrl-C reaches us alone, and we end the others in their order.
                start_new_session=True,
            )
        child = Child(name=name, process=process, log=log, may_end=may_end)
        self._running.append(child)
        self._watches.append(asyncio.create_task(self._watch(child)))
        return child

    async def rootline(self, command: str, *arguments: str) -> Child:
        """Start one of our own commands; it says with a line of JSON when it is ready."""
        return await self.start(command, "agents", [command, *arguments, "--json"])

    async def guard(self, work: Coroutine[Any, Any, T]) -> T:
        """Await some work, for as long as no process ends by itself.

        Raises:
            ChildDiedError: one did; the work is cancelled, or has failed because of it.
        """
        task = asyncio.create_task(work)
        death = asyncio.create_task(self._died.wait())
        try:
            await asyncio.wait((task, death), return_when=asyncio.FIRST_COMPLETED)
            if task.done() and not task.cancelled() and task.exception() is not None:
                # Work that fails because of a death may notice it first.
                await asyncio.wait((death,), timeout=_NOTICE_SECONDS)
            if self._dead is not None:
                msg = f"ended with code {self._dead.process.returncode}"
                raise self._dead.death(msg)
            return await task
        finally:
            await cancelled((task, death))

    async def _watch(self, child: Child) -> None:
        code = await child.process.wait()
        if self._dead is None and not (code == 0 and child.may_end):
            self._dead = child
            self._died.set()

    async def stop(self) -> None:
        """Stop all, the last started first; who does not go is killed with all it started."""
        await cancelled(self._watches)
        for child in reversed(self._running):
            _signal(child, signal.SIGTERM)
            # What a later one still has to save, an earlier one has to take.
            if child.name != self._running[0].name:
                await _ended(child)
        if self._running:
            await _ended(self._running[0])
        self._running.clear()


async def cancelled(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel tasks and wait until they have ended, whatever they ended with."""
    waited = list(tasks)
    for task in waited:
        task.cancel()
    await asyncio.gather(*waited, return_exceptions=True)


async def _ended(child: Child) -> None:
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await child.process.communicate()
    except TimeoutError:
        _signal(child, signal.SIGKILL)
        await child.process.communicate()


def _signal(child: Child, number: int) -> None:
    if child.process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.process.pid, number)


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in line)[:_SHOWN_CHARS]
