"""What drives the simulation: tasks on SimPy events, and waits with a common limit.

A task is a generator of events. It costs two heap events less than a `simpy.Process`, and a chain
of `yield from` inside it is one call stack of one simulated thread.
"""

from collections import deque
from collections.abc import Generator
from typing import Any

from simpy import Environment
from simpy.events import Event, Timeout

from models.simulator.outcome import TIMED_OUT

Steps = Generator[Event, Any, int]
"""Simulated work: yields what it waits for, returns an outcome."""


class Task:
    """Runs a generator: starts it when `first` happens, resumes it at each event it yields."""

    __slots__ = ("_send",)

    def __init__(self, generator: Generator[Event, Any, Any], first: Event) -> None:
        self._send = generator.send
        assert first.callbacks is not None
        first.callbacks.append(self._resume)

    def _resume(self, event: Event) -> None:
        try:
            target = self._send(event.value)
        except StopIteration:
            return
        target.callbacks.append(self._resume)


class Deadlines:
    """All waits that share one limit; so they expire in the order in which they began.

    One armed timer serves them all, where a timeout each would triple the event heap.
    """

    def __init__(self, env: Environment, seconds: float) -> None:
        self._env = env
        self._seconds = seconds
        self._waits: deque[tuple[float, Event]] = deque()
        self._armed = False

    def limit(self, event: Event) -> None:
        """Let `event` succeed with TIMED_OUT unless it happens within the limit."""
        self._waits.append((self._env.now + self._seconds, event))
        if not self._armed:
            self._arm(self._seconds)

    def _arm(self, delay: float) -> None:
        self._armed = True
        Timeout(self._env, delay).callbacks.append(self._expire)

    def _expire(self, _: Event) -> None:
        waits, now = self._waits, self._env.now
        while waits and (waits[0][1].triggered or waits[0][0] <= now + 1e-9):
            event = waits.popleft()[1]
            if not event.triggered:
                event.succeed(TIMED_OUT)
        self._armed = False
        if waits:
            self._arm(waits[0][0] - now)
