"""Prints what a replay of a recording gave: tables for people, or JSON lines."""

from collections.abc import Iterable

import orjson
from rich.table import Table
from rich.text import Text

from agents.offline import OfflineRun
from agents.terminal import Terminal, say_json
from pipeline.outputs import AlertSetAside, IncidentPublished, Output
from schemas.incident import Incident


def last_revisions(outputs: Iterable[Output]) -> list[Output]:
    """Keep the last revision of each incident, and everything that is none."""
    last: dict[str, Output] = {}
    rest: list[Output] = []
    for output in outputs:
        if isinstance(output, IncidentPublished):
            last.pop(output.incident.incident_id, None)
            last[output.incident.incident_id] = output
        else:
            rest.append(output)
    return [*last.values(), *rest]


def print_json(outputs: Iterable[Output], run: OfflineRun) -> None:
    """One JSON object a line: incidents, then alerts set aside, in the order they came."""
    for output in outputs:
        match output:
            case IncidentPublished():
                row = {"transition": output.transition, "incident": output.incident}
            case AlertSetAside():
                row = {"set_aside": output.reason, "alert": output.alert, "at_ms": output.at_ms}
        say_json(row, orjson.OPT_SORT_KEYS)
    for stream, index, reason in run.rejected:
        rejected = {"rejected": reason, "stream": stream, "index": index}
        say_json(rejected, orjson.OPT_SORT_KEYS)


def print_table(run: OfflineRun) -> None:
    """Print the last revision of each incident, and what ended elsewhere."""
    console = Terminal()
    for output in last_revisions(run.outputs):
        if isinstance(output, IncidentPublished):
            console.print(_incident_table(output.incident))
    aside = [o for o in run.outputs if isinstance(o, AlertSetAside)]
    for output in aside:
        line = f"apart: {output.alert.rule} on {output.component.name} ({output.reason.value})"
        console.print(Text(line))
    for stream, index, reason in run.rejected:
        console.print(Text(f"not read: {stream} {index}: {reason}"))
    if not run.outputs:
        console.print("no alert in this recording")


def _incident_table(incident: Incident) -> Table:
    table = Table(
        title=Text(f"{incident.title}\n{incident.incident_id} revision {incident.revision}"),
        title_justify="left",
        caption=Text(
            f"{incident.status.value}, {incident.severity}, since {incident.started_at}, "
            f"{incident.alert_count} alerts on {len(incident.components)} components"
        ),
        caption_justify="left",
    )
    for heading in ("", "component", "kind", "P", "pattern", "evidence"):
        table.add_column(heading, overflow="fold")
    for candidate in incident.candidates[:5]:
        pattern = candidate.patterns[0].title if candidate.patterns else ""
        evidence = "; ".join(e.statement for e in candidate.evidence[:3] if e.supports)
        table.add_row(
            str(candidate.rank),
            Text(candidate.component),
            candidate.kind,
            f"{candidate.confidence:.2f}",
            Text(pattern),
            Text(evidence),
        )
    if incident.abstained:
        table.add_row("", "", "", "", "", Text(f"withheld: {incident.abstain_reason}"))
    return table
