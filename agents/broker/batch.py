"""Record batches (magic 2): header, validation, and the records inside when they must be seen.

Batches travel and are stored as opaque bytes; only compaction, exact timestamp lookup and the
key check of compacted topics open them, and they keep each record's bytes untouched.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from agents.broker.batch_codec import Compression, compress, crc32c, decompress
from agents.broker.errors import BrokerError, ErrorCode

HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_SIZE = HEADER.size
LENGTH_PREFIX = 12  # base offset and length, which the length does not count
_CRC_FROM = 21
_TRANSACTIONAL, _CONTROL, _DELETE_HORIZON = 0x10, 0x20, 0x40
NO_PRODUCER = -1
# The most that any client can be told to put into one; opening a batch holds its records.
MAX_RECORDS_PER_BATCH = 1_000_000


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """The fixed head of one batch, in wire order."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp_ms: int
    max_timestamp_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def size(self) -> int:
        """Bytes of the whole batch."""
        return LENGTH_PREFIX + self.length

    @property
    def last_offset(self) -> int:
        """Offset of the last record, or of the last place a removed record had."""
        return self.base_offset + self.last_offset_delta

    @property
    def compression(self) -> Compression:
        """How the records section is compressed.

        Raises:
            ValueError: the attributes name a codec that does not exist.
        """
        return Compression(self.attributes & 0x07)


@dataclass(frozen=True, slots=True)
class Record:
    """One record inside a batch: what compaction and lookups need, and its bytes as they came."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    is_tombstone: bool
    raw: bytes


def read_header(data: bytes | memoryview, at: int = 0) -> BatchHeader:
    """Read the header that starts at `at`; the caller made sure that enough bytes are there."""
    return BatchHeader(*HEADER.unpack_from(data, at))


def is_intact(header: BatchHeader, batch: bytes | memoryview) -> bool:
    """Tell whether the whole batch carries the checksum its header claims."""
    return header.magic == 2 and crc32c(batch[_CRC_FROM : header.size]) == header.crc


def split_batches(records: bytes, max_batch_bytes: int) -> list[tuple[BatchHeader, memoryview]]:
    """Cut a produce request's bytes into checked batches.

    Raises:
        BrokerError: the bytes are not whole, intact, plain record batches.
    """
    view, at = memoryview(records), 0
    batches: list[tuple[BatchHeader, memoryview]] = []
    while at < len(view):
        if at + HEADER_SIZE > len(view):
            raise BrokerError(ErrorCode.CORRUPT_MESSAGE, "a record batch ends inside its header")
        header = read_header(view, at)
        batch = view[at : at + header.size]
        _check(header, batch, max_batch_bytes)
        batches.append((header, batch))
        at += header.size
    if not batches:
        raise BrokerError(ErrorCode.INVALID_RECORD, "a produce request carries no record batch")
    return batches


def _check(header: BatchHeader, batch: memoryview, max_batch_bytes: int) -> None:
    if header.magic != 2:
        sentence = f"a batch has magic {header.magic}; only 2 (Kafka 0.11 and later) is accepted"
        raise BrokerError(ErrorCode.UNSUPPORTED_VERSION, sentence)
    if header.size > max_batch_bytes:
        sentence = f"a batch of {header.size} bytes exceeds the limit of {max_batch_bytes}"
        raise BrokerError(ErrorCode.MESSAGE_TOO_LARGE, sentence)
    if header.size < HEADER_SIZE or len(batch) < header.size or not is_intact(header, batch):
        raise BrokerError(ErrorCode.CORRUPT_MESSAGE, "a record batch is cut short or corrupt")
    if header.attributes & (_TRANSACTIONAL | _CONTROL | _DELETE_HORIZON):
        raise BrokerError(
            ErrorCode.INVALID_RECORD, "transactional and control batches are refused"
        )
    if not 0 < header.record_count == header.last_offset_delta + 1:
        raise BrokerError(ErrorCode.INVALID_RECORD, "a batch's record count and offsets disagree")
    if header.record_count > MAX_RECORDS_PER_BATCH:
        sentence = f"a batch of {header.record_count} records; at most {MAX_RECORDS_PER_BATCH}"
        raise BrokerError(ErrorCode.INVALID_RECORD, sentence)
    if header.attributes & 0x07 not in set(Compression):
        raise BrokerError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, "unknown compression codec")


def stamp(batch: bytes | memoryview, base_offset: int) -> bytes:
    """Return the batch with its final offset; the checksum does not cover what changes."""
    return struct.pack(">q", base_offset) + bytes(batch[8:12]) + b"\xff\xff\xff\xff" + batch[16:]


def records_of(batch: bytes | memoryview) -> Iterator[Record]:
    """Yield the records of one whole batch.

    Raises:
        ValueError: the records section cannot be read.
    """
    header = read_header(batch)
    payload = decompress(header.compression, bytes(batch[HEADER_SIZE : header.size]))
    at = 0
    for _ in range(header.record_count):
        try:
            record, at = _read_record(header, payload, at)
        except IndexError as error:
            msg = f"the records of the batch at offset {header.base_offset} are cut short"
            raise ValueError(msg) from error
        yield record


def _read_record(header: BatchHeader, payload: bytes, start: int) -> tuple[Record, int]:
    length, body = _read_varint(payload, start)
    end = body + length
    if length < 0 or end > len(payload):
        raise IndexError
    timestamp_delta, at = _read_varint(payload, body + 1)  # one byte of unused attributes
    offset_delta, at = _read_varint(payload, at)
    key_length, at = _read_varint(payload, at)
    key = None if key_length < 0 else payload[at : at + key_length]
    value_length, at = _read_varint(payload, at + max(0, key_length))
    record = Record(
        offset=header.base_offset + offset_delta,
        timestamp_ms=header.base_timestamp_ms + timestamp_delta,
        key=key,
        is_tombstone=value_length < 0,
        raw=payload[start:end],
    )
    return record, end


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Read one zigzag varint; return it and where the next field starts.

    >>> _read_varint(bytes([0x96, 0x01]), 0)
    (75, 2)
    """
    shift = value = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
        if shift > 63:
            raise IndexError


def rebuild(batch: bytes | memoryview, kept: list[Record]) -> bytes:
    """Return the batch with only these of its records; offsets, times and producer stay.

    `kept` must not be empty: clients do not expect a batch without records.
    """
    assert kept, "a batch keeps at least one record"
    header = read_header(batch)
    payload = compress(header.compression, b"".join(record.raw for record in kept))
    tail = HEADER.pack(
        header.base_offset,
        HEADER_SIZE - LENGTH_PREFIX + len(payload),
        header.leader_epoch,
        2,
        0,
        header.attributes,
        header.last_offset_delta,
        header.base_timestamp_ms,
        max(record.timestamp_ms for record in kept),
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
        len(kept),
    )
    rebuilt = bytearray(tail + payload)
    struct.pack_into(">I", rebuilt, _CRC_FROM - 4, crc32c(rebuilt[_CRC_FROM:]))
    return bytes(rebuilt)
