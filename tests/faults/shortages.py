"""Faults that take something away from a process that runs: disk, descriptors, memory.

The limits are the kernel's (prlimit), set and lifted from outside while the storm plays. While one
is in force writes fail, connections fail or memory is refused; nothing that was acknowledged may
be gone afterwards, and what comes out must be what comes out undisturbed.
"""

import asyncio
import errno
import os
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.faults.processes import Process
from tests.faults.stand import RunError, Stand
from tests.faults.strikes import Plan

_LEAST_BYTES = 1
_STDIO = 3
_ROOM_BYTES = 4 * 2**20
_SMALL_BYTES = 256 * 2**20
_PIECE = bytes(2**20)


@asynccontextmanager
async def limited(pid: int, kind: int, soft: int) -> AsyncIterator[None]:
    """Lower a limit of a running process, and put it back as it was if the process still runs."""
    before = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (soft, before[1]))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, kind, before)


async def full_disk(stand: Stand, plan: Plan) -> None:
    """Fill the broker's disk: in earnest where that is small, else no file of it may grow."""
    await plan.moment()
    stand.strikes()
    stand.outage = plan.scale.stop_seconds
    if _is_small(stand.folder):
        stand.notes.append("the file system is full")
        await _full_file_system(stand, plan)
        return
    data = Path(stand.folder) / "data"
    largest = max((path.stat().st_size for path in data.rglob("*.log")), default=_LEAST_BYTES)
    # Some writes then stop half-way.
    most = plan.rng.choice((_LEAST_BYTES, max(_LEAST_BYTES, largest)))
    stand.notes.append(f"files of at most {most} bytes")
    async with limited(stand.brokers.pid, resource.RLIMIT_FSIZE, most):
        await asyncio.sleep(plan.scale.stop_seconds)


def _is_small(folder: Path) -> bool:
    size = os.statvfs(folder)
    return size.f_blocks * size.f_frsize <= _SMALL_BYTES


async def _full_file_system(stand: Stand, plan: Plan) -> None:
    ballast = Path(stand.folder) / "ballast"
    try:
        await asyncio.to_thread(fill, ballast)
        await asyncio.sleep(plan.scale.stop_seconds)
    finally:
        ballast.unlink(missing_ok=True)


def fill(ballast: Path) -> None:
    """Write until the file system is full to the last byte."""
    piece = _PIECE
    with ballast.open("ab", buffering=0) as file:
        while piece:
            try:
                file.write(piece)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                piece = piece[: len(piece) // 2]


async def few_files_broker(stand: Stand, plan: Plan) -> None:
    """Let the broker open nothing more: no connection, no segment. Meanwhile a worker joins."""
    await plan.moment()
    stand.strikes()
    stand.outage = plan.scale.stop_seconds
    async with limited(stand.brokers.pid, resource.RLIMIT_NOFILE, _STDIO):
        joining = await stand.start_worker()
        await asyncio.sleep(plan.scale.stop_seconds)
    await joining.ready()


async def few_files_worker(stand: Stand, plan: Plan) -> None:
    """Let a worker open nothing more; the broker is restarted, so it has to connect again."""
    await plan.moment()
    victim = plan.rng.choice(stand.running)
    stand.strikes()
    stand.outage = plan.scale.stop_seconds
    async with limited(victim.pid, resource.RLIMIT_NOFILE, _STDIO):
        await stand.brokers.kill()
        await stand.brokers.restart()
        await _while_running(victim, plan.scale.stop_seconds)
    await _as_a_supervisor(stand, victim)


async def little_memory(stand: Stand, plan: Plan) -> None:
    """Refuse a worker more memory than it has."""
    await plan.moment()
    victim = plan.rng.choice(stand.running)
    stand.strikes()
    stand.outage = plan.scale.stop_seconds
    most = _address_space(victim.pid) + plan.rng.randrange(_ROOM_BYTES)
    async with limited(victim.pid, resource.RLIMIT_AS, most):
        await _while_running(victim, plan.scale.stop_seconds)
    await _as_a_supervisor(stand, victim)


async def _while_running(process: Process, seconds: float) -> None:
    with suppress(TimeoutError):
        await process.ended(seconds)


async def _as_a_supervisor(stand: Stand, process: Process) -> None:
    """Start a worker in the place of one that has ended; one that ends with 0 is a mistake."""
    if process.is_running:
        return
    code = await process.ended()
    stand.notes.append(f"{process.name} ended with {code}")
    if code in {0, -signal.SIGSEGV}:
        msg = f"{process.name} ended with {code}: {process.tail()}"
        raise RunError(msg)
    await (await stand.start_worker()).ready()


def _address_space(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text().split()[0]
    return int(pages) * resource.getpagesize()
