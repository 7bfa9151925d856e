"""`rootline replay RECORDING`: the engine over a recording, with no Kafka.

Prints every revision as it would be published; the same recording gives the same bytes.
"""

from collections.abc import Iterable
from pathlib import Path

import click
import orjson
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from agents.offline import OfflineConfig, OfflineRun, run_offline
from agents.options import json_option, settings_option
from agents.rankers import configured_ranker
from agents.recordings import read_recording
from agents.settings import Settings
from agents.terminal import Terminal, say_json
from pipeline.outputs import AlertSetAside, IncidentPublished, Output
from schemas.incident import Incident


@click.command()
@click.argument("recording", type=click.Path(path_type=Path))
@click.option("--final", is_flag=True, help="Only the last revision of each incident.")
@settings_option
@json_option
def replay(*, recording: Path, final: bool, settings: Settings, as_json: bool) -> None:
    """Run the engine over RECORDING and print the incidents."""
    content = read_recording(recording)
    config = OfflineConfig(
        resolver=settings.resolver,
        reduce=settings.reduce,
        pipeline=settings.pipeline,
        future_seconds=settings.worker.future_seconds,
    )
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    quiet = not click.get_text_stream("stderr").isatty()
    with Progress(*columns, transient=True, disable=quiet, console=Terminal(stderr=True)) as bar:
        task = bar.add_task(f"replaying {recording}", total=1.0)
        run = run_offline(
            content,
            configured_ranker(settings.model),
            config=config,
            progress=lambda share: bar.update(task, completed=share),
        )
    outputs = _last_revisions(run.outputs) if final else run.outputs
    if as_json:
        _print_json(outputs, run)
    else:
        _print_table(run)


def _last_revisions(outputs: Iterable[Output]) -> list[Output]:
    last: dict[str, Output] = {}
    rest: list[Output] = []
    for output in outputs:
        if isinstance(output, IncidentPublished):
            last.pop(output.incident.incident_id, None)
            last[output.incident.incident_id] = output
        else:
            rest.append(output)
    return [*last.values(), *rest]


def _print_json(outputs: Iterable[Output], run: OfflineRun) -> None:
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


def _print_table(run: OfflineRun) -> None:
    console = Terminal()
    for output in _last_revisions(run.outputs):
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
