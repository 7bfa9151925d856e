"""Processes of the demo are watched, named when they die, and stopped with all they started."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from agents.demo.children import ChildDiedError, Children

pytestmark = pytest.mark.integration


def program(folder, text):
    (folder / "actor.py").write_text(text)
    return {"PYTHONPATH": str(folder), "PYTHONUNBUFFERED": "1"}


def alive(pid):
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_a_process_that_dies_before_it_is_ready_is_named_with_the_end_of_its_log(tmp_path):
    environ = program(tmp_path, "import sys; sys.exit('no \\x1b[31mport left')")

    async def scene():
        async with Children(tmp_path, environ) as children:
            actor = await children.start("worker", "actor", [])
            await actor.ready()

    with pytest.raises(ChildDiedError, match="the worker ended with code 1 before it") as found:
        asyncio.run(scene())
    assert "no ?[31mport left" in str(found.value)


def test_a_process_that_dies_later_ends_the_work(tmp_path):
    environ = program(tmp_path, "print('{}'); input(); raise SystemExit(3)")

    async def work(actor):
        actor.tell(order="end")
        await asyncio.Event().wait()

    async def scene():
        async with Children(tmp_path, environ) as children:
            actor = await children.start("gateway", "actor", [])
            assert await actor.ready() == {}
            await children.guard(work(actor))

    with pytest.raises(ChildDiedError, match="the gateway ended with code 3"):
        asyncio.run(scene())


def test_work_that_fails_because_a_process_died_is_blamed_on_the_process(tmp_path):
    environ = program(tmp_path, "print('{}'); input(); raise SystemExit(3)")

    async def work(actor):
        actor.tell(order="end")
        raise ConnectionError

    async def scene():
        async with Children(tmp_path, environ) as children:
            actor = await children.start("gateway", "actor", [])
            await actor.ready()
            await children.guard(work(actor))

    with pytest.raises(ChildDiedError, match="the gateway ended with code 3"):
        asyncio.run(scene())


def test_work_that_ends_gives_its_result_and_its_own_error(tmp_path):
    environ = program(tmp_path, "print('{}')")

    async def good():
        return 7

    async def bad():
        raise ConnectionError

    async def scene():
        async with Children(tmp_path, environ) as children:
            actor = await children.start("player", "actor", [], may_end=True)
            await actor.process.wait()
            assert await children.guard(good()) == 7
            await children.guard(bad())

    with pytest.raises(ConnectionError):
        asyncio.run(scene())


def test_stopping_ends_processes_and_what_they_started_even_if_they_do_not_listen(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("agents.demo.children._STOP_SECONDS", 0.3)
    environ = program(
        tmp_path,
        "import json, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(json.dumps({'other': other.pid}))\n"
        "time.sleep(60)\n",
    )

    async def scene():
        async with Children(tmp_path, environ) as children:
            actor = await children.start("broker", "actor", [])
            return actor.process.pid, (await actor.ready())["other"]

    pid, other = asyncio.run(scene())
    assert not alive(pid)
    # It is nobody's child any more; whoever reaps it may take a moment.
    until = time.monotonic() + 10
    while alive(other) and not is_zombie(other):
        assert time.monotonic() < until, "what a process started outlives it"


def test_who_interrupts_the_stopping_gets_a_kill(tmp_path):
    environ = program(
        tmp_path,
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('{}')\ntime.sleep(60)\n",
    )

    async def scene():
        children = Children(tmp_path, environ)
        actor = await children.start("worker", "actor", [])
        await actor.ready()
        leaving = asyncio.create_task(children.__aexit__())
        await asyncio.sleep(0.1)
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving
        async with asyncio.timeout(10):
            return await actor.process.wait()

    assert asyncio.run(scene()) == -signal.SIGKILL


def is_zombie(pid):
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
        return stat.rpartition(")")[2].split()[0] in {"Z", "X"}
    return False


def test_what_configures_the_users_rootline_does_not_reach_the_demos(tmp_path, monkeypatch):
    monkeypatch.setenv("ROOTLINE_BOOTSTRAP", "kafka.example:9092")
    text = (
        "import json, os\n"
        "ours = {k: v for k, v in os.environ.items() if k.startswith('ROOTLINE_')}\n"
        "print(json.dumps(ours))\n"
    )
    environ = program(tmp_path, text) | {"ROOTLINE_CONFIG": "demo.toml"}

    async def scene():
        async with Children(tmp_path, environ) as children:
            actor = await children.start("worker", "actor", [])
            return await actor.ready()

    assert asyncio.run(scene()) == {"ROOTLINE_CONFIG": "demo.toml"}
