"""The plots of the report, each a small function from figures to one SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.evaluation.report_axes import SHARES, Axes, Ticks
from agents.evaluation.report_html import Html, element

Figures = Mapping[str, Any]
_BAR, _GAP = 12.0, 7.0
_NAMES, _ENDS, _WIDTH = 104.0, 44.0, 320.0
_STEPS = (0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: a share with its interval, or None where there is nothing to show."""

    name: str
    share: float | None
    interval: Sequence[float] | None = None
    own: bool = False


def bars(title: str, shown: Sequence[Bar]) -> Html:
    """Draw shares as bars one below the other, our own in colour, intervals as whiskers."""
    height = len(shown) * (_BAR + _GAP) + 4
    marks = [mark for place, bar in enumerate(shown) for mark in _bar(bar, place)]
    return element(
        "svg",
        element("title", title),
        *marks,
        element("line", x1=_NAMES, x2=_NAMES, y1=0, y2=height, class_="axis"),
        viewBox=f"0 0 {_WIDTH:g} {height:g}",
        role="img",
        class_="plot",
    )


def _bar(bar: Bar, place: int) -> list[Html]:
    top = place * (_BAR + _GAP) + 4
    kind = "own" if bar.own else "other"
    name = element("text", bar.name, x=_NAMES - 6, y=top + 10, class_=f"label end {kind}")
    if bar.share is None:
        return [name, element("text", "no input", x=_NAMES + 6, y=top + 10, class_="tick")]
    body = element(
        "rect",
        element("title", f"{bar.name}: {bar.share:.3f}"),
        x=_NAMES,
        y=top,
        width=max(_along(bar.share) - _NAMES, 1.0),
        height=_BAR,
        class_=f"fill {kind}",
    )
    number = element("text", f"{bar.share:.2f}", x=_WIDTH, y=top + 10, class_=f"label end {kind}")
    whisker = _whisker(bar.interval, top + _BAR / 2) if bar.interval else []
    return [name, body, *whisker, number]


def _whisker(interval: Sequence[float], middle: float) -> list[Html]:
    low, high = (_along(end) for end in interval)
    return [element("line", x1=low, x2=high, y1=middle, y2=middle, class_="whisker")]


def _along(share: float) -> float:
    return _NAMES + share * (_WIDTH - _NAMES - _ENDS)


def strip(share: float, interval: Sequence[float]) -> Html:
    """Draw a share and its interval on a line from 0 to 1, small enough for a table."""
    low, high = (end * 80 + 5 for end in interval)
    return element(
        "svg",
        element("title", f"{share:.3f}, 95 % {interval[0]:.3f} to {interval[1]:.3f}"),
        element("line", x1=5, x2=85, y1=7, y2=7, class_="grid"),
        element("line", x1=low, x2=high, y1=7, y2=7, class_="range"),
        element("circle", cx=share * 80 + 5, cy=7, r=3.5, class_="fill own"),
        viewBox="0 0 90 14",
        role="img",
        class_="strip",
    )


def reliability(title: str, bins: Sequence[Figures]) -> Html:
    """Draw what was said against what came, a dot a bin by its cases; honest is the diagonal."""
    axes = Axes(x_name="probability said", y_name="share right")
    ends = ((0.0, 0.0), (1.0, 1.0))
    most = max((b["cases"] for b in bins), default=1)
    dots = (
        element(
            "circle",
            element("title", f"said {b['said']:.2f}, came {b['came']:.2f}, {b['cases']} cases"),
            cx=axes.x(b["said"]),
            cy=axes.y(b["came"]),
            r=3 + 4 * math.sqrt(b["cases"] / most),
            class_="dot own",
        )
        for b in bins
    )
    line = axes.path((b["said"], b["came"]) for b in bins)
    return axes.plot(
        title,
        element("polyline", points=axes.path(ends), class_="ideal"),
        element("polyline", points=line, class_="line own thin"),
        *dots,
    )


def risk_coverage(title: str, points: Sequence[Figures]) -> Html:
    """Draw the share that is wrong among the surest answers, as more of them are given."""
    top = next(s for s in _STEPS if s >= max((p["risk"] for p in points), default=0.0) - 1e-9)
    ticks: Ticks = ((0.0, "0"), (top / 2, f"{top / 2:g}"), (top, f"{top:g}"))
    axes = Axes(x_name="share answered, surest first", y_name="share wrong", y_ticks=ticks)
    line = axes.path((p["coverage"], p["risk"]) for p in points)
    return axes.plot(title, element("polyline", points=line, class_="line own"))


def falls(title: str, unit: str, points: Sequence[Figures]) -> Html:
    """Draw AC@1 (full) and AC@3 (dashed) by level; levels stand evenly apart."""
    ticks = [(float(place), f"{p['level']:g}") for place, p in enumerate(points)]
    axes = Axes(x_name=unit, y_name="AC@1 (full), AC@3 (dashed)", x_ticks=ticks, y_ticks=SHARES)
    lines = (_fall(axes, points, key, kind) for key, kind in (("ac@3", "second"), ("ac@1", "own")))
    return axes.plot(title, *(mark for marks in lines for mark in marks))


def _fall(axes: Axes, points: Sequence[Figures], key: str, kind: str) -> list[Html]:
    known = [(float(n), p[key]) for n, p in enumerate(points) if p[key] is not None]
    dots = (
        element(
            "circle",
            element("title", f"{key.upper()} {share:.3f} at {points[int(place)]['level']:g}"),
            cx=axes.x(place),
            cy=axes.y(share),
            r=3.5,
            class_=f"dot {kind}",
        )
        for place, share in known
    )
    return [element("polyline", points=axes.path(known), class_=f"line {kind}"), *dots]
