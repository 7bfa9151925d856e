"""What `rootline train` prints: how good the ranker is on cases that it has not seen.

It reads the report of models/training.py; a figure that the cases do not give is a dash.
"""

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table

_Figures = Mapping[str, Any]


def by_split(report: _Figures) -> Table:
    """Lay out the last answers of all cases, a line for each way of leaving cases out."""
    table = Table(title=f"{report['cases']} cases, {report['questions']} questions")
    for heading in ("trained without", "AC@1", "95 %", "AC@3", "MRR", "ECE", "Brier"):
        table.add_column(heading)
    parts = [(f"its {name}", part["final"]) for name, part in report["splits"].items()]
    parts.append(("anything (rules only)", report["baselines"]["rules"]["final"]))
    for name, figures in parts:
        others = (_shown(figures.get(key)) for key in ("ac@3", "mrr", "ece", "brier"))
        table.add_row(name, _shown(figures.get("ac@1")), _interval(figures), *others)
    return table


def by_fault(report: _Figures) -> Table:
    """Lay out AC@1 and AC@3 for each kind of fault, a pair of columns for each split."""
    tables = {name: part["by_fault"] for name, part in report["splits"].items()}
    tables["rules"] = report["baselines"]["rules"]["by_fault"]
    # Without frame and in two decimals it fits 80 columns.
    title = "AC@1/AC@3 by kind of fault, by what training left out"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True)
    for heading in ("fault", "cases", *tables):
        table.add_column(heading, no_wrap=True)
    for fault, cases in report["faults"].items():
        found = [figures.get(fault, {}) for figures in tables.values()]
        pairs = ([_shown(f.get(key), 2) for key in ("ac@1", "ac@3")] for f in found)
        table.add_row(fault, str(cases), *("/".join(pair) for pair in pairs))
    return table


def _shown(figure: float | None, decimals: int = 3) -> str:
    """Write a figure.

    >>> _shown(0.89421), _shown(None)
    ('0.894', '-')
    """
    return "-" if figure is None else f"{figure:.{decimals}f}"


def _interval(figures: _Figures) -> str:
    low_high = figures.get("ci95_ac@1")
    return "-" if low_high is None else "{:.2f} to {:.2f}".format(*low_high)
