"""Prints a comparison: a table of differences and what could not be compared, or JSON lines."""

from collections.abc import Sequence

from rich.table import Table

from agents.replay.comparing import Comparison
from agents.replay.differences import Difference
from agents.terminal import Terminal, say, say_json

_NAMED = 10
_UNCERTAIN = (
    "not to be compared: these share alerts with incidents that were open when reading began"
)


def print_comparison(result: Comparison, *, as_json: bool) -> None:
    """Print what was compared and what differs."""
    if as_json:
        _print_json(result)
        return
    if result.differences:
        Terminal().print(_table("differences", result.differences))
    if result.uncertain:
        Terminal().print(_table(_UNCERTAIN, result.uncertain))
    for sentence in _sentences(result):
        say(sentence)


def _sentences(result: Comparison) -> list[str]:
    said = [f"note: {note}" for note in result.notes]
    if result.begun_before:
        names = ", ".join(result.begun_before[:_NAMED])
        more = ", ..." if len(result.begun_before) > _NAMED else ""
        said.append(
            f"not compared: {len(result.begun_before)} incidents that began before --since "
            f"({names}{more})"
        )
    if result.unsettled:
        said.append(
            f"not compared: {result.unsettled} incidents of signals that no worker has "
            "committed yet"
        )
    count = len({each.incident_id for each in result.differences})
    counts = f"{result.published} published, {result.rebuilt} rebuilt"
    verdict = f"{count} of them differ" if count else "no difference"
    return [*said, f"{result.compared} incidents compared ({counts}): {verdict}"]


def _table(title: str, differences: Sequence[Difference]) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in ("incident", "environment", "differs in", "how"):
        table.add_column(heading, overflow="fold")
    for each in differences:
        table.add_row(each.incident_id, each.environment, each.kind.value, each.sentence)
    return table


def _print_json(result: Comparison) -> None:
    for name, differences in (
        ("difference", result.differences),
        ("uncertain", result.uncertain),
    ):
        for each in differences:
            say_json({name: each})
    say_json(
        {
            "summary": {
                "compared": result.compared,
                "published": result.published,
                "rebuilt": result.rebuilt,
                "differing": len({each.incident_id for each in result.differences}),
                "begun_before": result.begun_before,
                "unsettled": result.unsettled,
                "notes": result.notes,
            }
        }
    )
