"""An operator's verdict on an incident: who was the root cause after all, if anybody.

It comes in on the topic `verdicts` (key: the incident's id) and becomes a case of the library;
`schemas/codecs/verdicts.py` reads it, `schemas/published/verdict.schema.json` describes it.
"""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What the operator says of the ranking."""

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    NOTHING_WRONG = "nothing_wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One verdict. `component` is named as the incident names it, "" where nothing was wrong.

    `pattern` is an id of the catalogue, or "" where the operator does not say. `revision` counts
    the verdicts on one incident: a higher one overrules a lower one, the same one is a repeat.
    """

    incident_id: str
    outcome: Outcome
    at_ms: int
    component: str = ""
    pattern: str = ""
    who: str = ""
    note: str = ""
    revision: int = 1
