"""The parts of the report that are about suites: figures, baselines, honesty, time, failures.

Each takes the suites of one run and gives its heading and content, or nothing where there is none.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from agents.evaluation.report_html import Html, element, folded, table
from agents.evaluation.report_plots import Bar, bars, reliability, risk_coverage, strip
from agents.evaluation.report_words import (
    Figures,
    best_baseline,
    interval,
    number,
    seen,
    spoken,
)

Suites = Sequence[Figures]
FAILURES_SHOWN = 300
"""Failures listed of one suite and protocol; the JSON has all."""
_RANKING = ("ac@1", "ac@3", "ac@5", "avg@5", "mrr")


def section(heading: str, explanation: str, *content: str) -> Html:
    """Put content below a heading and a sentence that says how to read it; nothing for none."""
    if not content:
        return Html()
    said = element("p", explanation, class_="note")
    return element("section", element("h3", heading), said, *content)


def cards(pictures: Iterable[tuple[str, Html]]) -> list[Html]:
    """Set pictures side by side, each with its name above."""
    shown = [element("figure", element("figcaption", n), picture) for n, picture in pictures]
    return [element("div", *shown, class_="cards")] if shown else []


def named(suite: Figures) -> str:
    """Name a suite and its protocol."""
    return f"{suite['suite']} · {suite['protocol']}"


def headline(suites: Suites) -> Html:
    """Lay out each suite and protocol with its figures and the best baseline."""
    headings = (
        *("suite", "protocol", "cases", "AC@1", "95 % (Wilson)", "", "AC@3", "AC@5", "Avg@5"),
        *("MRR", "ECE", "Brier", "seen", "best baseline", "lead", "95 % (groups)"),
    )
    return section(
        "Figures",
        "AC@k: share of cases whose root is among the first k. No incident, or a root that is no "
        "candidate, counts as a miss. ECE and Brier are of the probability said for the first. "
        "“Seen”: whether the ranker was trained on cases of the same system. Lead: AC@1 less the "
        "best baseline's, case by case. Intervals by groups draw whole groups of repeats.",
        table(headings, (_figures(s) for s in suites if s["cases"]), words=2),
    )


def _figures(suite: Figures) -> tuple[str, ...]:
    best = best_baseline(suite)
    name, found = best if best is not None else ("-", {})
    share, ends = suite.get("ac@1"), suite.get("ci95_ac@1")
    return (
        element("b", suite["suite"]),
        suite["protocol"],
        str(suite["cases"]),
        element("b", number(share)),
        interval(ends),
        strip(share, ends) if share is not None and ends is not None else "",
        *(number(suite.get(key)) for key in (*_RANKING[1:], "ece", "brier")),
        seen(suite),
        f"{spoken(name)} {number(found.get('ac@1'))}" if found else "-",
        f"{number(found.get('lead'))} ({interval(found.get('ci95_lead'))})" if found else "-",
        interval(suite.get("ci95_ac@1_clusters")),
    )


def baselines(suites: Suites) -> Html:
    """Draw AC@1 beside the baselines' on the same cases."""
    return section(
        "Beside the baselines",
        "AC@1 on the same cases in the same run; lines are 95 % Wilson intervals. Chance has one "
        "over the number of candidates.",
        *cards((named(s), _beside(s)) for s in suites if s.get("baselines")),
    )


def _beside(suite: Figures) -> Html:
    own = Bar(name="Rootline", share=suite["ac@1"], interval=suite["ci95_ac@1"], own=True)
    others = [
        Bar(
            name=spoken(name),
            share=(found or {}).get("ac@1"),
            interval=(found or {}).get("ci95_ac@1"),
        )
        for name, found in suite["baselines"].items()
    ]
    order = sorted([own, *others], key=lambda b: 1.0 if b.share is None else -b.share)
    hard = suite.get("hard") or {}
    picture = bars(f"AC@1 of each method on {named(suite)}", order)
    if not hard.get("cases"):
        return picture
    words = f"{hard['cases']} cases that the latency ratio misses: AC@1 {number(hard['ac@1'])}."
    return element("div", picture, element("p", words, class_="note"))


