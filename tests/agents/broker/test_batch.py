import contextlib
import struct
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatch
from hypothesis import given
from hypothesis import strategies as st

from agents.broker.batch import (
    is_intact,
    read_header,
    rebuild,
    records_of,
    split_batches,
    stamp,
)
from agents.broker.batch_codec import crc32c
from agents.broker.errors import BrokerError, ErrorCode

LIMIT = 1 << 20


def refusal(records: bytes) -> ErrorCode:
    with pytest.raises(BrokerError) as caught:
        split_batches(records, LIMIT)
    return caught.value.code


@pytest.mark.parametrize("compression", [0, 1, 2, 3, 4])
def test_the_records_of_a_clients_batch_are_read(a_batch: Any, compression: int) -> None:
    batch = a_batch(
        [b"one", None, b""],
        keys=[b"k", None, b""],
        timestamps_ms=[10, 30, 20],
        compression=compression,
    )
    records = list(records_of(stamp(batch, 100)))
    assert [(r.offset, r.timestamp_ms, r.key, r.is_tombstone) for r in records] == [
        (100, 10, b"k", False),
        (101, 30, None, True),
        (102, 20, b"", False),
    ]


@pytest.mark.parametrize("compression", [0, 1, 2, 3, 4])
def test_a_rebuilt_batch_keeps_offsets_times_and_values(a_batch: Any, compression: int) -> None:
    batch = stamp(
        a_batch([b"a", b"b", b"c"], timestamps_ms=[1, 2, 3], compression=compression), 50
    )
    kept = [record for record in records_of(batch) if record.offset != 51]
    rebuilt = rebuild(batch, kept)
    assert is_intact(read_header(rebuilt), rebuilt)
    assert read_header(rebuilt).last_offset == 52
    read = [(r.offset, r.timestamp, r.value) for r in DefaultRecordBatch(bytearray(rebuilt))]
    assert read == [(50, 1, b"a"), (52, 3, b"c")]


def test_stamping_leaves_the_batch_intact(a_batch: Any) -> None:
    stamped = stamp(a_batch([b"x"]), 1 << 40)
    header = read_header(stamped)
    assert is_intact(header, stamped)
    assert header.base_offset == 1 << 40


def test_one_flipped_bit_is_noticed(a_batch: Any) -> None:
    batch = bytearray(a_batch([b"hello"]))
    batch[-3] ^= 1
    assert refusal(bytes(batch)) is ErrorCode.CORRUPT_MESSAGE


def test_a_batch_cut_short_is_refused(a_batch: Any) -> None:
    batch = a_batch([b"hello"])
    for size in (1, 20, 60, len(batch) - 1):
        assert refusal(batch[:size]) is ErrorCode.CORRUPT_MESSAGE


def test_a_batch_above_the_limit_is_refused(a_batch: Any) -> None:
    assert refusal(a_batch([b"x" * LIMIT])) is ErrorCode.MESSAGE_TOO_LARGE


def test_a_request_without_a_batch_is_refused() -> None:
    assert refusal(b"") is ErrorCode.INVALID_RECORD


def test_a_batch_that_claims_billions_of_records_is_refused(a_batch: Any) -> None:
    batch = bytearray(a_batch([b"x"]))
    struct.pack_into(">i", batch, 23, 2**31 - 2)
    struct.pack_into(">i", batch, 57, 2**31 - 1)
    struct.pack_into(">I", batch, 17, crc32c(batch[21:]))
    assert refusal(bytes(batch)) is ErrorCode.INVALID_RECORD


def test_several_batches_are_cut_apart(a_batch: Any) -> None:
    first, second = a_batch([b"a", b"b"]), a_batch([b"c"])
    cut = split_batches(first + second, LIMIT)
    assert [bytes(batch) for _, batch in cut] == [first, second]


@given(st.binary(min_size=61, max_size=300))
def test_random_bytes_are_never_taken_for_a_batch(data: bytes) -> None:
    with pytest.raises(BrokerError):
        split_batches(data, LIMIT)


@given(position=st.integers(61, 90), byte=st.integers(0, 255))
def test_records_that_lie_about_their_lengths_are_refused(
    a_batch: Any, position: int, byte: int
) -> None:
    batch = bytearray(a_batch([b"some value", b"another"], keys=[b"key", b"key"]))
    batch[min(position, len(batch) - 1)] = byte
    with contextlib.suppress(ValueError):
        assert len(list(records_of(batch))) == 2
