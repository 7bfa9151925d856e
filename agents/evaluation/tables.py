"""What `rootline evaluate` prints: a table of suites, one of baselines, one of failures."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

Figures = Mapping[str, Any]
_FAILURES_SHOWN = 20


def show(result: Figures, console: Console) -> None:
    """Print an evaluation."""
    console.print(Text(f"model: {result['model']}, {result['recordings']} recordings"))
    console.print(_suites(result["suites"]))
    if any(suite.get("baselines") for suite in result["suites"]):
        console.print(_baselines(result["suites"]))
    if any(suite["splits"] for suite in result["suites"]):
        console.print(_splits(result["suites"]))
    if any(suite["without"] for suite in result["suites"]):
        console.print(_without(result["suites"]))
    if any(suite["healthy"]["recordings"] for suite in result["suites"]):
        console.print(_healthy(result["suites"]))
    if result.get("grouping"):
        console.print(_grouping(result["grouping"]))
    if result.get("perturbations"):
        console.print(_perturbations(result["perturbations"]))
    failures = [f for suite in result["suites"] for f in suite["failures"]]
    if failures:
        console.print(_failures(result["suites"], len(failures)))
    for note in result["notes"]:
        console.print(Text(note))


def _table(title: str, *headings: str) -> Table:
    # Without a frame it fits 80 columns.
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _named(suite: Figures) -> tuple[Text, str]:
    return Text(str(suite["suite"])), str(suite["protocol"])


def _suites(suites: Sequence[Figures]) -> Table:
    headings = (
        "suite",
        "protocol",
        "cases",
        "AC@1",
        "95 %",
        "AC@3",
        "AC@5",
        "Avg@5",
        "MRR",
        "ECE",
    )
    table = _table("the ranker", *headings)
    for suite in suites:
        figures = (suite.get(key) for key in ("ac@3", "ac@5", "avg@5", "mrr", "ece"))
        table.add_row(
            *_named(suite),
            str(suite["cases"]),
            shown(suite.get("ac@1")),
            _interval(suite.get("ci95_ac@1")),
            *(shown(figure) for figure in figures),
        )
    return table


def _baselines(suites: Sequence[Figures]) -> Table:
    table = _table("baselines on the same cases", "suite", "protocol", "method", "AC@1", "AC@3")
    for suite in suites:
        own = {"rootline": suite, **suite["baselines"]}
        for name, figures in own.items():
            found = figures or {}
            table.add_row(*_named(suite), name, shown(found.get("ac@1")), shown(found.get("ac@3")))
    return table


def _splits(suites: Sequence[Figures]) -> Table:
    table = _table(
        "trained without what is asked", "suite", "protocol", "split", "AC@1", "AC@3", "ECE"
    )
    for suite in suites:
        for name, figures in suite["splits"].items():
            found = (shown(figures.get(key)) for key in ("ac@1", "ac@3", "ece"))
            table.add_row(*_named(suite), name, *found)
    return table


def _without(suites: Sequence[Figures]) -> Table:
    table = _table("without a block of measures", "suite", "protocol", "block", "AC@1", "AC@3")
    for suite in suites:
        for block, figures in suite["without"].items():
            found = (shown(figures.get(key)) for key in ("ac@1", "ac@3"))
            table.add_row(*_named(suite), block, *found)
    return table


def _healthy(suites: Sequence[Figures]) -> Table:
    table = _table(
        "healthy recordings",
        *("suite", "protocol", "recordings", "hours", "false incidents", "a day", "specificity"),
    )
    for suite in suites:
        found = suite["healthy"]
        if found["recordings"]:
            table.add_row(
                *_named(suite),
                str(found["recordings"]),
                shown(found["hours"], 1),
                str(found["false_incidents"]),
                shown(found["per_day"], 1),
                shown(found["specificity"]),
            )
    return table


def _grouping(suites: Figures) -> Table:
    table = _table(
        "storms", "suite", "faults", "storms", "ARI", "split", "merged", "noise kept out"
    )
    for suite, by_faults in suites.items():
        for faults, found in by_faults.items():
            rates = (found[key] for key in ("ari", "split_rate", "merge_rate", "noise_kept_out"))
            table.add_row(
                Text(suite), faults, str(found["storms"]), *(shown(rate) for rate in rates)
            )
    return table


def _perturbations(suites: Figures) -> Table:
    table = _table("made worse", "suite", "what", "level", "cases", "AC@1", "AC@3")
    for suite, ways in suites.items():
        for name, way in ways.items():
            for point in way["points"]:
                found = (shown(point[key]) for key in ("ac@1", "ac@3"))
                level = f"{point['level']:g}"
                table.add_row(Text(suite), name, level, str(point["cases"]), *found)
    return table


def _failures(suites: Sequence[Figures], count: int) -> Table:
    title = f"{count} cases whose root was not first"
    if count > _FAILURES_SHOWN:
        title += f"; the first {_FAILURES_SHOWN} (--json has all)"
    table = _table(title, "case", "protocol", "root", "first instead", "rank", "why")
    for suite in suites:
        for failure in suite["failures"]:
            if table.row_count < _FAILURES_SHOWN:
                table.add_row(
                    Text(failure["case"]),
                    suite["protocol"],
                    Text(", ".join(failure["truth"])),
                    Text(failure["answer"] or "-"),
                    shown(failure["rank"], 1),
                    failure["why"],
                )
    return table


def shown(figure: float | None, decimals: int = 3) -> str:
    """Write a figure, a dash for none.

    >>> shown(0.89421), shown(None)
    ('0.894', '-')
    """
    return "-" if figure is None else f"{figure:.{decimals}f}"


def _interval(low_high: Sequence[float] | None) -> str:
    return "-" if low_high is None else "{:.2f}-{:.2f}".format(*low_high)
