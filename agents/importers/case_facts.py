"""What every imported case says of itself: the `provenance` of its recording."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How the set's publishers ask about a case.

    `symptom` is where they say trouble was seen, "" where they don't; `candidates` are those that
    they rank, empty for everybody.
    """

    window_start_ms: int
    window_end_ms: int
    onset_ms: int
    symptom: str = ""
    candidates: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as it is written; no candidates means all components."""
        written: dict[str, Any] = {
            "window_start_ms": self.window_start_ms,
            "window_end_ms": self.window_end_ms,
            "onset_ms": self.onset_ms,
            "symptom": self.symptom,
        }
        return {**written, "candidates": list(self.candidates)} if self.candidates else written


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """Which case of which set, and what an evaluation has to know of it.

    `case` is unique in the suite and becomes its folder; `group` names cases that must lie on one
    side of a split: same root, same fault. `more` is whatever only this set has to say.
    """

    set: str
    suite: str
    system: str
    case: str
    licence: str
    granularity: str  # service | instance | node
    kind: str = "injected"
    split: str = "all"  # train | test | all
    group: str = ""
    strata: dict[str, str] = field(default_factory=dict)
    protocol: Protocol | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the provenance of the case's recording."""
        written = {
            "kind": self.kind,
            "set": self.set,
            "suite": self.suite,
            "system": self.system,
            "case": self.case,
            "split": self.split,
            "strata": self.strata,
            "group": self.group or self.case,
            "licence": self.licence,
            "granularity": self.granularity,
            **self.more,
        }
        if self.protocol is not None:
            written["protocol"] = self.protocol.as_json()
        return written
