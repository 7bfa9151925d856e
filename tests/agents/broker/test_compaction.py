import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.broker import compaction
from agents.broker.config import BrokerConfig
from agents.broker.partition_log import LogOptions, PartitionLog
from agents.broker.topic_config import broker_defaults

NOW_MS = 10_000_000


def open_log(folder: Path, **config: Any) -> PartitionLog:
    options = LogOptions(
        fsync=False, index_interval_bytes=100, max_producers=10, clock_ms=lambda: NOW_MS
    )
    defaults = {
        "cleanup_policy": "compact",
        "segment_bytes": 400,
        "min_cleanable_dirty_ratio": 0.0,
        "delete_retention_ms": 1_000,
    }
    topic_config = replace(broker_defaults(BrokerConfig()), **{**defaults, **config})
    return PartitionLog(folder, topic_config, options)


def rows(log: PartitionLog) -> list[tuple[int, bytes, bytes | None]]:
    found, offset = [], log.start_offset
    while data := log.read(offset, 1 << 24, at_least_one=True):
        records = MemoryRecords(data)
        while records.has_next():
            batch = records.next_batch()
            found += [(record.offset, record.key, record.value) for record in batch]
            offset = batch.next_offset
    return found


def compact(log: PartitionLog, max_keys: int = 1_000) -> bool:
    due = compaction.plan(log, max_keys, NOW_MS)
    if due is None:
        return False
    compaction.run(due)
    compaction.finish(log, due)
    return True


records_strategy = st.lists(
    st.tuples(
        st.sampled_from([b"a", b"b", b"c", b"d", b"e"]),
        st.one_of(st.none(), st.binary(min_size=30, max_size=120)),
        st.sampled_from([NOW_MS, NOW_MS - 5_000]),  # a tombstone this old may go
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=80, deadline=None)
@given(records_strategy, st.integers(1, 6), st.booleans(), st.integers(0, 4))
def test_compaction_changes_no_keys_last_value(
    a_batch: Any,
    records: list[tuple[bytes, bytes | None, int]],
    max_keys: int,
    reopen: bool,
    compression: int,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = open_log(Path(folder))
        written = []
        for start in range(0, len(records), 3):
            chunk = records[start : start + 3]
            keys, chunk_values, times = ([row[field] for row in chunk] for field in range(3))
            log.append(
                a_batch(chunk_values, keys=keys, timestamps_ms=times, compression=compression)
            )
            written += chunk
            if start % 12 == 0:
                compact(log, max_keys)
        while compact(log, max_keys):
            pass
        if reopen:
            log.close()
            log = open_log(Path(folder))
        left = rows(log)
        expected = {key: value for key, value, _ in written if value is not None}
        for key, value, _ in written:
            if value is None:
                expected.pop(key, None)
            else:
                expected[key] = value
        last = {key: value for _, key, value in left}
        assert {key: value for key, value in last.items() if value is not None} == expected
        assert [offset for offset, *_ in left] == sorted({offset for offset, *_ in left})
        assert all(written[offset][:2] == (key, value) for offset, key, value in left)
        assert log.next_offset == len(written)
        log.close()


def test_only_the_last_record_of_each_key_stays_in_closed_segments(
    a_batch: Any, tmp_path: Path
) -> None:
    log = open_log(tmp_path)
    for number in range(50):
        log.append(a_batch([b"%d" % number * 50], keys=[b"k%d" % (number % 2)]))
    size = log.size
    assert compact(log)
    closed = log.next_offset - 50 + len([r for r in rows(log) if r[0] < 46])
    assert closed <= 2
    assert log.size < size / 5
    assert not compact(log), "nothing is dirty any more"
    log.close()


def test_reading_from_the_beginning_still_works_when_the_first_records_are_gone(
    a_batch: Any, tmp_path: Path
) -> None:
    log = open_log(tmp_path)
    for number in range(20):
        log.append(a_batch([b"%d" % number * 50], keys=[b"same"]))
    compact(log)
    assert log.start_offset == 0, "a consumer behind is not out of range"
    first = MemoryRecords(log.read(0, 1 << 20, at_least_one=True)).next_batch()
    assert next(iter(first)).offset > 0
    log.close()
    log = open_log(tmp_path)
    assert log.start_offset == 0
    log.close()


def test_a_round_that_cannot_hold_all_keys_leaves_the_rest_to_the_next(
    a_batch: Any, tmp_path: Path
) -> None:
    log = open_log(tmp_path, segment_bytes=100)
    for value in (b"v" * 50, None):
        for number in range(6):
            key = b"k%d" % number
            log.append(a_batch([value], keys=[key], timestamps_ms=[NOW_MS - 2_000]))
    log.append(a_batch([b"v"], keys=[b"active"], timestamps_ms=[NOW_MS]))
    rounds = 0
    while compact(log, max_keys=3):
        rounds += 1
        values = {key for _, key, value in rows(log) if value is not None} - {b"active"}
        tombstones = {key for _, key, value in rows(log) if value is None}
        assert values <= tombstones, "no deleted key comes back on the way"
    assert rounds > 1
    assert rows(log) == [(12, b"active", b"v")]
    log.close()


def test_a_fresh_tombstone_stays_and_an_old_one_goes(a_batch: Any, tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=100)
    log.append(a_batch([b"v"], keys=[b"old"], timestamps_ms=[1]))
    log.append(a_batch([b"v"], keys=[b"new"], timestamps_ms=[1]))
    log.append(a_batch([None], keys=[b"old"], timestamps_ms=[NOW_MS - 2_000]))
    log.append(a_batch([None], keys=[b"new"], timestamps_ms=[NOW_MS - 500]))
    log.append(a_batch([b"v"], keys=[b"active"], timestamps_ms=[NOW_MS]))
    compact(log)
    assert rows(log) == [(3, b"new", None), (4, b"active", b"v")]
    log.close()


def test_a_topic_that_is_not_compacted_or_hardly_dirty_is_left_alone(
    a_batch: Any, tmp_path: Path
) -> None:
    log = open_log(tmp_path, cleanup_policy="delete")
    for _ in range(20):
        log.append(a_batch([b"x" * 50], keys=[b"k"]))
    assert compaction.plan(log, 10, NOW_MS) is None
    log.config = replace(log.config, cleanup_policy="compact", min_cleanable_dirty_ratio=1.0)
    log.clean_until = 5
    assert compaction.plan(log, 10, NOW_MS) is None
    log.close()


def test_half_written_files_of_an_interrupted_round_are_cleared_away(
    a_batch: Any, tmp_path: Path
) -> None:
    log = open_log(tmp_path)
    log.append(a_batch([b"v"], keys=[b"k"]))
    log.close()
    leftover = tmp_path / "00000000000000000000.fresh"
    leftover.write_bytes(b"half")
    log = open_log(tmp_path)
    assert not leftover.exists()
    assert rows(log) == [(0, b"k", b"v")]
    log.close()
