"""Real processes for a test: started on free ports, stopped at its end, logs shown if it fails."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer

_READY_SECONDS = 60.0
_STOP_SECONDS = 30.0
_SHOWN_LINES = 40
_SHOWN_CHARS = 600


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class _Running:
    name: str
    process: asyncio.subprocess.Process
    log: Path


class Processes:
    """Everything that one test starts; an async context manager.

    What a process writes goes into a log in `folder`; the ends of all logs are added to the
    exception that leaves the context.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[_Running] = []

    async def __aenter__(self) -> "Processes":
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        try:
            for each in reversed(self._running):
                await _stop(each)
        finally:
            if error is not None:
                error.add_note(self.logs())

    async def rootline(self, command: str, *arguments: str, **settings: object) -> dict[str, Any]:
        """Start one of our commands with `--json` and return its ready line.

        Args:
            command: the subcommand.
            arguments: more of its command line.
            settings: ROOTLINE_* variables without the prefix.
        """
        environ = {f"ROOTLINE_{name}": str(value) for name, value in settings.items()}
        argv = [sys.executable, "-m", "agents", command, *arguments, "--json"]
        each = await self._start(command, argv, environ, stdout=asyncio.subprocess.PIPE)
        assert each.process.stdout is not None
        try:
            async with asyncio.timeout(_READY_SECONDS):
                line = await each.process.stdout.readline()
        except TimeoutError:
            msg = f"rootline {command} was not ready within {_READY_SECONDS} s"
            raise AssertionError(msg) from None
        assert line, f"rootline {command} ended before it was ready"
        ready: dict[str, Any] = orjson.loads(line)
        return ready

    async def program(self, name: str, argv: Sequence[str]) -> None:
        """Start a program of somebody else's."""
        await self._start(name, argv, {}, stdout=None)

    def stop(self, name: str, number: int = signal.SIGTERM) -> None:
        """Send a signal to a process by its name."""
        for each in self._running:
            if each.name == name:
                each.process.send_signal(number)

    def logs(self) -> str:
        """The ends of all logs."""
        parts = []
        for each in self._running:
            text = each.log.read_text(encoding="utf-8", errors="replace")
            code = each.process.returncode
            parts.append(f"--- {each.name} (exit code {code}), end of its log:")
            parts += [line[:_SHOWN_CHARS] for line in text.splitlines()[-_SHOWN_LINES:]]
        return "\n".join(parts)

    async def _start(
        self, name: str, argv: Sequence[str], environ: dict[str, str], *, stdout: int | None
    ) -> _Running:
        log = self._folder / f"{len(self._running)}-{name}.log"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ROOTLINE_")}
        root = str(Path(__file__).parents[2])
        with log.open("wb") as stream:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=self._folder,
                env=clean | {"PYTHONPATH": root} | environ,
                stdout=stream if stdout is None else stdout,
                stderr=stream,
            )
        each = _Running(name, process, log)
        self._running.append(each)
        return each


async def _stop(each: _Running) -> None:
    if each.process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        each.process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await each.process.communicate()
    except TimeoutError:
        each.process.kill()
        await each.process.communicate()
        msg = f"{each.name} did not stop within {_STOP_SECONDS} s and was killed"
        raise AssertionError(msg) from None


class Reader:
    """Reads a topic from its beginning and keeps what it has read."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.records: list[Any] = []
        self._topic = topic
        self._consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )

    async def __aenter__(self) -> "Reader":
        await self._consumer.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._consumer.stop()

    async def first(self, fits: Callable[[dict[str, Any]], bool], timeout: float) -> Any:
        """Return the first record whose JSON value fits, read already or within `timeout` s."""
        seen = 0
        try:
            async with asyncio.timeout(timeout):
                while True:
                    for record in self.records[seen:]:
                        if fits(orjson.loads(record.value)):
                            return record
                    seen = len(self.records)
                    for batch in (await self._consumer.getmany(timeout_ms=500)).values():
                        self.records += batch
        except TimeoutError:
            shown = [record.value[:300] for record in self.records[-5:]]
            msg = f"nothing fits on {self._topic} within {timeout} s; the last of it: {shown}"
            raise AssertionError(msg) from None
