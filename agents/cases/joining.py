"""A verdict and the incident's last question together are a case. Pure."""

import difflib
from dataclasses import replace

from agents.cases.kept import NOT_KNOWN, KeptQuestion
from models.cases import CaseRow
from models.pattern_catalogue import Catalogue
from schemas.errors import SchemaError
from schemas.verdict import Outcome, Verdict

NO_FAULT = "none"


def case_of(verdict: Verdict, kept: KeptQuestion, catalogue: Catalogue) -> CaseRow:
    """Label the row of an incident; who gave the verdict and the note stay out of it.

    A root that was not among the candidates makes a case for "none of these".

    Raises:
        SchemaError: the pattern is not in the catalogue, or cannot be that component's.
    """
    if verdict.outcome is Outcome.NOTHING_WRONG:
        return replace(kept.row, root=None, pattern="", fault=NO_FAULT, seed=verdict.revision)
    root = kept.place_of(verdict.component)
    if verdict.outcome is Outcome.CONFIRMED and root is None:
        msg = (
            f"the verdict confirms {verdict.component!r}, which was not among the "
            f"{len(kept.digests)} candidates of incident {verdict.incident_id}; name it as the "
            "incident does, or say corrected"
        )
        raise SchemaError(msg)
    _check_pattern(verdict.pattern, catalogue)
    return replace(
        kept.row,
        root=root,
        pattern=verdict.pattern,
        fault=verdict.pattern or NOT_KNOWN,
        seed=verdict.revision,
    )


def _check_pattern(pattern: str, catalogue: Catalogue) -> None:
    if not pattern or catalogue.find(pattern) is not None:
        return
    near = difflib.get_close_matches(pattern, [p.id for p in catalogue.patterns], n=1)
    hint = f"did you mean {near[0]}?" if near else "leave it out, or name one of the catalogue"
    msg = f"the pattern {pattern!r} is not in the catalogue; {hint}"
    raise SchemaError(msg)
