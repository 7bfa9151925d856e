"""How many patterns there are, and how many cases behind each: counted, never written by hand."""

from collections import Counter
from collections.abc import Iterable

from models.cases import SOURCES, CaseRow
from models.pattern_catalogue import PROVENANCES, Catalogue


def case_counts(rows: Iterable[CaseRow]) -> dict[str, dict[str, int]]:
    """Count the cases of each pattern by source: {pattern: {real, injected, simulated}}.

    A case counts once, however many moments of it are rows. Rows without a pattern (nothing was
    wrong, or the sort is not known) count nowhere; neither do masked copies, which have none.
    """
    cases = {(r.pattern, r.source, r.topology, r.case) for r in rows if r.pattern}
    counts = {pattern: dict.fromkeys(SOURCES, 0) for pattern, *_ in sorted(cases)}
    for pattern, source, _, _ in sorted(cases):
        counts[pattern][source] += 1
    return counts


def families_table(catalogue: Catalogue) -> str:
    """Write how many patterns each family has, by provenance, as the table of docs/PATTERNS.md."""
    total = Counter((p.family, p.provenance) for p in catalogue.patterns)
    families = sorted({p.family for p in catalogue.patterns})
    lines = [
        f"| family | patterns | {' | '.join(PROVENANCES)} |",
        f"|---|{'---|' * (1 + len(PROVENANCES))}",
    ]
    for family in families:
        counts = [total[family, provenance] for provenance in PROVENANCES]
        lines.append(f"| {family} | {_cells([sum(counts), *counts])} |")
    sums = [sum(total[f, provenance] for f in families) for provenance in PROVENANCES]
    lines.append(f"| all {len(families)} | {_cells([sum(sums), *sums])} |")
    return "\n".join(lines) + "\n"


def _cells(numbers: Iterable[int]) -> str:
    return " | ".join(str(number) for number in numbers)
