"""What a check of `rootline doctor` found: a verdict and one sentence that says what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is; only FAIL makes the command fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check's result."""

    check: str
    verdict: Verdict
    sentence: str


def ok(check: str, sentence: str) -> Finding:
    """All is well."""
    return Finding(check=check, verdict=Verdict.OK, sentence=sentence)


def warn(check: str, sentence: str) -> Finding:
    """It works, but somebody should know."""
    return Finding(check=check, verdict=Verdict.WARN, sentence=sentence)


def fail(check: str, sentence: str) -> Finding:
    """It does not work."""
    return Finding(check=check, verdict=Verdict.FAIL, sentence=sentence)
