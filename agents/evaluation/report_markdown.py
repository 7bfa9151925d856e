"""The tables of docs/EVALUATION.md, written anew between its markers from files of figures.

`python -m agents.evaluation.report_markdown FILE...` is what `make evaluate` runs; a file is named
by its stem, so tables of runs that are not given stay as they are.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from agents.evaluation.errors import EvaluationError
from agents.evaluation.report import Run, read_runs
from agents.evaluation.report_words import (
    Figures,
    best_baseline,
    interval,
    number,
    seen,
    spoken,
)
from agents.unsafe_text import shown

PAGE = Path("docs/EVALUATION.md")
FAILURES_SHOWN = 12
"""Failures shown of one suite and protocol; the report lists all."""
_MARKED = re.compile(r"(<!-- table (\w+) (\S+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def renewed(page: str, runs: Sequence[Run]) -> str:
    """Fill the tables of the runs that are given into a page.

    Raises:
        EvaluationError: a marker names a table that there is not.
    """
    by_name = {run.name: run.figures for run in runs}

    def filled(found: re.Match[str]) -> str:
        begin, kind, name, _, end = found.groups()
        if kind not in TABLES:
            msg = f"there is no table {kind}, expected one of {', '.join(TABLES)}"
            raise EvaluationError(msg)
        if name not in by_name:
            return found[0]
        return f"{begin}\n{TABLES[kind](by_name[name])}\n{end}"

    return _MARKED.sub(filled, page)


def _laid_out(headings: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [" | ".join(map(_cell, row)) for row in rows]
    if not lines:
        return "Nothing was measured.\n"
    rule = "|".join("---" for _ in headings)
    return "\n".join(
        [f"| {' | '.join(headings)} |", f"|{rule}|", *(f"| {x} |" for x in lines), ""]
    )


def _cell(text: str) -> str:
    r"""Write text so that it stays text, on one line, in one cell.

    >>> print(_cell("a|b\\|c <x>\n**d**"))
    a\|b\\\|c \<x\> \*\*d\*\*
    """
    return re.sub(r"([\\|<>`*_~!&\[\]])", r"\\\1", shown(text).replace("\n", " "))


def _suites(run: Figures) -> str:
    headings = (
        *("suite", "protocol", "cases", "AC@1", "95 %", "AC@3", "AC@5", "Avg@5", "MRR", "ECE"),
        *("seen", "best baseline"),
    )
    body = _laid_out(headings, (_suite(s) for s in run["suites"] if s["cases"]))
    return f"Ranker: {_cell(run['model'])}; {run['recordings']} recordings.\n\n{body}"


def _suite(suite: Figures) -> tuple[str, ...]:
    best = best_baseline(suite)
    beside = f"{spoken(best[0])} {number(best[1]['ac@1'])}" if best else "-"
    keys = ("ac@3", "ac@5", "avg@5", "mrr", "ece")
    return (
        *(suite["suite"], suite["protocol"], str(suite["cases"]), number(suite.get("ac@1"))),
        interval(suite.get("ci95_ac@1")),
        *(number(suite.get(key)) for key in keys),
        seen(suite),
        beside,
    )


def _baselines(run: Figures) -> str:
    suites = [s for s in run["suites"] if s.get("baselines")]
    names = sorted({name for s in suites for name in s["baselines"]})
    rows = (
        (
            *(s["suite"], s["protocol"], number(s["ac@1"])),
            *(number((s["baselines"].get(n) or {}).get("ac@1"), 2) for n in names),
        )
        for s in suites
    )
    return _laid_out(("suite", "protocol", "Rootline", *map(spoken, names)), rows)


def _splits(run: Figures) -> str:
    rows = (
        (
            *(s["suite"], s["protocol"], name, str(f["cases"])),
            *(number(f.get(key)) for key in ("ac@1", "ac@3", "ece")),
            interval(f.get("ci95_ac@1")),
        )
        for s in run["suites"]
        for name, f in s["splits"].items()
        if f["cases"]
    )
    headings = ("suite", "protocol", "trained without", "cases", "AC@1", "AC@3", "ECE", "95 %")
    return _laid_out(headings, rows)


def _parts(run: Figures) -> str:
    rows = (
        (
            *(s["suite"], s["protocol"], name, str(f["cases"])),
            *(number(f.get(key)) for key in ("ac@1", "ac@3", "mrr")),
        )
        for s in run["suites"]
        for name, f in s["strata"].items()
    )
    return _laid_out(("suite", "protocol", "part", "cases", "AC@1", "AC@3", "MRR"), rows)


def _without(run: Figures) -> str:
    suites = [s for s in run["suites"] if s.get("without")]
    names = list(dict.fromkeys(name for s in suites for name in s["without"]))
    rows = (
        (
            *(s["suite"], s["protocol"], number(s["ac@1"])),
            *(number(s["without"].get(name, {}).get("ac@1")) for name in names),
        )
        for s in suites
    )
    return _laid_out(("suite", "protocol", "all", *names), rows)


def _calm(run: Figures) -> str:
    rows = (
        (
            *(s["suite"], s["protocol"], what, str(f.get("recordings", "-"))),
            *(number(f["hours"], 1), str(f["false_incidents"]), number(f["per_day"], 1)),
            number(f.get("specificity")),
        )
        for s in run["suites"]
        for what, f in (
            ("healthy recordings", s["healthy"]),
            ("before faults", s.get("before_faults")),
        )
        if f and f["hours"]
    )
    headings = (
        *("suite", "protocol", "time", "recordings", "hours", "false incidents", "a day"),
        "specificity",
    )
    return _laid_out(headings, rows)


def _times(run: Figures) -> str:
    rows = (
        (
            *(s["suite"], f"{s['seconds_to_first_correct']['cases']} of {s['cases']}"),
            number(s["seconds_to_first_correct"]["median"], 0),
            number(s["seconds_to_first_correct"]["p90"], 0),
            number(s["seconds_to_stable"]["median"], 0),
            *(number(share, 2) for share in s["right_after_s"].values()),
        )
        for s in run["suites"]
        if (s.get("seconds_to_first_correct") or {}).get("cases")
    )
    headings = (
        *("suite", "ever right", "first right, median s", "p90 s", "for good, median s"),
        *("right by 30 s", "60 s", "120 s", "300 s"),
    )
    return _laid_out(headings, rows)


def _worse(run: Figures) -> str:
    rows = (
        (
            *(suite, spoken(name), way["unit"]),
            ", ".join(f"{p['level']:g}: {number(p['ac@1'], 2)}" for p in way["points"]),
            number(way["slope_ac@1"]),
        )
        for suite, ways in (run.get("perturbations") or {}).items()
        for name, way in ways.items()
    )
    return _laid_out(("suite", "made worse", "level is", "level: AC@1", "slope"), rows)


def _grouping(run: Figures) -> str:
    keys = ("ari", "bcubed_precision", "bcubed_recall", "split_rate", "merge_rate")
    rows = (
        (
            *(suite, faults, str(f["storms"]), str(f.get("incomplete", 0))),
            *(number(f.get(key)) for key in (*keys, "noise_kept_out", "reduction")),
        )
        for suite, by_faults in (run.get("grouping") or {}).items()
        for faults, f in by_faults.items()
        if f["storms"]
    )
    headings = (
        *("suite", "faults", "storms", "incomplete", "ARI", "B³ precision", "B³ recall"),
        *("split", "merged", "noise kept out", "reduction"),
    )
    return _laid_out(headings, rows)


def _failures(run: Figures) -> str:
    rows = (
        (
            *(f["case"], s["protocol"], ", ".join(f["truth"]), f["answer"] or "-"),
            *(number(f["rank"], 1), number(f["confidence"], 2), f["why"]),
        )
        for s in run["suites"]
        for f in s["failures"][:FAILURES_SHOWN]
    )
    headings = ("case", "protocol", "root", "first instead", "rank", "probability", "why")
    return _laid_out(headings, rows)


TABLES: Mapping[str, Callable[[Figures], str]] = {
    "suites": _suites,
    "baselines": _baselines,
    "splits": _splits,
    "parts": _parts,
    "without": _without,
    "calm": _calm,
    "times": _times,
    "worse": _worse,
    "grouping": _grouping,
    "failures": _failures,
}
"""What can stand between markers, by the word in the marker."""


def main(arguments: Sequence[str], page: Path = PAGE) -> int:
    """Renew the page's tables from the files given."""
    try:
        runs = read_runs([Path(a) for a in arguments])
        page.write_text(renewed(page.read_text(encoding="utf-8"), runs), encoding="utf-8")
    except (EvaluationError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
