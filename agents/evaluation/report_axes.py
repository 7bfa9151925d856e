"""The ground of a plot: where numbers lie on the paper, grid, ticks and names of the axes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agents.evaluation.report_html import Html, element

Ticks = Sequence[tuple[float, str]]
SHARES: Ticks = ((0.0, "0"), (0.25, ""), (0.5, "0.5"), (0.75, ""), (1.0, "1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """A plot of `x_ticks` by `y_ticks`, whose first and last are the ends of the axes."""

    x_ticks: Ticks = SHARES
    y_ticks: Ticks = SHARES
    x_name: str
    y_name: str
    width: float = 300.0
    height: float = 200.0

    def x(self, value: float) -> float:
        """Say how far from the left a number lies."""
        low, high = self.x_ticks[0][0], self.x_ticks[-1][0]
        return _LEFT + (value - low) / (high - low) * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Say how far from the top a number lies."""
        low, high = self.y_ticks[0][0], self.y_ticks[-1][0]
        return (
            self.height - _BOTTOM - (value - low) / (high - low) * (self.height - _BOTTOM - _TOP)
        )

    def path(self, points: Iterable[tuple[float, float]]) -> str:
        """Write the points of a line."""
        return " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)

    def plot(self, title: str, *marks: str) -> Html:
        """Draw the marks on the grid. `title` says in words what is shown."""
        return element(
            "svg",
            element("title", title),
            *self._grid(),
            *marks,
            viewBox=f"0 0 {self.width:g} {self.height:g}",
            role="img",
            class_="plot",
        )

    def _grid(self) -> Iterable[Html]:
        left, right = self.x(self.x_ticks[0][0]), self.x(self.x_ticks[-1][0])
        floor = self.y(self.y_ticks[0][0])
        for value, text in self.y_ticks:
            at = self.y(value)
            kind = "axis" if at == floor else "grid"
            yield element("line", x1=left, x2=right, y1=at, y2=at, class_=kind)
            yield element("text", text, x=left - 6, y=at + 4, class_="tick end")
        for value, text in self.x_ticks:
            yield element("text", text, x=self.x(value), y=floor + 15, class_="tick middle")
        middle = (left + right) / 2
        yield element("text", self.x_name, x=middle, y=self.height - 4, class_="tick middle")
        yield element("text", self.y_name, x=2, y=11, class_="tick")


_LEFT, _RIGHT, _TOP, _BOTTOM = 30.0, 12.0, 22.0, 36.0
