"""How the report writes figures: numbers, intervals, and the names of what is measured."""

from collections.abc import Mapping, Sequence
from typing import Any

Figures = Mapping[str, Any]


def number(figure: float | None, decimals: int = 3) -> str:
    """Write a figure, a dash for none.

    >>> number(0.89421), number(None), number(3.0, 0)
    ('0.894', '-', '3')
    """
    return "-" if figure is None else f"{figure:.{decimals}f}"


def interval(low_high: Sequence[float | None] | None) -> str:
    """Write an interval.

    >>> interval([0.391, 0.7449]), interval(None)
    ('0.39 to 0.74', '-')
    """
    if low_high is None or None in low_high:
        return "-"
    low, high = low_high
    return f"{low:.2f} to {high:.2f}"


def spoken(name: str) -> str:
    """Write an identifier of ours as words.

    >>> spoken("personalised_page_rank")
    'personalised page rank'
    """
    return name.replace("_", " ")


def seen(suite: Figures) -> str:
    """Say whether the ranker had learnt from the suite's system."""
    known = suite.get("trained_on")
    return "not said" if known is None else "yes" if known else "no"


def best_baseline(suite: Figures) -> tuple[str, Figures] | None:
    """Find the baseline with the highest AC@1; the first by name of equals."""
    there = {name: found for name, found in (suite.get("baselines") or {}).items() if found}
    rated = {name: found for name, found in there.items() if found.get("ac@1") is not None}
    if not rated:
        return None
    name = min(rated, key=lambda n: (-rated[n]["ac@1"], n))
    return name, rated[name]
