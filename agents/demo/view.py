"""What the demo shows while it runs and at its end. Text from telemetry never drives a terminal."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from agents.demo.chat_view import render_terminal
from agents.demo.check import Verdict, holder_of, seconds_to_open
from schemas.incident import Incident

_SEVERITY = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
_RECENT = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAlert:
    """One alert as it is listed."""

    at_ms: int
    severity: str
    rule: str
    where: str


@dataclass(slots=True, kw_only=True)
class Board:
    """Everything the live view shows; changed in place as things happen."""

    step: str = "starting"
    event_ms: int = 0
    progress: float = 0.0
    alerts: deque[ShownAlert] = field(default_factory=lambda: deque(maxlen=_RECENT))
    alert_count: int = 0
    incident: Incident | None = None
    message: dict[str, Any] | None = None
    message_count: int = 0


def live(board: Board) -> RenderableType:
    """Draw the board."""
    clock = datetime.fromtimestamp(board.event_ms / 1000, UTC).strftime("%H:%M:%S")
    head = Table.grid(padding=(0, 2), expand=True)
    head.add_column()
    head.add_column(ratio=1)
    head.add_column(justify="right")
    head.add_row(
        Text(board.step, style="bold"),
        ProgressBar(total=1.0, completed=board.progress),
        Text(f"event time {clock if board.event_ms else '-'}"),
    )
    parts: list[RenderableType] = [head, _alerts(board)]
    if board.incident is not None:
        parts.append(_incident(board.incident))
    if board.message is not None:
        title = f"chat ({board.message_count} messages)"
        parts.append(Panel(_headline(board.message), title=title, title_align="left", height=3))
    return Group(*parts)


def final(
    *,
    incident: Incident | None,
    apart: Sequence[tuple[str, str]],
    sent: int,
    message: dict[str, Any] | None,
    verdict: Verdict,
    wall_seconds: float,
) -> RenderableType:
    """Draw the one screen that the demo ends with.

    Args:
        incident: the storm's incident at its last revision.
        apart: what is not part of it, each with why.
        sent: alerts sent in all.
        message: the chat message about it.
        verdict: the judgement.
        wall_seconds: from the first alert sent to the incident read, on the clock.
    """
    if incident is None:
        return Group(_verdict(verdict))
    lines = Table.grid(padding=(0, 1))
    lines.add_column(style="bold", no_wrap=True)
    lines.add_column(overflow="fold")
    lines.add_row("storm", f"{sent} alerts -> 1 incident with {incident.alert_count} of them")
    for what, why in apart:
        lines.add_row("apart", Text(f"{what}: {why}"))
    lines.add_row("", "")
    _answer(lines, incident)
    lines.add_row("", "")
    lines.add_row(
        "took",
        f"{seconds_to_open(incident):.0f} s of event time from the first alert to the incident, "
        f"{wall_seconds:.1f} s on the clock",
    )
    lines.add_row("model", Text(incident.model_version))
    parts: list[RenderableType] = [
        Panel(lines, title="what came out", title_align="left", border_style="green")
    ]
    if message is not None:
        parts.append(Panel(render_terminal(message), title="in chat", title_align="left"))
    return Group(*parts, _verdict(verdict))


def _answer(lines: Table, incident: Incident) -> None:
    for candidate in incident.candidates[:3]:
        pattern = candidate.patterns[0].title if candidate.patterns else "no pattern fits"
        style = "bold green" if candidate.rank == 1 else ""
        lines.add_row(
            f"TOP-{candidate.rank}",
            Text(f"{candidate.confidence:4.0%}  {candidate.component}: {pattern}", style=style),
        )
        if candidate.rank == 1:
            if holder_of(incident):
                lines.add_row("holder", Text(holder_of(incident)))
            for evidence in [e for e in candidate.evidence if e.supports][:5]:
                lines.add_row("because", Text(evidence.statement))
        against = [e.statement for e in candidate.evidence if not e.supports][:1]
        if against and candidate.rank > 1:
            lines.add_row("but", Text(against[0]))


def _verdict(verdict: Verdict) -> RenderableType:
    if verdict.is_right:
        return Text("right: one incident, the right cause, the bystanders apart", "bold green")
    return Group(*(Text(f"wrong: {problem}", style="bold red") for problem in verdict.problems))


def _alerts(board: Board) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
    for alert in board.alerts:
        clock = datetime.fromtimestamp(alert.at_ms / 1000, UTC).strftime("%H:%M:%S")
        style = _SEVERITY.get(alert.severity, "")
        table.add_row(
            clock, Text(alert.severity[:8], style=style), Text(f"{alert.rule} on {alert.where}")
        )
    title = f"{board.alert_count} alerts"
    return Panel(table, title=title, title_align="left", height=_RECENT + 2)


def _incident(incident: Incident) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(width=16)
    table.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
    for candidate in incident.candidates[:4]:
        pattern = candidate.patterns[0].title if candidate.patterns else ""
        table.add_row(
            f"{candidate.confidence:4.0%}",
            ProgressBar(total=1.0, completed=candidate.confidence),
            Text(f"{candidate.component}  {pattern}"),
        )
    evidence = incident.candidates[0].evidence[:3] if incident.candidates else ()
    reasons = [
        Text(f"- {e.statement}", no_wrap=True, overflow="ellipsis") for e in evidence if e.supports
    ]
    title = (
        f"incident, revision {incident.revision} ({incident.firing.value}): "
        f"{incident.alert_count} alerts on {len(incident.components)} components"
    )
    return Panel(Group(table, *reasons), title=title, title_align="left", border_style="magenta")


def _headline(message: dict[str, Any]) -> Text:
    return Text(str(message.get("text", ""))[:200], no_wrap=True, overflow="ellipsis")
