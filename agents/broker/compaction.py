"""Log compaction: of each key keep the last record, as `cleanup.policy=compact` asks.

Works on closed segments only, a batch in memory at a time, and writes fresh files beside the old
ones; the partition log puts them in place. Offsets never change, gaps stay.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from agents.broker.batch import Record, rebuild, records_of
from agents.broker.partition_log import PartitionLog
from agents.broker.segment import FRESH_SUFFIX, Segment


@dataclass(slots=True, kw_only=True)
class Compaction:
    """One round over one partition: what it reads, then what it found to replace."""

    segments: list[Segment]
    dirty_from: int
    drop_tombstones_before_ms: int
    max_keys: int
    fresh: dict[int, Path | None] = field(default_factory=dict)
    clean_until: int = 0


def plan(log: PartitionLog, max_keys: int, now_ms: int) -> Compaction | None:
    """Return the round that a partition is due, or None while too little of it is dirty."""
    closed = log.closed_segments
    total = sum(segment.size for segment in closed)
    dirty = sum(segment.size for segment in closed if segment.base_offset >= log.clean_until)
    is_due = dirty > 0 and dirty >= log.config.min_cleanable_dirty_ratio * total
    if not log.config.is_compacted or not is_due:
        return None
    return Compaction(
        segments=list(closed),
        dirty_from=log.clean_until,
        drop_tombstones_before_ms=now_ms - log.config.delete_retention_ms,
        max_keys=max_keys,
    )


def run(compaction: Compaction) -> None:
    """Read and write the files; touches nothing that a reader sees, so a thread may do it."""
    latest = _latest_offsets(compaction)
    for segment in compaction.segments:
        if segment.base_offset >= compaction.clean_until:
            break
        _rewrite(segment, lambda record: _is_kept(record, latest, compaction), compaction)


def finish(log: PartitionLog, compaction: Compaction) -> None:
    """Put the fresh files in place, and clear away those whose segment has gone meanwhile."""
    log.replace_segments(compaction.fresh)
    log.clean_until = compaction.clean_until
    for path in compaction.fresh.values():
        if path is not None:
            path.unlink(missing_ok=True)


def _latest_offsets(compaction: Compaction) -> dict[bytes, int]:
    """Map each key's digest to the offset of its last record in the dirty segments.

    Segments are mapped whole or not at all, so that the map exceeds its limit by at most one
    segment's keys; what lies beyond waits for the next round.
    """
    latest: dict[bytes, int] = {}
    for segment in compaction.segments:
        if segment.base_offset < compaction.dirty_from:
            continue
        if len(latest) >= compaction.max_keys:
            break
        for batch in segment.batches():
            for record in _readable(batch):
                if record.key is not None:
                    latest[_digest(record.key)] = record.offset
        compaction.clean_until = segment.base_offset + 1
    return latest


def _is_kept(record: Record, latest: dict[bytes, int], compaction: Compaction) -> bool:
    if record.key is None:
        return True
    if latest.get(_digest(record.key), -1) > record.offset:
        return False
    # A tombstone stays for a while, so that readers on their way see that the key is gone. All
    # older records of its key lie in segments that this round or an earlier one has mapped.
    return not (record.is_tombstone and record.timestamp_ms < compaction.drop_tombstones_before_ms)


def _rewrite(segment: Segment, is_kept: Callable[[Record], bool], compaction: Compaction) -> None:
    path = segment.path.with_suffix(FRESH_SUFFIX)
    has_changed = has_any = False
    with path.open("wb") as file:
        for batch in segment.batches():
            records = _readable(batch)
            kept = [record for record in records if is_kept(record)]
            if len(kept) < len(records):
                has_changed = True
                batch = rebuild(batch, kept) if kept else b""  # noqa: PLW2901 - the batch that stays
            has_any = has_any or bool(batch)
            file.write(batch)
        file.flush()
        os.fsync(file.fileno())
    if has_changed and has_any:
        compaction.fresh[segment.base_offset] = path
        return
    path.unlink()
    if has_changed:
        compaction.fresh[segment.base_offset] = None


def _readable(batch: bytes) -> list[Record]:
    """Return the batch's records, or none when they cannot be opened: then it stays as it is."""
    try:
        return list(records_of(batch))
    except ValueError:
        return []


def _digest(key: bytes) -> bytes:
    return blake2b(key, digest_size=16).digest()
