"""A piece of work inside a process, and the contract of the steps that it is made of."""

from typing import TYPE_CHECKING, Protocol

from models.simulator.kernel import Steps
from models.simulator.outcome import ABANDONED, OK

if TYPE_CHECKING:
    from models.simulator.process import Process


class Work:
    """A request or message in a process, with the trace and span that it runs under."""

    __slots__ = ("process", "span", "trace")

    def __init__(self, process: "Process", trace: int, span: int) -> None:
        self.process = process
        self.trace = trace
        self.span = span


class Step(Protocol):
    """One thing to do; the outcome is OK, a status or a failure."""

    def run(self, work: Work) -> Steps:
        """Do it."""


def run_all(steps: tuple[Step, ...], work: Work) -> Steps:
    """Run steps one after the other until one fails or the process is gone."""
    process = work.process
    for step in steps:
        outcome = yield from step.run(work)
        if process.stopped:
            return ABANDONED
        if outcome != OK:
            return outcome
    return OK
