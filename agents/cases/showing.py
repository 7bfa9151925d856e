"""`rootline cases show CASE`: what was asked of it, and what the answer is."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from agents.cases.errors import CasesError
from agents.cases.library import read_cases
from agents.cases.listing import described
from agents.cases.options import library_option, own_option
from agents.options import json_option, settings_option
from agents.settings import Settings
from agents.terminal import Terminal, say_json
from models.case_library import Case, CaseLibrary
from models.cases import CaseRow
from models.pattern_catalogue import default_catalogue

_TOP = 12


@click.command(name="show")
@click.argument("name", metavar="CASE")
@settings_option
@library_option
@own_option
@json_option
def show_case(
    settings: Settings, *, name: str, folder: Path | None, own: bool, as_json: bool
) -> None:
    """Show one case: its verdict, its root's evidence and measures, and every moment kept."""
    case = _find(read_cases(settings.cases, folder, shipped=not own), name)
    if as_json:
        rows = [_moment(row) for row in case.rows]
        say_json(described(case) | {"questions": rows})
    else:
        _show(Terminal(), case)


def _find(library: CaseLibrary, name: str) -> Case:
    found = library.named(name)
    if len(found) > 1:
        names = ", ".join(f"{case.last.topology}:{case.name}" for case in found[:5])
        msg = f"{len(found)} systems have a case {name}; name one of them: {names}"
        raise CasesError(msg)
    if not found:
        near = difflib.get_close_matches(name, [case.name for case in library.cases], n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "`rootline cases list` has all."
        msg = f"there is no case {name} among {len(library.cases)}; {hint}"
        raise CasesError(msg)
    return found[0]


def _moment(row: CaseRow) -> dict[str, Any]:
    return {
        "elapsed_s": row.elapsed_s,
        "root": row.root,
        "context": row.context,
        "candidates": [
            {
                "candidate": f"c{place}",
                "kind": candidate.kind.value,
                "evidence": candidate.evidence,
                "measures": candidate.measures,
                "words": candidate.words,
                "change_kinds": candidate.change_kinds,
            }
            for place, candidate in enumerate(row.candidates)
        ],
    }


def _show(console: Terminal, case: Case) -> None:
    last = case.last
    pattern = default_catalogue().find(last.pattern) if last.pattern else None
    console.print(f"{case.name}, {last.source}, of {last.topology}, in {case.file}")
    console.print(f"fault: {last.fault}")
    if last.pattern:
        title = f" - {pattern.title}" if pattern is not None else " (not in the catalogue)"
        console.print(f"pattern: {last.pattern}{title}")
    moments = ", ".join(f"{row.elapsed_s:.0f}" for row in case.rows)
    console.print(f"asked {moments} s after the first alert")
    if last.root is None:
        console.print(f"root: none of the {len(last.candidates)} candidates")
        return
    root = last.candidates[last.root]
    console.print(f"root: c{last.root}, a {root.kind}, of {len(last.candidates)} candidates")
    console.print(_numbers("evidence of the root", root.evidence))
    console.print(_numbers("measure of the root", root.measures))
    for action in pattern.first_actions if pattern is not None else ():
        console.print(f"- {action}")


def _numbers(title: str, values: Mapping[str, float]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(title)
    table.add_column("", justify="right")
    for name, value in sorted(values.items(), key=lambda item: (-abs(item[1]), item[0]))[:_TOP]:
        table.add_row(name, f"{value:.4g}")
    return table
