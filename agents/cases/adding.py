"""`rootline cases add RECORDING...`: recordings whose truth is known become cases."""

from collections.abc import Sequence
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents.cases.case_file import CaseFile
from agents.cases.errors import CasesError
from agents.cases.options import library_option
from agents.evaluation.collect import Wanted, collect_folder
from agents.evaluation.places import recording_folders
from agents.evaluation.rows import rows_of
from agents.offline import OfflineConfig
from agents.options import json_option, settings_option
from agents.settings import Settings
from models.case_library import CaseLibrary, library_of
from models.cases import CaseRow
from models.rules import RuleRanker

_FILE = "added.jsonl"


@click.command(name="add")
@click.argument("recordings", nargs=-1, required=True, type=click.Path(path_type=Path))
@settings_option
@library_option
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path),
    help=f"File to append to; else {_FILE} in your library's folder.",
)
@json_option
def add_cases(
    settings: Settings,
    *,
    recordings: tuple[Path, ...],
    folder: Path | None,
    target: Path | None,
    as_json: bool,
) -> None:
    """Run the engine over RECORDINGS that have a truth, and append what it asked as cases.

    A case that the file has already is left as it is.
    """
    file = CaseFile(_target(settings, folder, target))
    folders = recording_folders(recordings)
    rows = _rows(folders, settings)
    new = [row for row in rows if not file.has(row)]
    file.append(new)
    _tell(file, new, library_of((file.path.name, row) for row in rows), as_json=as_json)


def _target(settings: Settings, folder: Path | None, target: Path | None) -> Path:
    own = folder or settings.cases.library_dir
    if target is not None:
        return target
    if own is None:
        msg = "where to is not known; give --to FILE or --library DIR, or set cases.library_dir"
        raise CasesError(msg)
    return own / _FILE


def _rows(folders: Sequence[Path], settings: Settings) -> list[CaseRow]:
    config = OfflineConfig(
        resolver=settings.resolver,
        reduce=settings.reduce,
        pipeline=settings.pipeline,
        future_seconds=settings.worker.future_seconds,
    )
    wanted = Wanted(published=False, config=config)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    console = Console(stderr=True)
    rows: list[CaseRow] = []
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("running the engine", total=len(folders))
        for place in folders:
            # Questions do not depend on who answers them: the rules are as good as any ranker.
            collected = collect_folder(place, wanted, RuleRanker())
            if collected is None:
                msg = (
                    f"{place} does not say what was wrong; expected a truth.json, which may hold "
                    "no fault"
                )
                raise CasesError(msg)
            rows += rows_of([collected], "online")
            bar.advance(task)
    return rows


def _tell(file: CaseFile, new: Sequence[CaseRow], found: CaseLibrary, *, as_json: bool) -> None:
    added = sorted({row.case for row in new})
    known = sorted({case.name for case in found.cases} - set(added))
    if as_json:
        told = {"file": str(file.path), "rows": len(new), "added": added, "known": known}
        click.echo(orjson.dumps(told))
        return
    for name in added:
        click.echo(f"added {name}")
    for name in known:
        click.echo(f"left {name}, which the file has already")
    if not found.cases:
        click.echo("no incident came of it, so there is no case")
    click.echo(f"{len(new)} rows of {len(added)} cases appended to {file.path}")
