"""One partition: its segments, what may be read of them, and how they grow, age and recover.

Invariant: offsets only grow; everything below `next_offset` and at or above `start_offset` that
was acknowledged is readable. Knows files, knows nothing of sockets or of asyncio.
"""

import logging
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from agents.broker.batch import BatchHeader, read_header, records_of, split_batches, stamp
from agents.broker.disk import sync_folder
from agents.broker.errors import BrokerError, ErrorCode
from agents.broker.producers import ProducerTable
from agents.broker.segment import FRESH_SUFFIX, SUFFIX, Segment, segment_name
from agents.broker.topic_config import TopicConfig

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """What every partition of this broker shares."""

    fsync: bool
    index_interval_bytes: int
    max_producers: int
    clock_ms: Callable[[], int]


class PartitionLog:
    """An append-only log of record batches in one folder of segment files."""

    def __init__(self, folder: Path, config: TopicConfig, options: LogOptions) -> None:
        self.config = config
        # Called after each append; a waiting fetch puts its wake-up here.
        self.watchers: set[Callable[[], None]] = set()
        self.is_closed = False
        # Below this offset compaction has been; forgotten on restart, which costs one more round.
        self.clean_until = 0
        self._folder = folder
        self._options = options
        self._producers = ProducerTable(options.max_producers)
        self._segments: list[Segment] = []
        self._start_offset = 0
        self._recover()

    @property
    def next_offset(self) -> int:
        """The offset that the next record will get; also the high watermark of a single node."""
        return self._active.next_offset

    @property
    def start_offset(self) -> int:
        """The first offset that may be read."""
        return max(self._start_offset, self._segments[0].base_offset)

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        return sum(segment.size for segment in self._segments)

    @property
    def closed_segments(self) -> list[Segment]:
        """The segments that no longer grow, oldest first."""
        return self._segments[:-1]

    @property
    def _active(self) -> Segment:
        return self._segments[-1]

    def append(self, records: bytes) -> int:
        """Store the batches of one produce request; return the offset of their first record.

        Raises:
            BrokerError: the bytes are refused, or the disk does; then nothing is stored.
        """
        batches = split_batches(records, self.config.max_message_bytes)
        for header, batch in batches:
            if (stored_at := self._producers.duplicate_of(header)) is not None:
                return stored_at
            self._refuse_future(header)
            if self.config.is_compacted:
                _require_keys(batch)
        base_offset = self.next_offset
        headers, pieces, offset = [], [], base_offset
        for header, batch in batches:
            headers.append(replace(header, base_offset=offset))
            pieces.append(stamp(batch, offset))
            offset = headers[-1].last_offset + 1
        self._write(b"".join(pieces), headers)
        for wake in list(self.watchers):
            wake()
        return base_offset

    def read(self, offset: int, max_bytes: int, *, at_least_one: bool) -> bytes:
        """Return stored batches from `offset` on, from one segment; empty at the end.

        Raises:
            BrokerError: the offset is below the start or beyond the end.
        """
        if not self.start_offset <= offset <= self.next_offset:
            sentence = f"offset {offset} is outside {self.start_offset} to {self.next_offset}"
            raise BrokerError(ErrorCode.OFFSET_OUT_OF_RANGE, sentence)
        first = bisect_right(self._segments, offset, key=lambda segment: segment.base_offset) - 1
        for segment in self._segments[max(0, first) :]:
            # A compacted segment may have nothing left at its end: then the next one answers.
            if segment.next_offset > offset and segment.size:
                return segment.read_from(offset, max_bytes, at_least_one=at_least_one)
        return b""

    def offset_for_time(self, timestamp_ms: int) -> tuple[int, int] | None:
        """Return (timestamp, offset) of the first record of that time or later, or None."""
        for segment in self._segments:
            batch = segment.first_batch_reaching(timestamp_ms)
            found = None if batch is None else _first_record(batch, timestamp_ms)
            if found is not None:
                return found[0], max(found[1], self.start_offset)
        return None

    def delete_before(self, offset: int) -> None:
        """Hide everything below `offset`, and delete the files that hold nothing else.

        Raises:
            BrokerError: the offset lies beyond the end.
        """
        if offset > self.next_offset:
            sentence = f"offset {offset} is beyond the end at {self.next_offset}"
            raise BrokerError(ErrorCode.OFFSET_OUT_OF_RANGE, sentence)
        self._start_offset = max(self._start_offset, offset)
        self._drop_while(lambda oldest: oldest.next_offset <= self._start_offset)

    def apply_retention(self) -> None:
        """Delete the oldest segments that are past the topic's age or size."""
        self._roll_if_aged()
        if not self.config.is_deleted_by_age:
            return
        now_ms, keep_ms = self._options.clock_ms(), self.config.retention_ms
        if keep_ms >= 0:
            self._drop_while(lambda oldest: _newest_ms(oldest) < now_ms - keep_ms)
        keep_bytes = self.config.retention_bytes
        if keep_bytes >= 0:
            self._drop_while(lambda oldest: self.size - oldest.size >= keep_bytes)

    def replace_segments(self, fresh: dict[int, Path | None]) -> None:
        """Put compacted files in place of closed segments, oldest first; None deletes one.

        The order keeps a crash harmless: a newer record goes only after the older ones it hides.
        """
        kept: list[Segment] = []
        for segment in self._segments:
            if segment.base_offset not in fresh or segment is self._active:
                kept.append(segment)
                continue
            compacted = fresh[segment.base_offset]
            if compacted is None and kept:
                segment.path.unlink()
                continue
            if compacted is None:
                # The first file's name says where the log starts, so it stays, empty.
                compacted = segment.path.with_suffix(FRESH_SUFFIX)
                compacted.touch()
            compacted.replace(segment.path)
            if self._options.fsync:
                sync_folder(self._folder)  # the disk must not turn the order round
            kept.append(self._load(segment.path, lambda _header: None))
        self._segments = kept

    def close(self) -> None:
        """Release the files and wake whoever waits."""
        self.is_closed = True
        for segment in self._segments:
            segment.close()
        for wake in list(self.watchers):
            wake()

    def _refuse_future(self, header: BatchHeader) -> None:
        """A record from far ahead would keep its segment from ever growing old."""
        ahead_ms = header.max_timestamp_ms - self._options.clock_ms()
        if ahead_ms > (limit_ms := self.config.message_timestamp_after_max_ms):
            sentence = f"a record is {ahead_ms} ms ahead of the clock; at most {limit_ms}"
            raise BrokerError(ErrorCode.INVALID_TIMESTAMP, sentence)

    def _write(self, data: bytes, headers: list[BatchHeader]) -> None:
        try:
            if self._active.size and self._active.size + len(data) > self.config.segment_bytes:
                self._roll()
            self._roll_if_aged()
            self._active.append(data, headers, fsync=self._options.fsync)
        except OSError as error:
            logger.error("cannot append to %s: %s", self._active.path, error)  # noqa: TRY400 - no trace needed
            raise BrokerError(ErrorCode.KAFKA_STORAGE_ERROR, f"cannot write: {error}") from error
        for header in headers:
            self._producers.remember(header)

    def _roll(self) -> None:
        active = self._active
        fresh = self._new_segment(self._folder / segment_name(active.next_offset))
        # Where no file can be opened (disk, descriptors) nothing changes, and it is tried again.
        fresh.open_for_append(fsync=self._options.fsync)
        active.close()
        self._segments.append(fresh)

    def _roll_if_aged(self) -> None:
        now_ms, active = self._options.clock_ms(), self._active
        is_old = now_ms - active.created_at_ms >= self.config.segment_ms
        keep_ms = self.config.retention_ms if self.config.is_deleted_by_age else -1
        is_expired = keep_ms >= 0 and _newest_ms(active) < now_ms - keep_ms
        if active.size and (is_old or is_expired):
            self._roll()

    def _drop_while(self, is_droppable: Callable[[Segment], bool]) -> None:
        while len(self._segments) > 1 and is_droppable(self._segments[0]):
            self._segments.pop(0).path.unlink(missing_ok=True)

    def _new_segment(self, path: Path) -> Segment:
        return Segment(
            path,
            index_interval_bytes=self._options.index_interval_bytes,
            created_at_ms=self._options.clock_ms(),
        )

    def _load(
        self, path: Path, on_batch: Callable[[BatchHeader], None], *, verify: bool = False
    ) -> Segment:
        segment = self._new_segment(path)
        segment.created_at_ms = int(path.stat().st_mtime * 1000)
        if torn := segment.load(on_batch, verify=verify):
            logger.warning("%s ends in %d bytes that are not whole batches", path, torn)
        return segment

    def _recover(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._options.fsync:
            for made in (self._folder.parent, self._folder.parent.parent):
                sync_folder(made)
        for leftover in self._folder.glob(f"*{FRESH_SUFFIX}"):
            leftover.unlink()
        paths = sorted(self._folder.glob(f"*{SUFFIX}"))
        for path in paths:
            is_last = path is paths[-1]
            self._segments.append(self._load(path, self._producers.remember, verify=is_last))
        if not paths:
            self._segments.append(self._new_segment(self._folder / segment_name(0)))
        self._active.open_for_append(fsync=self._options.fsync)


def _newest_ms(segment: Segment) -> int:
    return segment.max_timestamp_ms if segment.max_timestamp_ms >= 0 else segment.created_at_ms


def _first_record(batch: bytes, timestamp_ms: int) -> tuple[int, int] | None:
    try:
        for record in records_of(batch):
            if record.timestamp_ms >= timestamp_ms:
                return record.timestamp_ms, record.offset
    except ValueError:
        # The records cannot be opened: the batch as a whole is the best answer there is.
        header = read_header(batch)
        return header.max_timestamp_ms, header.base_offset
    return None


def _require_keys(batch: memoryview) -> None:
    try:
        has_keys = all(record.key is not None for record in records_of(batch))
    except ValueError as error:
        raise BrokerError(ErrorCode.CORRUPT_MESSAGE, str(error)) from error
    if not has_keys:
        sentence = "a compacted topic takes only records with a key"
        raise BrokerError(ErrorCode.INVALID_RECORD, sentence)
