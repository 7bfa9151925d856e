"""The report of a campaign: a table, JSON, and a Markdown file. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.faults.campaign import Result
from tests.faults.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One row's score; seconds are None where no run came to its end."""

    name: str
    title: str
    runs: int
    wanted: int
    failed: int
    recovery_median: float | None
    recovery_max: float | None
    repeats: int
    copies: int
    notes: tuple[str, ...]


def scores(rows: Iterable[Row], results: Sequence[Result]) -> list[Score]:
    """Return the score of every row that was run."""
    found = []
    for row in rows:
        mine = [result for result in results if result.row == row.name]
        if not mine:
            continue
        runs = [result.run for result in mine if result.run is not None]
        seconds = [run.recovery_seconds for run in runs]
        notes = [note for run in runs for note in run.notes]
        found.append(
            Score(
                name=row.name,
                title=row.title,
                runs=len(mine),
                wanted=row.full,
                failed=sum(not result.passed for result in mine),
                recovery_median=median(seconds) if seconds else None,
                recovery_max=max(seconds, default=None),
                repeats=sum(run.outcome.repeats() for run in runs),
                copies=sum(run.outcome.copies() for run in runs),
                notes=tuple(sorted({*notes})),
            )
        )
    return found


def as_json(found: Sequence[Score], results: Sequence[Result], facts: Mapping[str, Any]) -> Any:
    """Return everything as plain data."""
    return {
        **facts,
        "rows": [{name: getattr(score, name) for name in Score.__slots__} for score in found],
        "failures": [
            {
                "row": result.row,
                "run": result.number,
                "error": result.error,
                "findings": [f"{each.kind}: {each.sentence}" for each in result.findings],
            }
            for result in results
            if not result.passed
        ],
    }


def as_markdown(
    found: Sequence[Score], results: Sequence[Result], facts: Mapping[str, Any]
) -> str:
    """Return the report as a page."""
    lines = ["# Faults", ""]
    lines += [f"- {name.replace('_', ' ')}: {value}" for name, value in facts.items()]
    lines += ["", *table(found)]
    for result in results:
        if not result.passed:
            what = result.error or "; ".join(f"{f.kind}: {f.sentence}" for f in result.findings)
            lines += ["", f"**{result.row}, run {result.number}**: {what}"]
    return "\n".join(lines) + "\n"


def table(found: Sequence[Score]) -> list[str]:
    """Return the scores as a Markdown table."""
    lines = [
        "| fault | runs (full) | failed | recovery median | max | repeats | chat copies |",
        "|---|---|---|---|---|---|---|",
    ]
    for score in found:
        cells = (
            score.title + "".join(f" ({note})" for note in score.notes),
            f"{score.runs} ({score.wanted})",
            str(score.failed),
            seconds(score.recovery_median),
            seconds(score.recovery_max),
            str(score.repeats),
            str(score.copies),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def seconds(value: float | None) -> str:
    """Write a time.

    >>> seconds(1.25), seconds(None)
    ('1.2 s', '-')
    """
    return "-" if value is None else f"{value:.1f} s"
