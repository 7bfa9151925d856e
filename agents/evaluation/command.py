"""`rootline evaluate RECORDINGS...`: how good a ranker is on recordings whose truth is known."""

from pathlib import Path
from typing import Any

import click
import orjson
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents.evaluation.ablation import EACH, blocks_of
from agents.evaluation.errors import EvaluationError
from agents.evaluation.folds import FOLD_KEYS, SPLITS
from agents.evaluation.judge import PROTOCOLS
from agents.evaluation.plain import plain
from agents.evaluation.pool import Done
from agents.evaluation.report import Run, write
from agents.evaluation.request import Request
from agents.evaluation.run import evaluate as run_evaluation
from agents.evaluation.subject import RULES, subject_of
from agents.evaluation.tables import show
from agents.offline import OfflineConfig
from agents.options import json_option, settings_option
from agents.settings import Settings
from agents.terminal import Terminal, say_json
from models.readings import BLOCKS

_FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("recordings", nargs=-1, required=True, type=_FOLDER)
@click.option("--model", help="File of a trained ranker, or `rules`; else the configured one.")
@click.option(
    "--train-on",
    multiple=True,
    type=_FOLDER,
    help="Recordings to train on instead, and on nothing else; may be given often.",
)
@click.option(
    "--cross-validate",
    type=click.IntRange(min=2),
    metavar="K",
    help="Train in K folds; each recording is answered by a fold that has not seen it.",
)
@click.option(
    "--fold-by",
    type=click.Choice(list(FOLD_KEYS)),
    default="group",
    show_default=True,
    help="What folds keep together: repeats of one root and fault, or a recording alone.",
)
@click.option("--with-library", is_flag=True, help="Train on the shipped case rows as well.")
@click.option(
    "--split",
    "splits",
    multiple=True,
    type=click.Choice([*SPLITS, "none"]),
    help="Also train without what is asked about; may be given often.",
)
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    default=10,
    show_default=True,
    help="Folds of a split at most; where there is more to leave out, several go together.",
)
@click.option(
    "--protocol",
    type=click.Choice([*PROTOCOLS, "both"]),
    default="both",
    show_default=True,
    help="Onset and incident found by the pipeline, or window and onset as the set gives them.",
)
@click.option(
    "--onset-error",
    "onset_error_s",
    type=float,
    default=0.0,
    metavar="SECONDS",
    help="Move the published onset: above 0 it is late, below early.",
)
@click.option("--baselines", is_flag=True, help="Rerun the published and trivial methods too.")
@click.option(
    "--grouping", "storms", is_flag=True, help="Also overlay faults and judge how alerts group."
)
@click.option(
    "--perturb",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Also make N recordings of each suite worse, way by way and level by level.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice([*BLOCKS, EACH]),
    help="Also take a block of measures out of all questions; each: every block, one by one.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Processes."
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write a page with plots: one HTML file that needs no network.",
)
@settings_option
@json_option
def evaluate(  # noqa: PLR0913 - click passes each option as a parameter of its own
    *,
    recordings: tuple[Path, ...],
    model: str | None,
    train_on: tuple[Path, ...],
    cross_validate: int | None,
    fold_by: str,
    with_library: bool,
    splits: tuple[str, ...],
    folds: int,
    protocol: str,
    onset_error_s: float,
    baselines: bool,
    storms: bool,
    perturb: int,
    without: tuple[str, ...],
    jobs: int,
    report: Path | None,
    settings: Settings,
    as_json: bool,
) -> None:
    """Say how good a ranker is on RECORDINGS, folders of recordings or of more folders."""
    trains = bool(train_on) or cross_validate is not None
    if model is not None and trains:
        msg = "--model is given with --train-on or --cross-validate, expected one or the other"
        raise EvaluationError(msg)
    if perturb and trains:
        msg = "--perturb is given where a ranker is trained, expected one that is there: --model"
        raise EvaluationError(msg)
    if without and with_library:
        msg = (
            "--without is given with --with-library, whose rows keep every block; expected one or "
            "the other"
        )
        raise EvaluationError(msg)
    request = Request(
        recordings=recordings,
        # Where a ranker is trained here, the rules answer the engine while it is asked.
        subject=subject_of(RULES if trains else model, settings.model),
        config=_config(settings),
        train_on=train_on,
        cross_validate=cross_validate,
        fold_by=fold_by,
        with_library=with_library,
        splits=tuple(dict.fromkeys(s for s in splits if s != "none")),
        folds=folds,
        protocols=PROTOCOLS
        if protocol == "both"
        else tuple(p for p in PROTOCOLS if p == protocol),
        onset_error_s=onset_error_s,
        baselines=baselines,
        storms=storms,
        perturb=perturb,
        without=blocks_of(without),
        jobs=jobs,
    )
    result = plain(_evaluated(request))
    _print(result, as_json=as_json)
    if report is not None:
        write([Run(name=", ".join(map(str, recordings)), figures=result)], report)


def _config(settings: Settings) -> OfflineConfig:
    return OfflineConfig(
        resolver=settings.resolver,
        reduce=settings.reduce,
        pipeline=settings.pipeline,
        future_seconds=settings.worker.future_seconds,
    )


def _evaluated(request: Request) -> dict[str, Any]:
    console = Terminal(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:

        def stage(name: str, steps: int) -> Done:
            task = bar.add_task(name, total=steps)
            return lambda: bar.advance(task)

        return run_evaluation(request, stage)


def _print(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(result, orjson.OPT_INDENT_2)
    else:
        show(result, Terminal())
