"""How many cases of the library stand behind each pattern: counted, never written by hand."""

from collections.abc import Iterable

from models.cases import SOURCES, CaseRow


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