def honesty(suites: Suites) -> Html:
    """Draw reliability diagrams."""
    return section(
        "Are the probabilities honest?",
        "Answers in up to ten bins of equal size by the probability said for the first. Below the "
        "diagonal more was promised than came.",
        *cards(
            (f"{named(s)} · ECE {number(s.get('ece'))}", reliability(named(s), s["reliability"]))
            for s in suites
            if s.get("reliability")
        ),
    )


def silence(suites: Suites) -> Html:
    """Draw risk against coverage."""
    return section(
        "What does keeping silent save?",
        "The share that is wrong when only the surest are answered. A case without an incident is "
        "never answered. A curve that rises from the left says that the probabilities sort well.",
        *cards(
            (named(s), risk_coverage(named(s), s["risk_coverage"]))
            for s in suites
            if s.get("risk_coverage")
        ),
    )


def unseen(suites: Suites) -> Html:
    """Lay out what is left when training goes without what is asked about."""
    rows = [
        (
            element("b", s["suite"]),
            s["protocol"],
            spoken(name).replace("-", " "),
            str(f["cases"]),
            *(number(f.get(key)) for key in _RANKING),
            interval(f.get("ci95_ac@1")),
            number(f.get("ece")),
        )
        for s in suites
        for name, f in (s.get("splits") or {}).items()
        if f["cases"]
    ]
    headings = (
        *("suite", "protocol", "trained without", "cases", "AC@1", "AC@3", "AC@5", "Avg@5"),
        *("MRR", "95 % (Wilson)", "ECE"),
    )
    return section(
        "Trained without what is asked about",
        "Each case is answered by a ranker that has seen nothing of its system, kind of fault or "
        "root.",
        *([table(headings, rows, words=3)] if rows else []),
    )


def calm(suites: Suites) -> Html:
    """Lay out what was raised while nothing was wrong."""
    rows = [
        (element("b", s["suite"]), s["protocol"], what, *_raised(found))
        for s in suites
        for what, found in (
            ("healthy recordings", s.get("healthy")),
            ("time before faults", s.get("before_faults")),
        )
        if found and found["hours"]
    ]
    headings = (
        *("suite", "protocol", "time", "recordings", "hours", "false incidents", "a day"),
        "specificity",
    )
    return section(
        "While nothing was wrong",
        "Specificity: share of healthy recordings in which nobody was blamed. An incident whose "
        "every answer was an abstention blames nobody.",
        *([table(headings, rows, words=3)] if rows else []),
    )


def _raised(found: Figures) -> tuple[str, ...]:
    return (
        str(found.get("recordings", "-")),
        number(found["hours"], 1),
        str(found["false_incidents"]),
        number(found["per_day"], 1),
        number(found.get("specificity")),
    )


def strata(suites: Suites) -> Html:
    """Lay out the parts of suites."""
    rows = [
        (
            element("b", s["suite"]),
            s["protocol"],
            name,
            str(found["cases"]),
            *(number(found.get(key)) for key in _RANKING),
            interval(found.get("ci95_ac@1")),
        )
        for s in suites
        for name, found in s["strata"].items()
    ]
    headings = (
        *("suite", "protocol", "part", "cases", "AC@1", "AC@3", "AC@5", "Avg@5", "MRR"),
        "95 % (Wilson)",
    )
    return section(
        "Parts of the suites",
        "As the sets tell their cases apart.",
        *([folded(f"{len(rows)} parts", table(headings, rows, words=3))] if rows else []),
    )


def failures(suites: Suites) -> Html:
    """List every case whose root was not first."""
    return section(
        "Failures",
        "Every case whose root was not first, with what was said instead.",
        *(_failures(s) for s in suites if s["failures"]),
    )


def _failures(suite: Figures) -> Html:
    found: Sequence[dict[str, Any]] = suite["failures"]
    headings = ("case", "root", "first instead", "why", "rank", "probability", "abstained")
    rows = (
        (
            f["case"],
            ", ".join(f["truth"]),
            f["answer"] or "-",
            f["why"],
            number(f["rank"], 1),
            number(f["confidence"], 2),
            "yes" if f["abstained"] else "",
        )
        for f in found[:FAILURES_SHOWN]
    )
    more = len(found) - FAILURES_SHOWN
    left = [element("p", f"{more} more are in the JSON.", class_="note")] if more > 0 else []
    title = f"{named(suite)}: {len(found)} of {suite['cases']} cases"
    return folded(title, table(headings, rows, words=4), *left)
