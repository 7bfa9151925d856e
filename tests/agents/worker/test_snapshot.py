import os
import random
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.worker.snapshot import Snapshot, SnapshotTooLargeError, last_whole, pack

MIB = 1024 * 1024


@dataclass
class Record:
    key: bytes
    value: bytes
    headers: tuple = ()
    topic: str = "state"
    partition: int = 0
    offset: int = 0
    timestamp: int = 0


def records_of(snapshot, chunk_bytes=100, snapshot_id=None):
    snapshot_id = snapshot_id or os.urandom(4).hex()
    packed = pack(
        snapshot, topic="state", partition=0, snapshot_id=snapshot_id, chunk_bytes=chunk_bytes
    )
    return [Record(out.key, out.value, out.headers) for out in packed]


def a_snapshot(offset=10, slot=0, size=1_000, seed=1):
    state = random.Random(seed).randbytes(size)
    return Snapshot(offset=offset, generation=3, slot=slot, state=state)


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 5_000])
def test_a_snapshot_of_any_size_comes_back(size):
    snapshot = a_snapshot(size=size)
    assert last_whole(records_of(snapshot), MIB) == snapshot


def test_no_chunk_is_larger_than_allowed_and_all_belong_to_one_partition():
    packed = pack(a_snapshot(), topic="s", partition=7, snapshot_id="x", chunk_bytes=64)
    assert {out.partition for out in packed} == {7}
    assert max(len(out.value) for out in packed) <= 64


def test_the_later_of_two_whole_snapshots_counts():
    old, new = a_snapshot(offset=10), a_snapshot(offset=20, slot=1, seed=2)
    assert last_whole(records_of(old) + records_of(new), MIB) == new


@given(cut=st.integers(min_value=1), seed=st.integers(0, 50))
@settings(max_examples=50)
def test_a_write_cut_short_anywhere_leaves_the_one_before(cut, seed):
    old, new = a_snapshot(offset=10), a_snapshot(offset=20, slot=1, seed=seed)
    torn = records_of(new)
    torn = torn[: cut % len(torn)]
    assert last_whole(records_of(old) + torn, MIB) == old


def test_a_write_cut_short_does_not_touch_the_keys_of_the_whole_one():
    old, torn = records_of(a_snapshot(slot=0)), records_of(a_snapshot(slot=1, seed=2))[:-1]
    latest = {record.key: record for record in old + torn}  # what compaction leaves
    kept = [record for record in old + torn if latest[record.key] is record]
    assert last_whole(kept, MIB) == a_snapshot(slot=0)


def test_chunks_of_two_writers_that_interleave_are_told_apart():
    one, other = records_of(a_snapshot(offset=1)), records_of(a_snapshot(offset=2, seed=2))
    mixed = [record for pair in zip(one, other, strict=True) for record in pair]
    assert last_whole(mixed, MIB) == a_snapshot(offset=2, seed=2)


def test_a_damaged_snapshot_is_passed_over():
    old, new = a_snapshot(offset=10), records_of(a_snapshot(offset=20, seed=2))
    new[0].value = bytes([new[0].value[0] ^ 1]) + new[0].value[1:]
    assert last_whole(records_of(old) + new, MIB) == old


def test_foreign_records_and_tombstones_in_the_state_topic_are_passed_over():
    foreign = [
        Record(b"k", b"v"),
        Record(b"k", None, records_of(a_snapshot())[0].headers),
        Record(b"k", b"v", (("rootline.snapshot.format", b"2"), ("rootline.snapshot.id", b"i"))),
    ]
    snapshot = a_snapshot()
    assert last_whole(foreign + records_of(snapshot) + foreign, MIB) == snapshot


def test_a_state_that_inflates_beyond_the_limit_is_refused_with_a_sentence():
    bomb = Snapshot(offset=1, generation=1, slot=0, state=bytes(2 * MIB))
    with pytest.raises(SnapshotTooLargeError, match=r"snapshot_max_bytes \(1048576\)"):
        last_whole(records_of(bomb), MIB)


def test_a_state_in_a_format_that_cannot_be_read_is_passed_over_and_its_keys_are_others():
    old, new = a_snapshot(offset=10), replace(a_snapshot(offset=20, seed=2), form="2")
    records = records_of(old) + records_of(new)
    assert last_whole(records, MIB) == old
    assert last_whole(records, MIB, frozenset({"1", "2"})) == new
    keys = [{record.key for record in records_of(each)} for each in (old, new)]
    assert keys[0].isdisjoint(keys[1])  # so compaction never takes away what others can read


def test_states_that_name_no_format_are_of_the_first():
    snapshot = a_snapshot()
    records = records_of(snapshot)
    for record in records:
        record.headers = tuple(h for h in record.headers if h[0] != "rootline.snapshot.state")
    assert last_whole(records, MIB) == snapshot


def test_an_empty_topic_has_no_snapshot():
    assert last_whole([], MIB) is None
