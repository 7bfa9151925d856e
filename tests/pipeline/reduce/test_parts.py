"""The small parts of REDUCE: configuration, rosters, snapshots, aliases, sightings."""

from dataclasses import fields

import numpy as np
import pytest

from pipeline.baseline import BaselineConfig
from pipeline.reduce.aliases import Aliases
from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.packing import Column, dump, load
from pipeline.reduce.roster import NEVER, Roster
from pipeline.reduce.sightings import SightingBook
from pipeline.reduce.span_facts import Mark, facts_of, waits
from schemas.component import Component
from schemas.resolve import Resolver, ResolverConfig
from schemas.telemetry import SpanKind, labels_of


@pytest.mark.parametrize("config", [ReduceConfig, BaselineConfig])
def test_every_key_is_documented(config: type[ReduceConfig | BaselineConfig]) -> None:
    for key in fields(config):
        assert key.metadata["doc"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pane_seconds", 5),
        ("series_limit", 0),
        ("span_limit", 0),
        ("component_limit", 1 << 20),
        ("flush_seconds", -1),
        ("trace_keep_seconds", 1),
    ],
)
def test_a_key_out_of_range_is_named(key: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"reduce.{key}"):
        ReduceConfig(**{key: value})


def test_a_roster_grows_and_compacts() -> None:
    roster: Roster[str] = Roster()
    ids = np.array([roster.add(f"m{n}") for n in range(40)])
    roster.touch(ids, ids * 10)
    smaller, moved = roster.compact(np.array([39, 3, 3]))
    assert smaller.members == ["m3", "m39"]
    assert moved[[3, 39, 5]].tolist() == [0, 1, -1]
    assert smaller.last_ms[:2].tolist() == smaller.first_ms[:2].tolist() == [30, 390]
    assert smaller.add("new") == 2
    assert smaller.last_ms[2] == NEVER


def test_an_alias_is_assumed_learnt_and_given_up() -> None:
    aliases = Aliases(10)
    key = np.array([7], np.uint64)
    assert aliases.guess(key, -9).tolist() == [-9]
    aliases.assume(key, np.array([0]))
    assert aliases.guess(key, -9).tolist() == [0]
    aliases.learn(key, np.array([4]))
    aliases.assume(key, np.array([0]))
    assert aliases.guess(key, -9).tolist() == [4]
    aliases.learn(key, np.array([5]))
    assert aliases.guess(key, -9).tolist() == [-9]
    aliases.learn(key, np.array([5]))
    assert aliases.guess(key, -9).tolist() == [-9]


def test_aliases_are_bounded() -> None:
    aliases = Aliases(3)
    aliases.learn(np.arange(10, dtype=np.uint64), np.arange(10))
    assert len(aliases.meanings) <= 3


def test_components_not_seen_for_long_are_forgotten() -> None:
    book = SightingBook()
    book.add_spans("prod", Component(name="old"), 0)
    book.add_spans("prod", Component(name="new"), 1000)
    assert len(book.tell("prod", 10)) == 2
    book.add_spans("prod", Component(name="new"), 1001)
    book.tell("prod", 10)
    assert len(book.entries) == 1
    book.add_spans("prod", Component(name="new"), 1100)
    (told,) = book.tell("prod", 10)
    assert told.component.name == "new"
    assert [seen.component.name for seen in book.entries] == ["new"]


@pytest.mark.parametrize("data", [b"", b"nonsense", dump({"a": 1})])
def test_what_is_no_snapshot_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no Column"):
        load(data, Column)


@pytest.mark.parametrize(
    "name", ["pool.acquire", "HikariPool.getConnection", "wait for lock", "semaphore acquire"]
)
def test_names_of_waiting(name: str) -> None:
    assert waits(name)


@pytest.mark.parametrize("name", ["render", "lock screen", "await payment", "connection opened"])
def test_names_of_something_else(name: str) -> None:
    assert not waits(name)


def test_the_first_of_two_attributes_with_one_name_stands() -> None:
    attributes = (("error.type", "timeout"), ("error.type", "500"))
    facts = facts_of(SpanKind.CLIENT, attributes, Resolver(ResolverConfig()))
    assert (facts.failure, facts.marks) == ("timeout", Mark.TIMEOUT)


def test_an_operation_stands_in_for_a_statement() -> None:
    attributes = labels_of({"db.operation.name": "find", "db.collection.name": "orders"})
    facts = facts_of(SpanKind.CLIENT, attributes, Resolver(ResolverConfig()))
    assert facts.statement == "find orders"
