"""Writes the counts of `make fuzz` into docs/FUZZING.md.

python -m tests.fuzz.page [--folder build/fuzz]
"""

import argparse
from pathlib import Path
from typing import Any

import orjson

from tests.fuzz.targets import TARGETS

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "FUZZING.md"
BEGIN, END = "<!-- counts: python -m tests.fuzz.page -->", "<!-- end of counts -->"


def table(report: dict[str, dict[str, Any]]) -> str:
    """Lay the counts out, a target a row, and their sum."""
    rows = [
        "| target | inputs | of them taken | seconds | kept corpus | past findings |",
        "|---|---|---|---|---|---|",
    ]
    for name in TARGETS:
        entry = report.get(name, {"inputs": 0, "taken": 0, "seconds": 0.0})
        kept, past = (
            len(list((HERE / kind / name).glob("*"))) for kind in ("corpus", "regressions")
        )
        counts = (entry["inputs"], entry["taken"], round(entry["seconds"]), kept, past)
        rows.append(f"| {name} | {' | '.join(f'{count:,}' for count in counts)} |")
    known = [report[name] for name in TARGETS if name in report]
    inputs, taken = (sum(entry[key] for entry in known) for key in ("inputs", "taken"))
    minutes = sum(entry["seconds"] for entry in known) / 60
    past = sum(1 for path in (HERE / "regressions").rglob("*") if path.is_file())
    rows.append(
        f"| **all {len(TARGETS)}** | **{inputs:,}** | {taken:,} | {minutes:.0f} min | | {past} |"
    )
    return "\n".join(rows)


def main() -> None:
    """Renew the table between the marks."""
    parser = argparse.ArgumentParser(prog="page", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    report = orjson.loads((parser.parse_args().folder / "report.json").read_bytes())
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{table(report)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
