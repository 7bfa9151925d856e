"""The parts of the report that are about strain: time, what is worse, left out, or at once."""

from collections.abc import Iterator

from agents.evaluation.report_html import Html, element, table
from agents.evaluation.report_plots import Bar, bars, falls
from agents.evaluation.report_sections import Suites, cards, named, section
from agents.evaluation.report_words import Figures, number, spoken


def times(suites: Suites) -> Html:
    """Lay out when answers became right and settled."""
    rows = [_times(s) for s in suites if (s.get("seconds_to_first_correct") or {}).get("cases")]
    headings = (
        *("suite", "ever right", "median s", "p90 s", "ended right", "median s", "p90 s"),
        *("right by 30 s", "60 s", "120 s", "300 s", "revisions", "changes of the first"),
    )
    return section(
        "Time to the right answer",
        "Seconds from the fault's true onset, in the time of the set, until the root first stood "
        "first, and until it stood there for good; over the cases in which it did. Right by: of "
        "all cases. Revisions and changes of the first are medians of an incident.",
        *([table(headings, rows)] if rows else []),
    )


def _times(suite: Figures) -> tuple[str, ...]:
    first, stable = suite["seconds_to_first_correct"], suite["seconds_to_stable"]
    return (
        element("b", suite["suite"]),
        f"{first['cases']} of {suite['cases']}",
        number(first["median"], 0),
        number(first["p90"], 0),
        f"{stable['cases']} of {suite['cases']}",
        number(stable["median"], 0),
        number(stable["p90"], 0),
        *(number(share, 2) for share in suite["right_after_s"].values()),
        number(suite["revisions"]["median"], 1),
        number(suite["first_changes"]["median"], 1),
    )


def without(suites: Suites) -> Html:
    """Draw AC@1 with each block of measures left out."""
    return section(
        "What each block of measures is worth",
        "AC@1 when one block is taken out of every question, presence and all, before the ranker "
        "is trained or asked; nothing else changes.",
        *cards((named(s), _without(s)) for s in suites if s.get("without")),
    )


def _without(suite: Figures) -> Html:
    whole = Bar(name="all", share=suite["ac@1"], interval=suite["ci95_ac@1"], own=True)
    parts = [
        Bar(name=f"no {name}", share=f.get("ac@1"), interval=f.get("ci95_ac@1"))
        for name, f in suite["without"].items()
    ]
    return bars(f"AC@1 of {named(suite)} without each block", [whole, *parts])


def worse(suites: Figures) -> Html:
    """Draw how answers fall as recordings get worse."""
    return section(
        "Made worse on purpose",
        "Some recordings of each suite with something taken from them, level by level. The slope "
        "is that of least squares, in AC@1 per unit of the level.",
        *(part for suite, ways in suites.items() for part in _worse(suite, ways)),
    )


def _worse(suite: str, ways: Figures) -> Iterator[Html]:
    graded = {n: w for n, w in ways.items() if len(w["points"]) > 2}
    yield element("h4", suite)
    pictures = [
        (
            f"{spoken(name)}, slope {number(way['slope_ac@1'], 2)}",
            falls(f"{name} on {suite}", way["unit"], way["points"]),
        )
        for name, way in graded.items()
    ]
    switched = {n: w for n, w in ways.items() if len(w["points"]) == 2}
    yield from cards(
        [*pictures, *([("gone altogether", _gone(suite, switched))] * bool(switched))]
    )


def _gone(suite: str, ways: Figures) -> Html:
    calm = next(iter(ways.values()))["points"][0]
    parts = [Bar(name=spoken(n), share=w["points"][-1]["ac@1"]) for n, w in ways.items()]
    whole = Bar(name="as it is", share=calm["ac@1"], own=True)
    return bars(f"AC@1 of {suite} with something gone", [whole, *parts])


def grouping(suites: Figures) -> Html:
    """Lay out how alerts of overlaid faults were grouped."""
    rows = [
        (element("b", suite), faults, *_grouping(found))
        for suite, by_faults in suites.items()
        for faults, found in by_faults.items()
        if found["storms"]
    ]
    headings = (
        *("suite", "faults", "storms", "ARI", "B³ precision", "B³ recall", "split", "merged"),
        *("noise kept out", "reduction"),
    )
    return section(
        "Storms of several faults",
        "Recordings of one system laid over each other, with alerts of its healthy recordings as "
        "noise. ARI: adjusted Rand index of incidents against faults. Split: incidents a fault; "
        "merged: faults an incident; 1 is perfect for both. Noise kept out: share of noise alerts "
        "in no incident of a fault. Reduction: one less incidents an alert, over the storms whose "
        "pairwise precision is at least .95.",
        *([table(headings, rows)] if rows else []),
    )


def _grouping(found: Figures) -> tuple[str, ...]:
    keys = ("ari", "bcubed_precision", "bcubed_recall", "split_rate", "merge_rate")
    rates = (*keys, "noise_kept_out", "reduction")
    return (str(found["storms"]), *(number(found.get(key)) for key in rates))
