"""Draws memory and lag over time as one SVG, without a library."""

from collections.abc import Callable, Sequence
from html import escape

from bench.soak.report import Cycle
from bench.soak.sampling import Sample

_WIDTH, _HEIGHT, _LEFT, _GAP = 960, 240, 70, 60
_COLOURS = ("#0b6e99", "#b4530a", "#3f7d20", "#8a2be2", "#666666")


def draw(samples: Sequence[Sample], cycles: Sequence[Cycle]) -> str:
    """Return the picture: resident memory by process above, lag by topic below."""
    names = sorted({name for s in samples for name in s.memory})
    topics = sorted({topic for s in samples for topic in s.lag})
    memory = [(n, [s.memory.get(n, 0) / 2**20 for s in samples]) for n in names]
    lag = [(t, [s.lag.get(t, 0.0) for s in samples]) for t in topics]
    times = [s.at for s in samples]
    parts = [
        _panel("resident memory, MB", times, memory, cycles, _GAP / 2),
        _panel("records not handled yet", times, lag, cycles, _GAP / 2 + _HEIGHT + _GAP),
    ]
    height = 2 * (_HEIGHT + _GAP) + _GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + 2 * _LEFT} {height}" '
        f'font-family="sans-serif" font-size="12">{"".join(parts)}</svg>\n'
    )


def _panel(
    title: str,
    times: Sequence[float],
    lines: Sequence[tuple[str, Sequence[float]]],
    cycles: Sequence[Cycle],
    top: float,
) -> str:
    end = max(times, default=1.0) or 1.0
    most = max((max(values, default=0.0) for _, values in lines), default=1.0) or 1.0
    bottom = top + _HEIGHT

    def across(at: float) -> float:
        return _LEFT + at / end * _WIDTH

    parts = [f'<text x="{_LEFT}" y="{top - 8}">{escape(title)}</text>']
    for cycle in cycles:
        x, width = across(cycle.began), across(cycle.storm_ended) - across(cycle.began)
        parts.append(
            f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{_HEIGHT}" fill="#f3d9c0"/>'
        )
    parts.append(
        f'<rect x="{_LEFT}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" '
        f'stroke="#999"/><text x="{_LEFT - 6}" y="{top + 10}" text-anchor="end">{most:,.0f}</text>'
        f'<text x="{_LEFT - 6}" y="{bottom}" text-anchor="end">0</text>'
        f'<text x="{_LEFT + _WIDTH}" y="{bottom + 16}" text-anchor="end">{end / 60:.1f} min</text>'
    )
    for number, (name, values) in enumerate(lines):
        parts.append(_line(name, (times, values), across, (bottom, most), number))
    return "".join(parts)


def _line(
    name: str,
    data: tuple[Sequence[float], Sequence[float]],
    across: Callable[[float], float],
    scale: tuple[float, float],
    number: int,
) -> str:
    bottom, most = scale
    colour = _COLOURS[number % len(_COLOURS)]
    points = " ".join(
        f"{across(at):.1f},{bottom - value / most * _HEIGHT:.1f}"
        for at, value in zip(*data, strict=True)
    )
    x = _LEFT + 8 + 150 * number
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.3"/>'
        f'<text x="{x}" y="{bottom + 16}" fill="{colour}">{escape(name)}</text>'
    )
