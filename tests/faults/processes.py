"""The harness' end of its processes: started warm by the nursery, or cold by themselves.

Whatever happens to the harness, nothing that it started outlives it: the nursery kills its
children when its stdin ends, and a cold process is killed by `close`.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_PATIENCE_SECONDS = 60.0
# Arithmetic on more threads than cores only makes runs slower; and a fork keeps no threads.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


class Process:
    """One process under test; `ready` and `ended` are awaited, signals are sent at once."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self.pid = 0
        self.row: Mapping[str, Any] = {}
        self._started = asyncio.Event()
        self._ready = asyncio.Event()
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def tell(self, row: Mapping[str, Any]) -> None:
        """Take note of a line about this process."""
        if "started" in row:
            self.pid = row["started"]
            self._started.set()
        elif "ready" in row:
            self.row = row
            self._ready.set()
        elif "ended" in row and not self._ended.done():
            self._ended.set_result(row["code"])

    @property
    def is_running(self) -> bool:
        return not self._ended.done()

    async def started(self) -> None:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self._started.wait()

    async def ready(self) -> None:
        """Wait until it says so.

        Raises:
            RuntimeError: it ended before; with the end of its log.
        """
        ready = asyncio.create_task(self._ready.wait())
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await asyncio.wait((ready, self._ended), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            msg = f"{self.name} was not ready in {_PATIENCE_SECONDS} s: {self.tail()}"
            raise RuntimeError(msg) from None
        finally:
            ready.cancel()
        if not self._ready.is_set():
            msg = f"{self.name} ended with {self._ended.result()}: {self.tail()}"
            raise RuntimeError(msg)

    async def ended(self, seconds: float = _PATIENCE_SECONDS) -> int:
        """Wait for its end; return the exit code, negative for a signal."""
        async with asyncio.timeout(seconds):
            return await asyncio.shield(self._ended)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it is gone."""
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def kill(self) -> None:
        """Kill it with -9 and wait until it is gone."""
        self.send(signal.SIGKILL)
        await self.ended()

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-2_000:] if self.log.exists() else ""


class Nursery:
    """Forks warm processes; an async context manager that leaves none behind."""

    def __init__(self) -> None:
        self._numbered: dict[int, Process] = {}
        self._by_pid: dict[int, Process] = {}
        self._early: dict[int, list[Mapping[str, Any]]] = {}
        self._cold: list[asyncio.subprocess.Process] = []
        self._watches: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Nursery":
        self._server = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.nursery",
            cwd=ROOT,
            env=_environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._watches.append(asyncio.create_task(self._listen(self._server)))
        return self

    async def __aexit__(self, *_exception: object) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        for process in self._cold:
            if process.returncode is None:
                process.kill()
        for process in (self._server, *self._cold):
            await process.wait()
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)

    async def start(self, name: str, order: Mapping[str, Any], log: Path) -> Process:
        """Fork a process; it is started when this returns, but need not be ready."""
        process = Process(name, log)
        number = len(self._numbered)
        self._numbered[number] = process
        line = json.dumps(dict(order) | {"number": number, "log": str(log)})
        assert self._server.stdin is not None
        self._server.stdin.write(line.encode() + b"\n")
        await process.started()
        return process

    async def start_cold(self, name: str, order: Mapping[str, Any], log: Path) -> Process:
        """Start a process from nothing, as its user does."""
        process = Process(name, log)
        with log.open("ab") as stream:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.faults.orders",
                json.dumps(dict(order)),
                cwd=ROOT,
                env=_environment(),
                stdout=asyncio.subprocess.PIPE,
                stderr=stream,
            )
        self._cold.append(child)
        self._by_pid[child.pid] = process
        process.tell({"started": child.pid})
        self._watches.append(asyncio.create_task(self._listen(child)))
        return process

    async def _listen(self, server: asyncio.subprocess.Process) -> None:
        assert server.stdout is not None
        while line := await server.stdout.readline():
            row = json.loads(line)
            if "started" in row:
                process = self._numbered[row["order"]]
                self._by_pid[row["started"]] = process
                process.tell(row)
                for early in self._early.pop(row["started"], []):
                    process.tell(early)
            pid = row.get("ready", row.get("ended"))
            if pid in self._by_pid:
                self._by_pid[pid].tell(row)
            elif pid is not None:
                # A child may be ready before its parent had time to say that it was started.
                self._early.setdefault(pid, []).append(row)
        code = await server.wait()
        if server.pid in self._by_pid:
            self._by_pid[server.pid].tell({"ended": server.pid, "code": code})


def _environment() -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ROOTLINE_")}
    return clean | _ONE_THREAD
