"""`rootline cases verify`: whether the library may be learnt from, and be handed on."""

import sys
from pathlib import Path

import click

from agents.cases.library import library_files
from agents.cases.options import library_option, own_option
from agents.cli import one_line
from agents.options import json_option, settings_option
from agents.settings import Settings
from agents.terminal import say, say_json
from models.case_checks import Checked, Finding, check_library
from models.pattern_catalogue import default_catalogue


@click.command(name="verify")
@settings_option
@library_option
@own_option
@json_option
def verify_cases(settings: Settings, *, folder: Path | None, own: bool, as_json: bool) -> None:
    """Check every row: readable, its pattern and measures known, no names, no repeats.

    Exit code 1 when something must be mended, else 0.
    """
    files = library_files(settings.cases, folder, shipped=not own)
    checked = check_library(files, default_catalogue())
    if as_json:
        say_json(_plain(checked))
    else:
        for finding in checked.findings:
            say(_sentence(finding))
        say(_total(checked))
    sys.exit(1 if checked.problems else 0)


def _plain(checked: Checked) -> dict[str, object]:
    def told(problems: bool) -> list[dict[str, object]]:
        return [
            {"file": f.file, "line": f.line, "sentence": f.sentence}
            for f in checked.findings
            if f.is_problem is problems
        ]

    numbers = {"files": checked.files, "rows": checked.rows, "cases": checked.cases}
    return numbers | {"problems": told(problems=True), "remarks": told(problems=False)}


def _sentence(finding: Finding) -> str:
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    mark = "problem" if finding.is_problem else "remark"
    return one_line(f"{mark}  {place}  {finding.sentence}")


def _total(checked: Checked) -> str:
    told = f"{checked.rows} rows of {checked.cases} cases in {checked.files} files"
    if not checked.rows:
        return f"{told}: nothing to check; name a folder with --library"
    if checked.problems:
        return f"{told}: {len(checked.problems)} problems; mend them before training"
    return f"{told}: fine"
