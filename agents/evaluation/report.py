"""The report page: one HTML file of one or more evaluations that needs nothing but itself.

`rootline evaluate --report FILE` writes it of its own run; this module run by itself makes it of
files that `--json` wrote: `python -m agents.evaluation.report OUT FILE...`.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import orjson

from agents.evaluation import report_sections as parts
from agents.evaluation import report_strain as strain
from agents.evaluation.errors import EvaluationError
from agents.evaluation.report_html import Html, element, joined
from agents.evaluation.report_words import Figures

_TITLE = "How well Rootline finds root causes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One evaluation: what it is called, and its figures as `--json` gives them."""

    name: str
    figures: Figures


def page(runs: Sequence[Run]) -> str:
    """Write the page of some runs."""
    style = files("agents.evaluation").joinpath("report.css").read_text(encoding="utf-8")
    viewport = "width=device-width, initial-scale=1"
    head = element(
        "head",
        Html('<meta charset="utf-8">'),
        Html(f'<meta name="viewport" content="{viewport}">'),
        element("title", _TITLE),
        element("style", Html(style)),
    )
    body = element("body", element("h1", _TITLE), *_contents(runs), *_chapters(runs))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def write(runs: Sequence[Run], path: Path) -> None:
    """Write the page into a file.

    Raises:
        EvaluationError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(runs), encoding="utf-8")
    except OSError as error:
        msg = f"the report cannot be written to {path}: {error.strerror}; choose another place"
        raise EvaluationError(msg) from error


def read_runs(paths: Sequence[Path]) -> list[Run]:
    """Read what `rootline evaluate --json` printed, each run named like its file.

    Raises:
        EvaluationError: a file holds anything else.
    """
    return [Run(name=path.stem, figures=_read(path)) for path in paths]


def _read(path: Path) -> Figures:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        msg = f"{path} cannot be read ({error}), expected what `rootline evaluate --json` prints"
        raise EvaluationError(msg) from error
    if not isinstance(found, dict) or not {"model", "suites", "notes"} <= found.keys():
        msg = f"{path} has no suites, expected what `rootline evaluate --json` prints"
        raise EvaluationError(msg)
    return found


def _contents(runs: Sequence[Run]) -> Iterator[Html]:
    if len(runs) > 1:
        links = (element("a", r.name, href=f"#run-{n}") for n, r in enumerate(runs))
        yield element("nav", element("ul", *(element("li", link) for link in links)))


def _chapters(runs: Sequence[Run]) -> Iterator[Html]:
    for number, run in enumerate(runs):
        heading = [element("h2", run.name, id=f"run-{number}")] if len(runs) > 1 else []
        yield element("main" if len(runs) == 1 else "article", *heading, _chapter(run.figures))


def _chapter(run: Figures) -> Html:
    suites = run["suites"]
    told = (
        f"Ranker: {run['model']}. {run['recordings']} recordings, "
        f"{run['messages_rejected']} messages rejected, {run['wall_seconds']:.0f} s."
    )
    late = run.get("onset_error_s") or 0.0
    moved = f" Given onsets were moved by {late:g} s." if late else ""
    return joined(
        [
            element("p", told + moved, class_="note"),
            *(element("p", note, class_="note") for note in run["notes"]),
            parts.headline(suites),
            parts.baselines(suites),
            parts.unseen(suites),
            parts.honesty(suites),
            parts.silence(suites),
            strain.times(suites),
            parts.calm(suites),
            strain.without(suites),
            strain.worse(run.get("perturbations") or {}),
            strain.grouping(run.get("grouping") or {}),
            parts.strata(suites),
            parts.failures(suites),
        ]
    )


def main(arguments: Sequence[str]) -> int:
    """Make a report of files: the file to write, then those to read."""
    if len(arguments) < 2:
        sys.stderr.write("usage: python -m agents.evaluation.report OUT FILE...\n")
        return 2
    try:
        write(read_runs([Path(a) for a in arguments[1:]]), Path(arguments[0]))
    except EvaluationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
