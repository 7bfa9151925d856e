"""What every block returns, and the small arithmetic that turns a number into a strength."""

from dataclasses import dataclass, field

from schemas.candidate import Evidence


@dataclass(slots=True, kw_only=True)
class Block:
    """Measures (by the names of schemas/measures.py) and evidence of one candidate."""

    measures: dict[str, float] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)


def ramp(value: float, low: float, high: float) -> float:
    """Return 0 at or below `low`, 1 at or above `high`, and linear between.

    >>> ramp(0.75, 0.5, 1.0)
    0.5
    """
    return max(0.0, min(1.0, (value - low) / (high - low)))


def percent(share: float) -> str:
    """Write a share for people.

    >>> percent(0.921)
    '92 %'
    """
    return f"{share * 100:.0f} %"


def milliseconds(value: float) -> str:
    """Write a duration for people.

    >>> milliseconds(8214.0), milliseconds(118.4), milliseconds(0.52)
    ('8.2 s', '118 ms', '0.5 ms')
    """
    if value >= 1000:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
