"""What the demo shows while it runs: a screen that fills any terminal and never runs over it."""

from collections.abc import Collection

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agents.demo.receiver import ReceivedMessage
from agents.demo.scene import Scene, Stage
from agents.demo.wording import (
    alert_line,
    bar,
    clock,
    line,
    name,
    opposing,
    pattern_title,
    supporting,
    thousands,
)
from agents.notifier.plain import elapsed, percent, plain
from schemas.incident import Incident, IncidentCandidate

_TALL = 32
"""Rows from which there is room for more of everything."""
_HEAD_ROWS = 6
_CANDIDATES = 4


class LiveView:
    """Draws the scene into whatever room there is; rich asks it anew for each frame."""

    def __init__(self, stage: Stage, scene: Scene, messages: Collection[ReceivedMessage]) -> None:
        self._stage = stage
        self._scene = scene
        self._messages = messages

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay the parts out."""
        height = options.height or options.max_height
        tall = height >= _TALL
        layout = Layout()
        layout.split_column(
            Layout(self._head(options.max_width), size=_HEAD_ROWS),
            Layout(self._alerts(5 if not tall else 10), size=7 if not tall else 12),
            Layout(self._incident(tall=tall)),
            Layout(self._chat(1 if not tall else 3), size=3 if not tall else 5),
        )
        yield layout

    def _head(self, width: int) -> RenderableType:
        stage = self._stage
        room = max(10, width - 34)
        if not stage.sent_ms:
            progress = line("simulating  ", bar(stage.simulated, room))
        else:
            drawn = bar(stage.sent_share, room)
            progress = line((f"{clock(stage.sent_ms)}  ", "bold"), (drawn, "cyan"))
            progress.append(f"  {self._act()}", style="dim")
        return Panel(Group(progress, self._funnel()), title=_title(stage), title_align="left")

    def _act(self) -> str:
        stage = self._stage
        if stage.sent_ms < stage.storm_ms:
            return "warm-up"
        if stage.sent_ms < stage.end_ms:
            return f"storm, x{stage.speed:g}"
        return "last answer"

    def _funnel(self) -> RenderableType:
        if not self._stage.sent_ms:
            parts = [f"{part} {state}" for part, state in self._stage.parts.items()]
            return Group(*(line((part, "dim")) for part in parts[:3]))
        scene, sent = self._scene, self._stage.sent
        main = scene.main
        incidents = len(scene.incidents)
        members = sum(incident.alert_count for incident in scene.incidents.values())
        table = Table.grid(expand=True, padding=(0, 1))
        for _ in range(4):
            table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        heads = ("L1 aggregate", "L2 associate", "L3 trace", "L4 rank")
        table.add_row(*(Text(text, style="bold cyan") for text in heads))
        table.add_row(
            f"{len(scene.fired)} alerts",
            f"{thousands(sent.get('samples', 0))} samples",
            f"{thousands(sent.get('spans', 0))} spans",
            f"{len(main.candidates) if main else 0} candidates",
        )
        table.add_row(
            f"{members} in {incidents} incident{'s' * (incidents != 1)}",
            f"{len(scene.series)} series deviate",
            f"{len(scene.edges)} call edges",
            f"revision {main.revision if main else 0}",
        )
        return table

    def _alerts(self, rows: int) -> RenderableType:
        shown = list(self._scene.alerts)[-rows:]
        title = f"alerts: {len(self._scene.fired)}"
        return Panel(Group(*map(alert_line, shown)), title=title, title_align="left")

    def _incident(self, *, tall: bool) -> RenderableType:
        main = self._scene.main
        if main is None:
            waits = "no incident yet" if self._stage.sent_ms else ""
            return Panel(Text(waits, style="dim"), title="incident", title_align="left")
        before = self._before(main)
        shown = main.candidates[:_CANDIDATES] if tall else main.candidates[:2]
        rows = [_candidate(candidate, before) for candidate in shown]
        reasons = _reasons(main)
        title = Text(f"incident {main.incident_id[:8]}, revision {main.revision}")
        head = [line((plain(main.title, 160), "bold")), line((_meta(main), "dim"))]
        return Panel(
            Group(*head, *rows, *reasons), title=title, title_align="left", border_style="red"
        )

    def _before(self, main: Incident) -> dict[str, int]:
        """The ranks in the revision before the last one."""
        for revision in reversed(self._scene.revisions):
            incident = revision.incident
            if incident.incident_id == main.incident_id and incident.revision < main.revision:
                return {c.component: c.rank for c in incident.candidates}
        return {}

    def _chat(self, rows: int) -> RenderableType:
        shown = [line(plain(m.headline, 200)) for m in list(self._messages)[-rows:]]
        title = f"chat: {len(self._messages)}"
        return Panel(Group(*shown), title=title, title_align="left", border_style="green")


def _title(stage: Stage) -> str:
    return f"rootline demo: {stage.title}"


def _meta(main: Incident) -> str:
    after = elapsed(main.started_at, main.detected_at) or "?"
    parts = (
        f"{main.status.value}, {main.firing.value}",
        f"{main.alert_count} alerts on {len(main.components)} components",
        f"opened {after} after the first alert",
    )
    return " · ".join(parts)


def _candidate(candidate: IncidentCandidate, before: dict[str, int]) -> Text:
    style = "bold green" if candidate.rank == 1 else ""
    return line(
        f"{candidate.rank} {_moved(candidate, before)} ",
        (f"{name(candidate.component):<18.18} ", style),
        (bar(candidate.confidence, 14), "green" if candidate.rank == 1 else "yellow"),
        (f" {percent(candidate.confidence):>5}  ", style),
        (pattern_title(candidate), "dim" if candidate.rank > 1 else ""),
    )


def _moved(candidate: IncidentCandidate, before: dict[str, int]) -> str:
    rank = before.get(candidate.component)
    if not before or rank == candidate.rank:
        return " "
    return "▲" if rank is None or rank > candidate.rank else "▼"


def _reasons(main: Incident) -> list[Text]:
    if not main.candidates:
        return []
    found = [line(("+ ", "green"), text) for text in supporting(main.candidates[0])[:6]]
    if len(main.candidates) > 1:
        second = main.candidates[1]
        against = [
            line(("- ", "red"), f"{name(second.component)}: {text}")
            for text in opposing(second)[:1]
        ]
        found[2:2] = against
    return found
