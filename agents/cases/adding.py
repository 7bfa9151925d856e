"""`rootline cases add RECORDING...`: recordings whose truth is known become cases."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents.cases.case_file import CaseFile
from agents.cases.errors import CasesError
from agents.cases.options import library_option
from agents.evaluation.collect import Wanted, collect
from agents.evaluation.identity import identity_of
from agents.evaluation.judge import PROTOCOLS, Protocol
from agents.evaluation.places import recording_folders
from agents.evaluation.rows import rows_of
from agents.offline import OfflineConfig
from agents.options import json_option, settings_option
from agents.recordings import read_recording
from agents.settings import Settings
from agents.terminal import Terminal, say, say_json
from models.cases import CaseRow
from models.rules import RuleRanker
from schemas.recording import Recording

_FILE = "added.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What came of it: how many rows, and the cases by name."""

    rows: int
    added: list[str]
    known: list[str]
    without_incident: list[str]


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
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    default="online",
    show_default=True,
    help="What is asked: as online, or about the window that the recording's set gives.",
)
@json_option
def add_cases(
    settings: Settings,
    *,
    recordings: tuple[Path, ...],
    folder: Path | None,
    target: Path | None,
    protocol: Protocol,
    as_json: bool,
) -> None:
    """Run the engine over RECORDINGS that have a truth, and append what it asked as cases.

    A case that the file has already is left as it is.
    """
    file = CaseFile(_target(settings, folder, target))
    folders = recording_folders(recordings)
    added = _add(folders, file, settings, protocol)
    if as_json:
        say_json({"file": str(file.path), **asdict(added)})
    else:
        _show(file, added)


def _target(settings: Settings, folder: Path | None, target: Path | None) -> Path:
    own = folder or settings.cases.library_dir
    if target is not None:
        return target
    if own is None:
        msg = "where to is not known; give --to FILE or --library DIR, or set cases.library_dir"
        raise CasesError(msg)
    return own / _FILE


def _add(folders: Sequence[Path], file: CaseFile, settings: Settings, protocol: Protocol) -> Added:
    config = OfflineConfig(
        resolver=settings.resolver,
        reduce=settings.reduce,
        pipeline=settings.pipeline,
        future_seconds=settings.worker.future_seconds,
    )
    wanted = Wanted(online=protocol == "online", published=protocol == "published", config=config)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    console = Terminal(stderr=True)
    rows: list[CaseRow] = []
    known: list[str] = []
    quiet: list[str] = []
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("running the engine", total=len(folders))
        for place in folders:
            recording = _told(place)
            identity = identity_of(recording)
            if file.has(identity.source, identity.system, identity.key):
                known.append(identity.key)
            else:
                # Questions do not depend on who answers them: the rules do as well as a ranker.
                asked = collect(recording, wanted, RuleRanker())
                found = rows_of([asked] if asked else [], protocol)
                # Of one whose fault opened no incident the file may have the noise already.
                found = [r for r in found if not file.has(r.source, r.topology, r.case)]
                file.append(found)
                rows += found
                quiet += [] if found else [identity.key]
            bar.advance(task)
    names = sorted({row.case for row in rows})
    return Added(rows=len(rows), added=names, known=known, without_incident=quiet)


def _told(place: Path) -> Recording:
    recording = read_recording(place)
    if recording.truth is None:
        msg = (
            f"{place} does not say what was wrong; expected a truth.json, which may hold no fault"
        )
        raise CasesError(msg)
    return recording


def _show(file: CaseFile, added: Added) -> None:
    for name in added.added:
        say(f"added {name}")
    for name in added.known:
        say(f"left {name}, which the file has already")
    for name in added.without_incident:
        say(f"no incident came of {name}, so it is no case")
    say(f"{added.rows} rows of {len(added.added)} cases appended to {file.path}")
