"""How PetShop's normal period is cut: long pieces to listen to, short windows to ask about.

A window asks on normal data what an issue asked: the same symptom, as long, after as much history.
Pieces share no sample; windows share their histories, so they are asked about and not listened to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from agents.importers.case_facts import Protocol
from agents.importers.petshop_metrics import STEP_MS
from schemas.recording import Recording

PIECE_SAMPLES = 150
"""How much of the normal period's beginning makes one piece: twelve hours and a half."""
WINDOW_EVERY = 18
"""From window to window: every hour and a half another one, of ever another time of day."""
_CLOSING_MS = 1_000
"""A recording ends this long after its last sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an issue's protocol asks: where trouble was seen, how long before the end, of whom."""

    symptom: str
    metric: str
    span_ms: int
    candidates: tuple[str, ...]

    @classmethod
    def of(cls, issue: Recording) -> "Asked":
        """Read it from an issue's recording."""
        protocol = issue.provenance["protocol"]
        return cls(
            symptom=protocol["symptom"],
            metric=issue.provenance["strata"]["symptom"],
            span_ms=protocol["window_end_ms"] - protocol["onset_ms"],
            candidates=tuple(protocol.get("candidates", ())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Some rows of the normal period; `asked` is None for a piece."""

    first: int
    rows: int
    asked: Asked | None = None
    strata: dict[str, str] = field(default_factory=dict)

    def protocol(self, start_ms: int) -> Protocol | None:
        """Return the protocol of the recording that begins at `start_ms`, if it is a window."""
        if self.asked is None:
            return None
        end_ms = start_ms + STEP_MS * self.rows + _CLOSING_MS
        onset_ms = end_ms - self.asked.span_ms
        return Protocol(
            window_start_ms=onset_ms,
            window_end_ms=end_ms,
            onset_ms=onset_ms,
            symptom=self.asked.symptom,
            candidates=self.asked.candidates,
        )


def pieces(rows: int, kept: int) -> Iterator[Cut]:
    """Cut pieces from what the issues' histories, the last `kept` rows, leave.

    >>> [(cut.first, cut.rows) for cut in pieces(589, 120)]
    [(0, 150), (150, 150), (300, 150)]
    """
    for number in range(max(0, rows - kept) // PIECE_SAMPLES):
        yield Cut(first=number * PIECE_SAMPLES, rows=PIECE_SAMPLES)


def windows(rows: int, history: int, asked: Sequence[Asked]) -> Iterator[Cut]:
    """Cut windows after as much history as the issues have; the issues' questions go round."""
    if not asked:
        return
    length = -(-max(each.span_ms for each in asked) // STEP_MS)
    firsts = range(0, rows - history - length + 1, WINDOW_EVERY)
    for number, first in enumerate(firsts):
        each = asked[number % len(asked)]
        yield Cut(first=first, rows=history + length, asked=each, strata={"symptom": each.metric})
