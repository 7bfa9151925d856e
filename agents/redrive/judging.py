"""What becomes of each dead letter that was asked for: it is sent, or a sentence says why not."""

from dataclasses import dataclass
from enum import StrEnum

from agents.redrive.ledger import Ledger, State
from agents.redrive.letter import Letter
from agents.redrive.originals import Originals
from agents.redrive.targets import Targets


class Fate(StrEnum):
    """A closed set; those in REFUSALS were asked for and cannot be done."""

    SEND = "send"
    ALREADY_SENT = "already_sent"
    TOO_OFTEN = "too_often"
    SUPERSEDED = "superseded"
    HELD = "held"
    WITHOUT_ORIGIN = "without_origin"
    UNKNOWN_TARGET = "unknown_target"
    CUT = "cut"
    TOO_LARGE = "too_large"


REFUSALS = frozenset(
    {Fate.HELD, Fate.WITHOUT_ORIGIN, Fate.UNKNOWN_TARGET, Fate.CUT, Fate.TOO_LARGE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A letter and its fate. `value` is what will be sent; `note` says why it will not."""

    letter: Letter
    fate: Fate
    note: str = ""
    value: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Decides on letters; what it reads to do so it only reads.

    `again` sends what was sent already, `max_attempts` is how often one message may be sent.
    """

    run: str
    ledger: Ledger
    targets: Targets
    originals: Originals
    again: bool
    max_attempts: int

    async def judge(self, letter: Letter, now_ms: int) -> Judged:
        """Decide what becomes of a letter."""
        stopped = self._address(letter) or self._history(letter, now_ms)
        if stopped is not None:
            return stopped
        newer = await self.targets.newer(letter)
        if newer is not None:
            note = (
                f"a later message of the same key is at offset {newer.offset} of the topic, which "
                "keeps only the last one; that one counts"
            )
            return Judged(letter=letter, fate=Fate.SUPERSEDED, note=note)
        if letter.cut_from is None:
            return Judged(letter=letter, fate=Fate.SEND, value=letter.value)
        value = await self.originals.whole(letter)
        if value is not None:
            return Judged(letter=letter, fate=Fate.SEND, value=value)
        note = (
            f"the letter holds only {len(letter.value or b'')} of {letter.cut_from} bytes, and "
            f"the original is no longer at {letter.origin}; send it from its source"
        )
        return Judged(letter=letter, fate=Fate.CUT, note=note)

    def _address(self, letter: Letter) -> Judged | None:
        """Refuse a letter that leads nowhere."""
        if letter.origin is None:
            note = (
                "its headers do not say where it came from (rootline.error.topic, .partition, "
                ".offset); send it by hand"
            )
            return Judged(letter=letter, fate=Fate.WITHOUT_ORIGIN, note=note)
        refusal = self.targets.refusal(letter.origin.topic)
        if refusal is not None:
            return Judged(letter=letter, fate=Fate.UNKNOWN_TARGET, note=refusal)
        return None

    def _history(self, letter: Letter, now_ms: int) -> Judged | None:
        """Leave out a letter that was sent, or that another run is about to send."""
        entry = self.ledger.entry(letter)
        if entry is not None and entry.state is State.SENT and not self.again:
            note = (
                f"it was sent to {entry.to} before (attempt {entry.attempt}); --again repeats it"
            )
            return Judged(letter=letter, fate=Fate.ALREADY_SENT, note=note)
        if self.ledger.is_held(letter, self.run, now_ms):
            note = (
                "another run has taken it, or one that was killed less than half a minute ago; "
                "run this again in a minute"
            )
            return Judged(letter=letter, fate=Fate.HELD, note=note)
        if letter.attempt >= self.max_attempts:
            note = (
                f"it was sent {letter.attempt} times and failed each time; mend what the reason "
                "names, then raise --max-attempts"
            )
            return Judged(letter=letter, fate=Fate.TOO_OFTEN, note=note)
        return None
