"""One alerting rule: an expression over scraped series, how long it must hold, what it says."""

from collections.abc import Callable
from dataclasses import dataclass

from models.simulator.promql import Query, Vector

CRITICAL = "critical"
WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """A rule as in a rule file. In `summary`, `{name}` is a label and `{value}` the value."""

    name: str
    severity: str
    hold_seconds: float
    expression: Callable[[Query], Vector]
    summary: str
    scale: float = 1.0


def share(part: Vector, whole: Vector, *by: str) -> Vector:
    """Return the ratio of two sums."""
    return part.sum_by(*by) / whole.sum_by(*by)
