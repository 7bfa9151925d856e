import errno
import os
import tempfile
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.broker.batch import read_header
from agents.broker.config import BrokerConfig
from agents.broker.errors import BrokerError, ErrorCode
from agents.broker.partition_log import LogOptions, PartitionLog
from agents.broker.segment import segment_name
from agents.broker.topic_config import broker_defaults

PLENTY = 1 << 24


def open_log(folder: Path, clock: Any = lambda: 1_000, fsync: bool = False, **config: Any) -> Any:
    options = LogOptions(fsync=fsync, index_interval_bytes=200, max_producers=10, clock_ms=clock)
    topic_config = replace(broker_defaults(BrokerConfig()), **{"retention_ms": -1, **config})
    return PartitionLog(folder, topic_config, options)


def values(log: PartitionLog, offset: int = 0, max_bytes: int = PLENTY) -> list[tuple[int, bytes]]:
    """Read from an offset to the end as a client does: fetch, take what is whole, go on."""
    found: list[tuple[int, bytes]] = []
    while data := log.read(offset, max_bytes, at_least_one=True):
        records, before = MemoryRecords(data), offset
        while records.has_next():
            for record in records.next_batch():
                offset = record.offset + 1
                if record.offset >= before:
                    found.append((record.offset, record.value))
    return found


def read_code(log: PartitionLog, offset: int) -> ErrorCode:
    with pytest.raises(BrokerError) as caught:
        log.read(offset, PLENTY, at_least_one=True)
    return caught.value.code


batches_strategy = st.lists(
    st.lists(st.binary(max_size=300), min_size=1, max_size=5), min_size=1, max_size=15
)


