"""`rootline import NAME SRC DEST`: a public labelled set as one recording a case."""

from collections import Counter
from pathlib import Path

import click
import orjson
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from agents.importers.errors import LayoutError
from agents.importers.layout import SETS, recordings_of
from agents.importers.store import store
from agents.options import json_option
from agents.terminal import say, say_json
from schemas.recording import Recording


@click.command(name="import")
@click.argument("name", required=False)
@click.argument("src", required=False, type=click.Path(path_type=Path))
@click.argument("dest", required=False, type=click.Path(path_type=Path))
@click.option(
    "--limit", type=click.IntRange(min=1), help="Most cases to import; all unless given."
)
@click.option("--list", "as_list", is_flag=True, help="Name the sets that can be imported.")
@json_option
def import_set(
    *,
    name: str | None,
    src: Path | None,
    dest: Path | None,
    limit: int | None,
    as_list: bool,
    as_json: bool,
) -> None:
    """Import the set NAME that lies in SRC as recordings DEST/<suite>/<case>/."""
    if as_list:
        _list(as_json=as_json)
        return
    if name is None or src is None or dest is None:
        msg = "import needs NAME, SRC and DEST; `rootline import --list` names the sets"
        raise LayoutError(msg)
    _report(_import(name, src, dest, limit), name, dest, as_json=as_json)


def _import(name: str, src: Path, dest: Path, limit: int | None) -> list[Recording]:
    """Write the recordings and return their heads alone: the columns of all would be many."""
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    heads: list[Recording] = []
    with Progress(
        *columns, transient=True, disable=not click.get_text_stream("stderr").isatty()
    ) as bar:
        task = bar.add_task(f"importing {name}", total=limit)
        for recording in recordings_of(name, src):
            store(recording, dest)
            heads.append(_head(recording))
            case = f"{recording.provenance['suite']}/{recording.provenance['case']}"
            bar.update(task, advance=1, description=f"{len(heads)} imported: {case}")
            if len(heads) == limit:
                break
    return heads


def _head(recording: Recording) -> Recording:
    return Recording(
        environment=recording.environment,
        start_ms=recording.start_ms,
        end_ms=recording.end_ms,
        resolution_seconds=recording.resolution_seconds,
        provenance=recording.provenance,
        truth=recording.truth,
    )


def _list(*, as_json: bool) -> None:
    if as_json:
        rows = [{"name": name, "summary": entry.summary} for name, entry in SETS.items()]
        say_json(rows, orjson.OPT_INDENT_2)
        return
    width = max(map(len, SETS))
    for name, entry in SETS.items():
        say(f"{name:<{width}}  {entry.summary}")


def _report(heads: list[Recording], name: str, dest: Path, *, as_json: bool) -> None:
    suites = Counter(str(head.provenance["suite"]) for head in heads)
    healthy = sum(head.truth == () for head in heads)
    if as_json:
        facts = {
            "set": name,
            "dest": str(dest),
            "recordings": len(heads),
            "healthy": healthy,
            "suites": dict(sorted(suites.items())),
        }
        say_json(facts, orjson.OPT_INDENT_2)
        return
    for suite, count in sorted(suites.items()):
        say(f"{dest / suite}: {count} recordings")
    if heads:
        first = heads[0].provenance
        say(f"next: rootline replay {dest / first['suite'] / first['case']}")
