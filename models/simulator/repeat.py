"""Does something again and again while a fault lasts."""

from collections.abc import Callable, Generator
from typing import Any

from simpy import Environment
from simpy.events import Event, Timeout

from models.simulator.kernel import Task


def repeat(env: Environment, act: Callable[[], float]) -> Callable[[], None]:
    """Call `act` now and then each time after as many seconds as it returned; return the end."""
    going = [True]

    def run() -> Generator[Event, Any, None]:
        while going[0]:
            pause = act()
            yield Timeout(env, pause)

    def end() -> None:
        going[0] = False

    Task(run(), Timeout(env, 0.0))
    return end
