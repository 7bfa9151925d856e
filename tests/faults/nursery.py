"""Starts processes fast: it has imported everything, and forks for each order on its stdin.

What it forks are processes like any other, to be killed, stopped and waited for; only the two
seconds of imports are saved. It tells who started, is ready and ended, one JSON object a line, and
kills what is left when its stdin ends.
"""

import ctypes
import json
import logging
import os
import select
import signal
import sys
import traceback
from collections.abc import Mapping
from typing import Any

from agents.logs import LoggingConfig, configure_logging
from tests.faults.orders import fulfil, warm_up

_LOOK_SECONDS = 0.02
_PR_SET_PDEATHSIG = 1


def say(row: Mapping[str, Any]) -> None:
    """Write a line in one piece: parent and children share the pipe."""
    os.write(1, json.dumps(row).encode() + b"\n")


def main() -> None:
    """Fork for each order until stdin ends."""
    warm_up()
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # until a worker knows what it means
    children: set[int] = set()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    try:
        _serve(children)
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)


def _serve(children: set[int]) -> None:
    unread = b""
    while True:
        if select.select([0], [], [], _LOOK_SECONDS)[0]:
            piece = os.read(0, 1 << 16)
            if not piece:
                break
            *lines, unread = (unread + piece).split(b"\n")
            for line in lines:
                children.add(_fork(json.loads(line)))
        _reap(children)


def _fork(order: Mapping[str, Any]) -> int:
    pid = os.fork()
    if pid:
        say({"started": pid, "order": order["number"]})
        return pid
    code = 1
    try:
        # Even if the nursery is killed with -9, nothing outlives it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 2)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.setsid()
        logging.getLogger().handlers.clear()
        configure_logging(LoggingConfig(), secrets=())
        code = fulfil(order, say)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _reap(children: set[int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        children.discard(pid)
        say({"ended": pid, "code": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
