"""`rootline train`: the ranker from case rows; `--simulate N` makes new rows first.

The shipped rows give the shipped artefact, byte for byte.
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from agents.case_factory import Run, make_rows, runs_of
from agents.errors import RootlineError
from agents.options import json_option
from models.case_rows import decode_rows, encode_rows
from models.cases import CaseRow
from models.simulator.simulate import TOPOLOGIES
from models.training import TrainingResult
from models.training import train as train_ranker

_SHIPPED_ROWS = "library/simulated.jsonl"
_SHIPPED_ARTEFACT = Path(__file__).parent.parent / "models" / "artefacts" / "ranker.json"


class NothingToTrainError(RootlineError):
    """The command line names rows that cannot be read."""


@click.command()
@click.option(
    "--rows",
    "row_files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="File of case rows; may be given often. Without it: the shipped ones.",
)
@click.option(
    "--simulate", "seeds", type=int, help="Simulate every fault with seeds 1 to N first."
)
@click.option(
    "--topologies",
    default=",".join(TOPOLOGIES),
    show_default=True,
    help="Systems to simulate, separated by commas.",
)
@click.option("--jobs", type=int, default=2, show_default=True, help="Processes that simulate.")
@click.option(
    "--rows-out", type=click.Path(path_type=Path), help="File to write the simulated rows to."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=_SHIPPED_ARTEFACT,
    help="File to write the ranker to; without it the shipped one is replaced.",
)
@json_option
def train(  # noqa: PLR0913 - click passes each option as a parameter of its own
    *,
    row_files: tuple[Path, ...],
    seeds: int | None,
    topologies: str,
    jobs: int,
    rows_out: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """Train the ranker and say how good it is on cases it has not seen."""
    if seeds is not None:
        chosen = [t for t in topologies.split(",") if t]
        if seeds < 1 or set(chosen) - set(TOPOLOGIES) or not chosen:
            msg = f"--simulate wants at least 1 and --topologies some of {', '.join(TOPOLOGIES)}"
            raise NothingToTrainError(msg)
        rows = _simulated(runs_of(chosen, seeds), jobs)
        if rows_out is not None:
            rows_out.write_bytes(b"".join(encode_rows(rows)))
    else:
        rows = _read(row_files)
    result = train_ranker(rows, progress=_tell, provenance={"made_by": "rootline train"})
    out.write_bytes(result.artefact)
    if as_json:
        click.echo(orjson.dumps({"out": str(out), "report": result.report}))
    else:
        _show(result, out)


def _read(row_files: tuple[Path, ...]) -> list[CaseRow]:
    if not row_files:
        return list(decode_rows(files("models").joinpath(_SHIPPED_ROWS).read_bytes()))
    rows: list[CaseRow] = []
    for path in row_files:
        try:
            rows += decode_rows(path.read_bytes())
        except OSError as error:
            msg = f"{path} cannot be read ({error.strerror}); expected a file of case rows"
            raise NothingToTrainError(msg) from error
    return rows


def _simulated(runs: list[Run], jobs: int) -> list[CaseRow]:
    console = Console(stderr=True)
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
        click.echo(sentence, err=True)


def _show(result: TrainingResult, out: Path) -> None:
    report: Mapping[str, Any] = result.report
    table = Table(title=f"{report['cases']} cases, {report['questions']} questions")
    for heading in ("trained without", "AC@1", "95 %", "AC@3", "MRR", "ECE", "Brier"):
        table.add_column(heading)
    parts = [(f"its {name}", part["final"]) for name, part in report["splits"].items()]
    parts.append(("anything (rules only)", report["baselines"]["rules"]["final"]))
    for name, figures in parts:
        low, high = figures["ci95_ac@1"]
        table.add_row(
            name,
            f"{figures['ac@1']:.3f}",
            f"{low:.2f} to {high:.2f}",
            *(f"{figures[key]:.3f}" for key in ("ac@3", "mrr", "ece", "brier")),
        )
    console = Console()
    console.print(table)
    console.print(f"wrote {out}, {result.ranker.version}")
