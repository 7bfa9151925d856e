"""`rootline cases list`: which cases there are, and how many of what."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from agents.cases.library import read_cases
from agents.cases.options import library_option, own_option
from agents.options import json_option, settings_option
from agents.settings import Settings
from agents.terminal import Terminal, say_json
from models.case_library import FAMILY_UNKNOWN, Case, CaseFilter, counts
from models.cases import SOURCES
from models.pattern_counts import case_counts


@click.command(name="list")
@settings_option
@library_option
@own_option
@click.option("--source", type=click.Choice(SOURCES), help="Only cases of this source.")
@click.option("--pattern", default="", help="Only this pattern, or those that begin so.")
@click.option("--family", default="", help="Only patterns of this family.")
@click.option("--system", default="", help="Only cases of this system.")
@click.option("--counts", "only_counts", is_flag=True, help="Only how many of what.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Most cases shown."
)
@json_option
def list_cases(  # noqa: PLR0913 - click passes each option as a parameter of its own
    settings: Settings,
    *,
    folder: Path | None,
    own: bool,
    source: str | None,
    pattern: str,
    family: str,
    system: str,
    only_counts: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List the cases of the library, and count them."""
    library = read_cases(settings.cases, folder, shipped=not own)
    wanted = CaseFilter(source=source or "", pattern=pattern, family=family, system=system)
    found = library.matching(wanted)
    if as_json:
        told = {
            "total": len(found),
            "of": len(library.cases),
            "counts": counts(found),
            "patterns": case_counts(row for case in found for row in case.rows),
        }
        listed = [] if only_counts else [described(case) for case in found]
        say_json(told | {"cases": listed})
        return
    console = Terminal()
    if only_counts:
        _show_counts(console, found)
    elif found:
        _show_cases(console, found[:limit])
    console.print(_total(found, limit, len(library.cases), only_counts=only_counts))


def described(case: Case) -> dict[str, Any]:
    """Give a case's head as plain data."""
    last = case.last
    return {
        "case": case.name,
        "system": last.topology,
        "source": last.source,
        "family": "" if case.family == FAMILY_UNKNOWN else case.family,
        "pattern": last.pattern,
        "fault": last.fault,
        "root_kind": last.candidates[last.root].kind.value if last.root is not None else None,
        "candidates": len(last.candidates),
        "moments": [row.elapsed_s for row in case.rows],
        "file": case.file,
    }


def _show_cases(console: Terminal, cases: Sequence[Case]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("case", "system", "source", "pattern"):
        table.add_column(column, overflow="fold")
    table.add_column("root")
    table.add_column("moments", justify="right")
    for case in cases:
        told = described(case)
        table.add_row(
            case.name,
            told["system"],
            told["source"],
            told["pattern"] or f"({told['fault']})",
            told["root_kind"] or "none",
            str(len(case.rows)),
        )
    console.print(table)


def _show_counts(console: Terminal, cases: Sequence[Case]) -> None:
    for name, by_value in counts(cases).items():
        table = Table(box=None, pad_edge=False)
        table.add_column(name, overflow="fold")
        table.add_column("cases", justify="right")
        for value, count in by_value.items():
            table.add_row(value, str(count))
        console.print(table)
        console.print()


def _total(found: Sequence[Case], limit: int, of: int, *, only_counts: bool) -> str:
    if not found:
        return f"no case of {of} is as asked; `rootline cases list --counts` says what there is"
    by_source = ", ".join(f"{count} {name}" for name, count in counts(found)["source"].items())
    hidden = len(found) - limit
    more = f"; {hidden} are not shown, see --limit" if hidden > 0 and not only_counts else ""
    return f"{len(found)} of {of} cases: {by_source}{more}"
