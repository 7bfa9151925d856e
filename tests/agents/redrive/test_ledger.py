"""Who has a letter, folded from the log."""

from dataclasses import replace

import pytest

from agents.redrive.ledger import Entry, Ledger, State, encode_entry
from agents.redrive.letter import Letter, Origin

PLACE = Origin(topic="dead-letter", partition=0, offset=7)
LETTER = Letter(
    place=PLACE,
    timestamp_ms=1_000,
    origin=Origin(topic="alerts", partition=1, offset=2),
    first="alerts/1/2",
    stage="reduce",
    kind="undecodable",
    reason="no JSON",
    attempt=0,
    cut_from=None,
    key=None,
    value=b"{",
    headers=(),
)
TAKEN = Entry(state=State.TAKEN, run="a", letter_ms=1_000, at_ms=5_000, to="alerts", attempt=1)
SENT = replace(TAKEN, state=State.SENT, at_ms=5_100)


def after(*entries: Entry) -> Ledger:
    ledger = Ledger(lease_ms=30_000)
    for entry in entries:
        ledger.fold(LETTER.name.encode(), encode_entry(entry))
    return ledger


def by(run: str, at_ms: int = 5_050, attempt: int = 1) -> Entry:
    return replace(TAKEN, run=run, at_ms=at_ms, attempt=attempt)


@pytest.mark.parametrize(
    ("entries", "holder"),
    [
        ((TAKEN,), "a"),
        ((TAKEN, by("b")), "a"),
        ((TAKEN, by("b", at_ms=35_000)), "b"),
        ((TAKEN, SENT), None),
        ((TAKEN, SENT, by("b")), None),
        ((TAKEN, SENT, by("b", at_ms=99_000)), None),
        ((TAKEN, SENT, by("b", attempt=2)), "b"),
        ((TAKEN, by("b"), SENT), None),
        ((replace(TAKEN, letter_ms=1), by("b")), "b"),
    ],
)
def test_the_first_to_take_a_letter_has_it_until_it_is_sent_or_the_lease_ends(entries, holder):
    ledger = after(*entries)
    assert [run for run in ("a", "b") if ledger.holds(LETTER, run)] == [holder] * (
        holder is not None
    )


def test_a_letter_of_another_topic_that_had_the_same_offset_is_another_letter():
    assert after(SENT).entry(LETTER) == SENT
    assert after(SENT).entry(replace(LETTER, timestamp_ms=2_000)) is None


def test_the_next_attempt_is_one_more_than_was_sent_and_the_one_that_was_only_taken():
    assert after().attempt(replace(LETTER, attempt=2)) == 3
    assert after(TAKEN).attempt(LETTER) == 1
    assert after(TAKEN, SENT).attempt(LETTER) == 2


def test_what_is_no_entry_says_nothing():
    ledger = after()
    for key, value in ((b"k", b"{"), (None, encode_entry(SENT)), (LETTER.name.encode(), None)):
        ledger.fold(key, value)
    assert ledger.entry(LETTER) is None
