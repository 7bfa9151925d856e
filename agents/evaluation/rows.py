"""Training rows of collected recordings: the same questions that are judged, with their truth."""

from collections.abc import Iterable

from agents.evaluation.asked import Collected, Inquiry
from agents.evaluation.identity import Identity
from agents.evaluation.judge import Protocol, inquiry_of
from models.case_library import read_library, shipped_files
from models.cases import CaseLabel, CaseRow, row_of
from models.moments import kept_moments
from models.pattern_catalogue import default_catalogue
from schemas.component import Component


def rows_of(cases: Iterable[Collected], protocol: Protocol) -> list[CaseRow]:
    """Make rows: of a fault's questions a few moments; of questions without a root as they are."""
    rows: list[CaseRow] = []
    for case in cases:
        inquiry = inquiry_of(case, protocol)
        if inquiry is not None:
            rows += _rows(inquiry, _label(case.identity))
        if protocol == "online":
            for place, other in enumerate(case.others, start=1):
                rows += _rows(other, _label(case.identity, noise=place))
    return rows


def library_rows(without: Iterable[str]) -> list[CaseRow]:
    """Read the rows that the shipped ranker learnt from, without those of some systems."""
    left_out = set(without)
    library = read_library(shipped_files())
    return [row for row in library.simulated_rows() if row.topology not in left_out]


def _rows(inquiry: Inquiry, label: CaseLabel) -> list[CaseRow]:
    catalogue = default_catalogue()
    # Evidence ends a while after the last alert: later questions have the same age.
    by_age = {t.question.context.get("elapsed_s", 0.0): t.question for t in inquiry.questions}
    ages = sorted(by_age)
    return [row_of(by_age[ages[m]], label, catalogue) for m in kept_moments(ages)]


def _label(identity: Identity, noise: int = 0) -> CaseLabel:
    """Label a case. One root is learnt: of several, the first."""
    rooted = not identity.healthy and not noise
    known = default_catalogue().find(identity.fault) is not None
    return CaseLabel(
        case=f"{identity.key}/noise-{noise}" if noise else identity.key,
        topology=identity.system,
        fault=identity.fault if rooted else "none",
        seed=0,
        source=identity.source,
        pattern=identity.fault if rooted and known else "",
        root=Component(name=identity.roots[0]) if rooted else None,
    )
