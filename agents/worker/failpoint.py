"""Named moments between two awaits, at which fault tests end the process; otherwise nothing.

A moment is called `consumer.step`, for example `reduce.published`; docs/DELIVERY.md lists them. No
setting reaches this: only who builds the application can pass something that acts.
"""

from collections.abc import Callable

Failpoint = Callable[[str], None]


def no_failpoint(_moment: str) -> None:
    """Do nothing."""


def named(failpoint: Failpoint, consumer: str) -> Failpoint:
    """Return a failpoint that is told only the step.

    >>> named(print, "reduce")("read")
    reduce.read
    """
    return lambda step: failpoint(f"{consumer}.{step}")
