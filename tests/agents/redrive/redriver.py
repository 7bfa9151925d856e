"""A run of redrive that kills itself at a named step, as a process of its own."""

import asyncio
import os
import signal
import sys

from agents.kafka import KafkaConfig
from agents.redrive.judging import Judged
from agents.redrive.session import Order, Watching, redrive
from agents.settings import Settings


def main(bootstrap: str, die_at: str, times: str) -> None:
    left = int(times)

    def failpoint(name: str) -> None:
        nonlocal left
        if name == die_at:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def told(_judged: Judged) -> None:
        return

    settings = Settings(kafka=KafkaConfig(bootstrap=bootstrap))
    # Five letters a batch, sent at once.
    order = Order(rate=5.0)
    asyncio.run(redrive(settings, order, Watching(told=told, failpoint=failpoint)))


if __name__ == "__main__":
    main(*sys.argv[1:])
