"""The screen that the demo ends with: what came out, why, what was told, and the verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agents.demo.chat_view import render_terminal
from agents.demo.check import headline, holders, opened_after
from agents.demo.scene import Scene
from agents.demo.wording import (
    REASONS,
    bar,
    clock,
    line,
    name,
    opposing,
    pattern_title,
    supporting,
)
from agents.notifier.plain import percent, plain
from schemas.incident import Incident, IncidentCandidate

_EVIDENCE = 5
_FEW = 3
_TALL = 33
"""Rows from which everything is shown."""
_HEADLINE = 160
_OTHERS = 2
_APART = 6
_LEAST_BLOCKS = 2
"""Of the chat message: its headline and the fact it leads with."""
_UNLIMITED = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What the last screen tells besides the scene."""

    title: str
    problems: Sequence[str]
    payloads: Sequence[Mapping[str, Any]]
    wall_seconds: float
    reaction_seconds: float | None
    model: str


class ClosingScreen:
    """The last screen; the chat message loses its last parts where it does not fit.

    Args:
        scene: everything that was read.
        closing: what is told besides.
        rows: the height it has to fit into; None where there is no such thing.
    """

    def __init__(self, scene: Scene, closing: Closing, rows: int | None = None) -> None:
        self._scene = scene
        self._closing = closing
        self._rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Put answer, message and verdict below each other."""
        answer, verdict = self._answer(), Group(*_verdict(self._closing))
        room = _UNLIMITED
        if self._rows is not None:
            used = console.render_lines(Group(answer, verdict), options, pad=False)
            room = self._rows - len(used)
        yield answer
        yield self._message(console, options, room)
        yield verdict

    @property
    def _is_short(self) -> bool:
        return self._rows is not None and self._rows < _TALL

    def _answer(self) -> RenderableType:
        main = self._scene.main
        if main is None:
            return Text("No incident was published.", style="bold")
        return Panel(
            _table(self._scene, main, self._closing, short=self._is_short),
            title=f"rootline demo: {self._closing.title}",
            title_align="left",
            border_style="red" if self._closing.problems else "green",
        )

    def _message(self, console: Console, options: ConsoleOptions, room: int) -> RenderableType:
        main = self._scene.main
        about = [p for p in self._closing.payloads if main and main.incident_id in str(p)]
        if not about:
            return Group()
        blocks = list(about[-1].get("blocks") or ())
        for kept in range(len(blocks), _LEAST_BLOCKS - 1, -1):
            drawn = render_terminal({**about[-1], "blocks": blocks[:kept]})
            left_out = len(blocks) - kept
            note = [Text(f"({left_out} more parts)", style="dim")] if left_out else []
            whole = Group(drawn, *note)
            if len(console.render_lines(whole, options, pad=False)) <= room:
                return whole
        return line(("chat  ", "bold"), plain(headline(about[-1]), _HEADLINE))


def _table(scene: Scene, main: Incident, closing: Closing, *, short: bool) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold cyan", no_wrap=True, min_width=8)
    # On a short screen a line that is too long is cut, not wrapped.
    table.add_column(no_wrap=short, overflow="ellipsis" if short else "fold")
    table.add_row("storm", _storm(scene, main))
    for text in _apart(scene):
        table.add_row("apart", text)
    table.add_row()
    if main.candidates:
        _cause(table, main, _FEW if short else _EVIDENCE)
    table.add_row("took", _took(scene, main, closing))
    table.add_row("model", f"{plain(main.model_version, 60)}, {closing.model}")
    return table


def _storm(scene: Scene, main: Incident) -> Text:
    components = len(main.components)
    return Text.assemble(
        f"{len(scene.fired)} alerts → ",
        ("1 incident", "bold"),
        f" with {main.alert_count} of them on {components} components",
    )


def _apart(scene: Scene) -> list[Text]:
    rows = scene.apart()
    shown = [
        Text.assemble(
            (f"{clock(seen.alert.starts_ms)} ", "dim"),
            f"{plain(seen.alert.rule, 40)} on {name(seen.component)}: ",
            (REASONS.get(why, plain(why, 60)), "dim"),
        )
        for seen, why in rows[:_APART]
    ]
    if len(rows) > _APART:
        shown.append(Text(f"and {len(rows) - _APART} more", style="dim"))
    return shown


def _cause(table: Table, main: Incident, shown: int) -> None:
    top, *others = main.candidates
    table.add_row(
        "TOP-1",
        Text.assemble(
            (name(top.component), "bold green"),
            (f"  {bar(top.confidence, 20)} {percent(top.confidence)}", "green"),
        ),
    )
    table.add_row("", Text(pattern_title(top) or "no known pattern", style="bold"))
    if named := holders(main):
        table.add_row("holder", Text(name(named[0]), style="bold"))
    for index, text in enumerate(supporting(top)[:shown]):
        table.add_row("evidence" if index == 0 else "", Text(f"+ {text}"))
    if others:
        against = "; ".join(_other(candidate) for candidate in others[:_OTHERS])
        table.add_row("not", Text(against, style="dim"))
    table.add_row()


def _other(candidate: IncidentCandidate) -> str:
    against = opposing(candidate)
    said = against[0] if against else "less speaks for it"
    return f"{name(candidate.component)} ({percent(candidate.confidence)}): {said}"


def _took(scene: Scene, main: Incident, closing: Closing) -> str:
    opened = opened_after(main, scene.revisions)
    parts = []
    if opened is not None:
        parts.append(f"{opened:.0f} s from the first alert to the incident (event time)")
    if closing.reaction_seconds is not None:
        parts.append(f"{closing.reaction_seconds:.1f} s on the clock")
    parts.append(f"the whole demo {closing.wall_seconds:.0f} s")
    return ", ".join(parts)


def _verdict(closing: Closing) -> list[Text]:
    if not closing.problems:
        text = "Right: one incident, the real cause first, strangers apart, chat told once."
        return [Text(f"✔ {text}", style="bold green")]
    return [Text(f"✘ {problem}", style="bold red") for problem in closing.problems]
