"""`rootline train`: the ranker from case rows; `--simulate N` makes new rows first.

The shipped rows give the shipped artefact, byte for byte.
"""

from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents.case_factory import Run, make_rows, runs_of
from agents.errors import RootlineError
from agents.options import json_option
from agents.terminal import Terminal, say, say_json
from agents.training_tables import by_fault, by_split
from models.case_library import read_library, shipped_files
from models.case_rows import decode_rows, encode_rows
from models.cases import CaseRow
from models.simulator.simulate import TOPOLOGIES, is_topology
from models.training import TrainingResult
from models.training import train as train_ranker

_TOPOLOGIES = ("random", "shop", "random-40", "bank")
_ROOT = Path(__file__).parent.parent
_SHIPPED_ARTEFACT = _ROOT / "models" / "artefacts" / "ranker.json"


class NothingToTrainError(RootlineError):
    """The command line names rows that cannot be read, or no place that can be written to."""


@click.command()
@click.option(
    "--rows",
    "row_files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="File of case rows; may be given often. Without it: the shipped ones.",
)
@click.option(
    "--simulate",
    "seeds",
    type=int,
    help="Simulate every fault N times, and healthy runs, and train from these rows.",
)
@click.option(
    "--topologies",
    default=",".join(_TOPOLOGIES),
    show_default=True,
    help="Systems to simulate, separated by commas.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Processes that simulate.",
)
@click.option(
    "--rows-out", type=click.Path(path_type=Path), help="File to write the simulated rows to."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File to write the ranker to; in a source tree the shipped one unless given.",
)
@json_option
def train(  # noqa: PLR0913 - click passes each option as a parameter of its own
    *,
    row_files: tuple[Path, ...],
    seeds: int | None,
    topologies: str,
    jobs: int,
    rows_out: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Train the ranker and say how good it is on cases it has not seen."""
    out = out or _place_of_shipped()
    _check_folders(out, *([rows_out] if rows_out is not None else []))
    if seeds is None:
        if rows_out is not None:
            msg = "--rows-out is expected with --simulate N only: there are no new rows to write"
            raise NothingToTrainError(msg)
        rows = _read(row_files)
    else:
        if row_files:
            msg = "--rows and --simulate are both given, expected one; write rows, then name all"
            raise NothingToTrainError(msg)
        rows = _simulated(_chosen_runs(topologies, seeds), jobs)
        if rows_out is not None:
            _write(rows_out, b"".join(encode_rows(rows)))
    result = train_ranker(rows, progress=_tell, provenance={"made_by": "rootline train"})
    _write(out, result.artefact)
    if as_json:
        say_json({"out": str(out), "report": result.report})
    else:
        _show(result, out)


def _place_of_shipped() -> Path:
    """Return where the shipped ranker lies, which only a source tree lets be replaced."""
    if not (_ROOT / "pyproject.toml").is_file():
        msg = "--out FILE is expected: this Rootline is installed, its own ranker stays as it is"
        raise NothingToTrainError(msg)
    return _SHIPPED_ARTEFACT


def _check_folders(*paths: Path) -> None:
    """Find a place that cannot be written to before the work is done, not after it."""
    for path in paths:
        if path.is_dir() or not path.parent.is_dir():
            msg = f"{path} cannot be written; expected a file's name in a folder that exists"
            raise NothingToTrainError(msg)


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        msg = f"{path} cannot be written ({error.strerror}); expected a file that may be replaced"
        raise NothingToTrainError(msg) from error


def _chosen_runs(topologies: str, seeds: int) -> list[Run]:
    chosen = [t for t in topologies.split(",") if t]
    if seeds < 1 or not chosen or not all(is_topology(name) for name in chosen):
        msg = (
            f"--simulate wants at least 1 and --topologies some of {', '.join(TOPOLOGIES)}, "
            "random-10 to random-200"
        )
        raise NothingToTrainError(msg)
    return runs_of(list(dict.fromkeys(chosen)), seeds)


def _read(row_files: tuple[Path, ...]) -> list[CaseRow]:
    if not row_files:
        return list(read_library(shipped_files()).simulated_rows())
    rows: list[CaseRow] = []
    for path in row_files:
        try:
            rows += decode_rows(path.read_bytes())
        except OSError as error:
            msg = f"{path} cannot be read ({error.strerror}); expected a file of case rows"
            raise NothingToTrainError(msg) from error
    return rows


def _simulated(runs: list[Run], jobs: int) -> list[CaseRow]:
    console = Terminal(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("simulating cases", total=len(runs))
        made = make_rows(runs, jobs=jobs, done=lambda _: bar.advance(task))
        return [row for rows in made for row in rows]


def _tell(sentence: str) -> None:
    if click.get_text_stream("stderr").isatty():
        say(sentence, err=True)


def _show(result: TrainingResult, out: Path) -> None:
    console = Terminal()
    console.print(by_split(result.report))
    console.print(by_fault(result.report))
    console.print(f"wrote {out}, {result.ranker.version}")