@settings(max_examples=60, deadline=None)
@given(batches_strategy, st.integers(100, 2_000), st.integers(60, 1_000), st.data())
def test_whatever_was_appended_is_read_from_any_offset_before_and_after_a_restart(
    a_batch: Any, batches: list[list[bytes]], segment_bytes: int, max_bytes: int, data: Any
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = open_log(Path(folder), segment_bytes=segment_bytes)
        expected: list[tuple[int, bytes]] = []
        for batch in batches:
            assert log.append(a_batch(batch)) == len(expected)
            expected += [(len(expected) + n, value) for n, value in enumerate(batch)]
        offset = data.draw(st.integers(0, len(expected)))
        assert values(log, offset, max_bytes) == expected[offset:]
        log.close()
        log = open_log(Path(folder), segment_bytes=segment_bytes)
        assert log.next_offset == len(expected)
        assert values(log, offset, max_bytes) == expected[offset:]
        assert log.append(a_batch([b"after the restart"])) == len(expected)
        log.close()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_torn_tail_loses_only_the_batch_it_tears(a_batch: Any, data: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = open_log(Path(folder))
        for number in range(5):
            log.append(a_batch([b"%d" % number] * 2))
        log.close()
        (path,) = Path(folder).glob("*.log")
        size = path.stat().st_size
        cut = data.draw(st.integers(1, size))
        # Begins with a byte that no batch has at any place where one may be cut, so that what is
        # written after the cut can never be what was there before.
        garbage = b"\xa7" + data.draw(st.binary(max_size=200))
        with path.open("r+b") as file:
            file.truncate(size - cut)
            file.seek(0, os.SEEK_END)
            file.write(garbage)
        log = open_log(Path(folder))
        whole = (size - cut) // (size // 5)
        assert [value for _, value in values(log)] == [b"%d" % (n // 2) for n in range(2 * whole)]
        assert log.append(a_batch([b"next"])) == 2 * whole
        log.close()
        log = open_log(Path(folder))
        assert values(log)[-1] == (2 * whole, b"next")
        log.close()


def test_a_last_batch_with_a_wrong_checksum_is_cut(a_batch: Any, tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(a_batch([b"good"]))
    log.append(a_batch([b"bad"]))
    log.close()
    (path,) = tmp_path.glob("*.log")
    data = bytearray(path.read_bytes())
    data[-2] ^= 0xFF
    path.write_bytes(data)
    log = open_log(tmp_path)
    assert values(log) == [(0, b"good")]
    assert log.next_offset == 1
    log.close()


def test_offsets_outside_the_log_are_out_of_range(a_batch: Any, tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(a_batch([b"a", b"b"]))
    assert log.read(2, PLENTY, at_least_one=True) == b""
    assert read_code(log, 3) is ErrorCode.OFFSET_OUT_OF_RANGE
    assert read_code(log, -1) is ErrorCode.OFFSET_OUT_OF_RANGE
    log.close()


def test_a_batch_larger_than_the_limit_is_read_only_when_one_is_owed(
    a_batch: Any, tmp_path: Path
) -> None:
    log = open_log(tmp_path)
    batch = a_batch([b"x" * 1_000])
    log.append(batch)
    assert log.read(0, 100, at_least_one=False) == b""
    assert len(log.read(0, 100, at_least_one=True)) == len(batch)
    log.close()


def test_deleted_records_stay_hidden_and_their_segments_go(a_batch: Any, tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=200)
    for number in range(10):
        log.append(a_batch([b"%d" % number * 100]))
    log.delete_before(7)
    assert log.start_offset == 7
    assert [offset for offset, _ in values(log, 7)] == [7, 8, 9]
    assert read_code(log, 6) is ErrorCode.OFFSET_OUT_OF_RANGE
    assert len(list(tmp_path.glob("*.log"))) == 3
    log.close()


def test_segments_past_their_age_are_deleted(a_batch: Any, clock: Any, tmp_path: Path) -> None:
    log = open_log(tmp_path, clock, retention_ms=1_000, segment_bytes=200)
    for age_ms in (5_000, 3_000, 500, 0):
        log.append(a_batch([b"x" * 100], timestamps_ms=[clock.now_ms - age_ms]))
    log.apply_retention()
    assert (log.start_offset, log.next_offset) == (2, 4)
    clock.advance(10_000)
    log.apply_retention()
    assert (log.start_offset, log.next_offset) == (4, 4), "the last one is closed, then deleted"
    assert log.append(a_batch([b"y"])) == 4
    log.close()


def test_a_partition_is_cut_back_to_its_size(a_batch: Any, tmp_path: Path) -> None:
    log = open_log(tmp_path, retention_bytes=400, segment_bytes=200)
    for _ in range(10):
        log.append(a_batch([b"x" * 100]))
    log.apply_retention()
    assert 400 <= log.size < 600
    log.close()


def test_a_compacted_topic_is_not_cut_by_age(a_batch: Any, clock: Any, tmp_path: Path) -> None:
    log = open_log(tmp_path, clock, retention_ms=1_000, cleanup_policy="compact")
    log.append(a_batch([b"x"], keys=[b"k"], timestamps_ms=[1]))
    log.apply_retention()
    assert log.start_offset == 0
    log.close()


def test_a_compacted_topic_refuses_a_record_without_a_key(a_batch: Any, tmp_path: Path) -> None:
    log = open_log(tmp_path, cleanup_policy="compact")
    with pytest.raises(BrokerError) as caught:
        log.append(a_batch([b"a", b"b"], keys=[b"k", None]))
    assert caught.value.code is ErrorCode.INVALID_RECORD
    assert log.next_offset == 0
    log.close()


@pytest.mark.parametrize("compression", [0, 3])
def test_a_time_is_found_exact_to_the_record(
    a_batch: Any, tmp_path: Path, compression: int
) -> None:
    log = open_log(tmp_path, segment_bytes=500)
    for start in range(0, 1_000, 100):
        times = list(range(start, start + 100, 10))
        log.append(a_batch([b"v"] * 10, timestamps_ms=times, compression=compression))
    for wanted in (0, 1, 10, 455, 990):
        assert log.offset_for_time(wanted) == (-(-wanted // 10) * 10, -(-wanted // 10))
    assert log.offset_for_time(991) is None
    log.close()


def test_a_retried_batch_is_known_after_a_restart(a_batch: Any, tmp_path: Path) -> None:
    log = open_log(tmp_path)
    first = a_batch([b"a", b"b"], producer=(7, 0, 0))
    second = a_batch([b"c"], producer=(7, 0, 2))
    assert [log.append(first), log.append(second)] == [0, 2]
    log.close()
    log = open_log(tmp_path)
    assert [log.append(second), log.append(first)] == [2, 0]
    with pytest.raises(BrokerError) as caught:
        log.append(a_batch([b"gap"], producer=(7, 0, 9)))
    assert caught.value.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert [value for _, value in values(log)] == [b"a", b"b", b"c"]
    log.close()


def test_a_full_disk_refuses_the_batch_and_spoils_nothing(
    a_batch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(tmp_path)
    log.append(a_batch([b"before"]))
    write = os.write

    def half_then_full(fd: int, data: bytes) -> int:
        if len(data) < 40:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data[: len(data) - 30])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half_then_full)
        with pytest.raises(BrokerError) as caught:
            log.append(a_batch([b"too much"]))
    assert caught.value.code is ErrorCode.KAFKA_STORAGE_ERROR
    assert log.append(a_batch([b"after"])) == 1
    log.close()
    log = open_log(tmp_path)
    assert values(log) == [(0, b"before"), (1, b"after")]
    log.close()


def test_appends_with_fsync_are_stored_too(a_batch: Any, tmp_path: Path) -> None:
    log = open_log(tmp_path, fsync=True)
    log.append(a_batch([b"x"]))
    assert values(log) == [(0, b"x")]
    log.close()


@pytest.mark.parametrize("fsync", [True, False])
def test_with_fsync_bytes_and_the_names_of_their_files_are_flushed_before_the_answer(
    a_batch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fsync: bool
) -> None:
    flushed: list[str] = []

    def noting(flush: Any) -> Any:
        def note(fd: int) -> None:
            flushed.append(Path(f"/proc/self/fd/{fd}").readlink().name)
            flush(fd)

        return note

    monkeypatch.setattr(os, "fsync", noting(os.fsync))
    monkeypatch.setattr(os, "fdatasync", noting(os.fdatasync))
    log = open_log(tmp_path / "topics" / "t.1" / "0", fsync=fsync, segment_bytes=200)
    assert sorted(flushed) == (["0", "t.1", "topics"] if fsync else [])
    first, second = "00000000000000000000.log", "00000000000000000001.log"
    for expected in ([first], ["0", second]):
        flushed.clear()
        log.append(a_batch([b"x" * 100]))
        assert flushed == (expected if fsync else [])
    log.close()


def test_watchers_are_told_of_every_append(a_batch: Any, tmp_path: Path) -> None:
    log, told = open_log(tmp_path), []
    log.watchers.add(lambda: told.append(log.next_offset))
    log.append(a_batch([b"x", b"y"]))
    assert told == [2]
    log.close()


def test_a_million_records_take_next_to_no_memory(a_batch: Any, tmp_path: Path) -> None:
    options = LogOptions(
        fsync=False, index_interval_bytes=32 * 1024, max_producers=10, clock_ms=lambda: 1_000
    )
    log = PartitionLog(tmp_path, broker_defaults(BrokerConfig()), options)
    batch = a_batch([b"v"] * 500, timestamps_ms=[1_000] * 500)
    tracemalloc.start()
    for _ in range(2_000):
        log.append(batch)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert log.next_offset == 1_000_000
    assert grown < 200_000
    data = log.read(765_432, 1 << 16, at_least_one=True)
    assert read_header(data).base_offset == 765_000
    log.close()


def test_a_time_before_all_times_is_found_in_no_empty_log(a_batch: Any, tmp_path: Path) -> None:
    log = open_log(tmp_path)
    assert log.offset_for_time(-5) is None
    log.append(a_batch([b"x"]))
    assert log.offset_for_time(-5) == (1_000, 0)


def test_a_segment_that_cannot_be_begun_costs_that_write_and_nothing_else(
    a_batch: Any, tmp_path: Path
) -> None:
    log = open_log(tmp_path, segment_bytes=100)
    log.append(a_batch([b"first" * 20]))
    in_the_way = tmp_path / segment_name(log.next_offset)
    in_the_way.mkdir()
    for _ in range(2):
        with pytest.raises(BrokerError) as caught:
            log.append(a_batch([b"second" * 20]))
        assert caught.value.code is ErrorCode.KAFKA_STORAGE_ERROR
    assert values(log) == [(0, b"first" * 20)]
    in_the_way.rmdir()
    assert log.append(a_batch([b"second" * 20])) == 1
    assert values(log) == [(0, b"first" * 20), (1, b"second" * 20)]
    log.close()
