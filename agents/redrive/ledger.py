"""Which dead letters were sent again: a compacted topic, so that a second run knows.

A run first takes a letter, then sends it, then notes it as sent. What was taken and never noted
as sent belongs to a run that was killed in between; of two runs at once the one whose record came
first in the log has the letter. The fold over the log is the same for every reader.
"""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from agents.redrive.letter import Letter

LEASE_MS = 30_000
"""How long a letter that was taken is left to the run that took it."""


class State(StrEnum):
    """How far a letter has come."""

    TAKEN = "taken"
    SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record: what a run did with a letter. `letter_ms` tells letters of one place apart.

    A dead-letter topic that was deleted and made anew counts its offsets from 0 again.
    """

    state: State
    run: str
    letter_ms: int
    at_ms: int
    to: str
    attempt: int


class Ledger:
    """The last entry of each letter. Bounded by the topic: one entry a letter, as long as kept."""

    def __init__(self, lease_ms: int = LEASE_MS) -> None:
        self.lease_ms = lease_ms
        self._entries: dict[str, Entry] = {}

    def fold(self, key: bytes | None, value: bytes | None) -> None:
        """Take in the next record of the topic; one that cannot be read says nothing."""
        entry = decode_entry(value) if value is not None else None
        if key is None or entry is None:
            return
        name = key.decode("utf-8", "replace")
        before = self._entries.get(name)
        if before is not None and self._loses(entry, before):
            return
        self._entries[name] = entry

    def _loses(self, entry: Entry, before: Entry) -> bool:
        """Whether another run had the letter, or had sent it, when this one wanted to take it."""
        if (
            entry.state is not State.TAKEN
            or before.run == entry.run
            or before.letter_ms != entry.letter_ms
        ):
            return False
        if before.state is State.SENT:
            # Who knew that it was sent counts one attempt more.
            return entry.attempt <= before.attempt
        return entry.at_ms < before.at_ms + self.lease_ms

    def entry(self, letter: Letter) -> Entry | None:
        """Return what is known of a letter."""
        found = self._entries.get(letter.name)
        return found if found is not None and found.letter_ms == letter.timestamp_ms else None

    def attempt(self, letter: Letter) -> int:
        """Return which attempt the next sending of a letter is."""
        found = self.entry(letter)
        if found is None:
            return letter.attempt + 1
        # Taken and not sent: that attempt is still to be made.
        return found.attempt + (found.state is State.SENT)

    def is_held(self, letter: Letter, run: str, now_ms: int) -> bool:
        """Whether another run has taken it and may be about to send it."""
        found = self.entry(letter)
        return (
            found is not None
            and found.state is State.TAKEN
            and found.run != run
            and now_ms < found.at_ms + self.lease_ms
        )

    def holds(self, letter: Letter, run: str) -> bool:
        """Whether this run has taken it."""
        found = self.entry(letter)
        return found is not None and found.state is State.TAKEN and found.run == run

    def unfinished(self) -> dict[str, Entry]:
        """What was taken and never noted as sent, by the letter's name."""
        return {n: e for n, e in sorted(self._entries.items()) if e.state is State.TAKEN}


def encode_entry(entry: Entry) -> bytes:
    """Write an entry."""
    return msgspec.json.encode(entry)


def decode_entry(value: bytes) -> Entry | None:
    """Read an entry; None if it is none."""
    try:
        return msgspec.json.decode(value, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
