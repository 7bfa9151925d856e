import random

import pytest

from pipeline.alert_book import AlertBook, Turn
from pipeline.config import GroupingConfig
from tests.pipeline.builders import T0, an_alert


def a_book(**changes: int) -> AlertBook:
    return AlertBook(GroupingConfig(**changes))


def fold(book: AlertBook, signal, at_s: float) -> Turn:
    return book.fold(signal, T0 + int(at_s * 1000))


F, R = "fires", "resolves"


@pytest.mark.parametrize(
    ("messages", "turns"),
    [
        ([(F, 0, 0)], [Turn.FIRED]),
        ([(F, 0, 0), (F, 0, 0)], [Turn.FIRED, Turn.REPEATED]),
        ([(F, 0, 0), (F, 60, 0)], [Turn.FIRED, Turn.REPEATED]),
        ([(F, 0, 0), (R, 0, 30)], [Turn.FIRED, Turn.RESOLVED]),
        ([(F, 0, 0), (R, 0, 30), (R, 0, 30)], [Turn.FIRED, Turn.RESOLVED, Turn.REPEATED]),
        ([(F, 0, 0), (R, 0, 30), (F, 0, 0)], [Turn.FIRED, Turn.RESOLVED, Turn.REPEATED]),
        ([(F, 0, 0), (R, 0, 30), (F, 60, 0)], [Turn.FIRED, Turn.RESOLVED, Turn.FIRED]),
        ([(R, 0, 30)], [Turn.RESOLVED_UNSEEN]),
        ([(R, 0, 30), (F, 0, 0)], [Turn.RESOLVED_UNSEEN, Turn.REPEATED]),
        ([(R, 0, 30), (F, 60, 0)], [Turn.RESOLVED_UNSEEN, Turn.FIRED]),
        ([(F, 60, 0), (R, 0, 30)], [Turn.FIRED, Turn.REPEATED]),
    ],
)
def test_each_turn_of_an_alert_counts_once(messages, turns):
    book = a_book()
    signals = [
        an_alert(at_s=start, ends_s=end if kind is R else None) for kind, start, end in messages
    ]
    assert [fold(book, signal, i) for i, signal in enumerate(signals)] == turns
    assert len(book.records) == 1


def test_of_two_starts_of_one_firing_the_earlier_is_kept():
    book = a_book()
    fold(book, an_alert(at_s=60), 60)
    fold(book, an_alert(at_s=0), 61)
    (record,) = book.records.values()
    assert record.starts_ms == T0
    assert record.is_firing


def test_the_firing_components_follow_the_turns_and_the_generation_moves_with_the_set():
    book = a_book()
    seen = []
    for at_s, signal in enumerate(
        [
            an_alert("cart"),
            an_alert("cart", rule="CpuHigh"),
            an_alert("cart", ends_s=5),
            an_alert("cart", rule="CpuHigh", ends_s=5),
        ]
    ):
        fold(book, signal, at_s)
        seen.append((set(book.firing_components()), book.generation))
    assert [names for names, _ in seen] == [{"cart"}, {"cart"}, {"cart"}, set()]
    generations = [generation for _, generation in seen]
    assert generations[0] > 0
    assert generations[-1] > generations[-2]


def flap(book: AlertBook, turns: int, *, every_s: float = 20.0, from_s: float = 0.0):
    for turn in range(turns):
        at_s = from_s + turn * every_s
        start = from_s + (turn - turn % 2) * every_s
        fold(book, an_alert(at_s=start, ends_s=at_s if turn % 2 else None), at_s)
    (record,) = book.records.values()
    return record


def test_flapping_begins_above_its_limit():
    assert not flap(a_book(), 5).flapping
    assert flap(a_book(), 6).flapping


def test_flapping_ends_only_below_the_lower_limit():
    book = a_book()
    record = flap(book, 8)
    assert record.flapping
    # 15 minutes after the first turns, two changes remain: still flapping; later none do.
    flap(book, 1, from_s=915)
    assert record.flapping
    fold(book, an_alert(at_s=915, ends_s=2000), 2000)
    assert not record.flapping


def test_flaps_counts_the_changes_of_the_last_quarter_of_an_hour():
    book = a_book()
    record = flap(book, 4)
    fingerprint = record.alert.fingerprint
    assert book.flaps(fingerprint, T0 + 60_000) == 3
    assert book.flaps(fingerprint, T0 + 2_000_000) == 0
    assert book.flaps("unknown", T0) == 0


def test_what_ended_makes_room_first_and_the_count_of_the_firing_stays_right():
    book = a_book(max_fingerprints=2)
    fold(book, an_alert("a"), 0)
    fold(book, an_alert("b"), 1)
    fold(book, an_alert("b", ends_s=2), 2)
    fold(book, an_alert("c"), 3)
    assert book.firing_components() == {"a", "c"}
    fold(book, an_alert("d"), 4)
    assert book.firing_components() == {"c", "d"}
    assert len(book.records) == 2


def test_restored_records_know_what_fires():
    book, other = a_book(), a_book()
    fold(book, an_alert("a"), 0)
    fold(book, an_alert("b"), 0)
    fold(book, an_alert("b", ends_s=1), 1)
    other.restore(book.records)
    assert other.firing_components() == {"a"}
    assert fold(other, an_alert("a", ends_s=5), 5) is Turn.RESOLVED
    assert other.firing_components() == set()


def test_who_makes_room_is_who_a_search_through_all_would_find():
    """Those that do not fire first, then the one seen longest ago, then by fingerprint."""
    draw = random.Random(7)
    book, limit = a_book(max_fingerprints=20), 20
    kept: dict[str, tuple[bool, int]] = {}
    for step in range(3_000):
        service, at_s = f"s{draw.randrange(60)}", step // 3
        resolves = draw.random() < 0.5
        signal = an_alert(service, at_s=at_s - 1, ends_s=at_s if resolves else None)
        fingerprint = signal.alert.fingerprint
        if fingerprint not in kept and len(kept) == limit:
            del kept[min(kept, key=lambda f: (*kept[f], f))]
        fold(book, signal, at_s)
        record = book.records[fingerprint]
        kept[fingerprint] = (record.is_firing, record.seen_ms)
        assert set(book.records) == set(kept)
        if step == 1_500:
            again = a_book(max_fingerprints=20)
            again.restore(dict(book.records))
            book = again
