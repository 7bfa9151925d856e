"""What waits for a receiver: the newest of each incident, and what that means for offsets."""

from collections.abc import Callable
from dataclasses import dataclass

from agents.notifier.pending import Item, Pending
from schemas.incident import Incident

Build = Callable[..., Incident]


@dataclass(frozen=True)
class Record:
    offset: int
    partition: int = 0
    topic: str = "incidents"
    timestamp: int = 5
    key: bytes = b""
    value: bytes = b""
    headers: tuple[tuple[str, bytes], ...] = ()


def _item(an_incident: Build, name: str, revision: int, offset: int, partition: int = 0) -> Item:
    incident = an_incident(incident_id=name, revision=revision)
    return Item(incident=incident, record=Record(offset=offset, partition=partition))


def test_a_newer_revision_takes_the_place_of_an_older_one(an_incident: Build) -> None:
    pending = Pending(10)
    for name, revision, offset in (("a", 1, 0), ("b", 1, 1), ("a", 2, 2)):
        pending.put(_item(an_incident, name, revision, offset))
    first = pending.due(0)
    assert first is not None
    assert (first.incident.incident_id, first.incident.revision) == ("a", 2)
    assert pending.oldest_offset(0) == 1
    assert pending.oldest_offset(1) is None


def test_an_older_or_equal_revision_is_ignored(an_incident: Build) -> None:
    pending = Pending(10)
    newest = _item(an_incident, "a", 2, 0)
    pending.put(newest)
    pending.put(_item(an_incident, "a", 1, 1))
    pending.put(_item(an_incident, "a", 2, 2))
    assert pending.get("a") is newest


def test_a_deferred_revision_lets_others_pass_and_comes_at_its_time(an_incident: Build) -> None:
    pending = Pending(10)
    early, late = _item(an_incident, "a", 1, 0), _item(an_incident, "b", 1, 1)
    pending.put(early)
    pending.put(late)
    pending.defer(early, 100)
    assert pending.due(99) is late
    pending.finish(late)
    assert pending.due(99) is None
    assert pending.next_due_ms() == 100
    assert pending.due(100) is early


def test_a_newer_revision_of_a_deferred_one_is_looked_at_at_once(an_incident: Build) -> None:
    pending = Pending(10)
    old = _item(an_incident, "a", 1, 0)
    pending.put(old)
    pending.defer(old, 100)
    new = _item(an_incident, "a", 2, 1)
    pending.put(new)
    assert pending.due(0) is new
    pending.defer(old, 100)  # the courier still had the old one in hand
    pending.finish(old)
    assert pending.due(0) is new


def test_it_is_full_at_its_limit(an_incident: Build) -> None:
    pending = Pending(2)
    first = _item(an_incident, "a", 1, 0)
    pending.put(first)
    assert not pending.is_full
    pending.put(_item(an_incident, "b", 1, 1))
    assert pending.is_full
    pending.finish(first)
    assert not pending.is_full
