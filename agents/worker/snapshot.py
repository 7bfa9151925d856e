"""State snapshots as records of a state topic: pack, split into chunks, find the last whole one.

A snapshot is state and offset together, so whichever whole one is restored, replaying the input
from its offset gives the same outputs again. It is one record, or several when it is large; they
alternate between two slots of keys, so that compaction never touches the last whole snapshot
while the next one is being written. Each format of states has slots of its own: workers of two
versions may take turns at a partition, and each finds the last snapshot that it can read.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from agents.worker.stage import Headers, Incoming, Outgoing

_FORMAT = b"1"
_ID = "rootline.snapshot.id"
_CHUNK = "rootline.snapshot.chunk"
_OFFSET = "rootline.snapshot.offset"
_GENERATION = "rootline.snapshot.generation"
_CHECKSUM = "rootline.snapshot.crc32"
_VERSION = "rootline.snapshot.format"
_STATE = "rootline.snapshot.state"
_COMPRESSION_LEVEL = 1
FIRST_FORMAT = "1"
"""The format of states that do not name theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A stage's state, valid exactly before the record at `offset` is handled.

    `generation` is the consumer group's when it was written; `slot` the keys it occupies, and
    `form` the format of the state.
    """

    offset: int
    generation: int
    slot: int
    state: bytes
    form: str = FIRST_FORMAT


class SnapshotTooLargeError(ValueError):
    """A state exceeds the configured limit, so it is neither saved nor restored."""


def pack(
    snapshot: Snapshot, *, topic: str, partition: int, snapshot_id: str, chunk_bytes: int
) -> list[Outgoing]:
    """Return the records of a snapshot, to be produced in this order."""
    packed = zlib.compress(snapshot.state, _COMPRESSION_LEVEL)
    starts = range(0, max(len(packed), 1), chunk_bytes)
    headers: Headers = (
        (_VERSION, _FORMAT),
        (_ID, snapshot_id.encode()),
        (_OFFSET, b"%d" % snapshot.offset),
        (_GENERATION, b"%d" % snapshot.generation),
        (_CHECKSUM, b"%08x" % zlib.crc32(packed)),
        (_STATE, snapshot.form.encode()),
    )
    own = "" if snapshot.form == FIRST_FORMAT else f"{snapshot.form}/"
    return [
        Outgoing(
            topic,
            f"{own}{snapshot.slot}/{index}".encode(),
            packed[start : start + chunk_bytes],
            (*headers, (_CHUNK, b"%d/%d" % (index, len(starts)))),
            partition,
        )
        for index, start in enumerate(starts)
    ]


def last_whole(
    records: Sequence[Incoming],
    max_bytes: int,
    forms: frozenset[str] = frozenset({FIRST_FORMAT}),
) -> Snapshot | None:
    """Find the last snapshot whose chunks are all among `records` (in log order), if any.

    Args:
        records: of one partition of a state topic.
        max_bytes: the largest state.
        forms: the formats of states that count; others are passed over.

    Raises:
        SnapshotTooLargeError: its state is larger than `max_bytes`.
    """
    chunks: dict[bytes, dict[int, Incoming]] = {}
    ends: list[tuple[bytes, int]] = []
    for record in records:
        headers = dict(record.headers)
        place = _place(headers)
        if place is None or record.value is None or _form(headers) not in forms:
            continue
        index, count = place
        chunks.setdefault(headers[_ID], {})[index] = record
        if index == count - 1:
            ends.append((headers[_ID], count))
    for snapshot_id, count in reversed(ends):
        parts = chunks[snapshot_id]
        if len(parts) == count and max(parts) == count - 1:
            found = _assemble([parts[index] for index in range(count)], max_bytes)
            if found is not None:
                return found
    return None


def _place(headers: dict[str, bytes]) -> tuple[int, int] | None:
    if headers.get(_VERSION) != _FORMAT or _ID not in headers:
        return None
    index, _, count = headers.get(_CHUNK, b"").partition(b"/")
    return (int(index), int(count)) if index.isdigit() and count.isdigit() else None


def _form(headers: dict[str, bytes]) -> str:
    return headers.get(_STATE, FIRST_FORMAT.encode()).decode("ascii", "replace")


def _assemble(parts: Sequence[Incoming], max_bytes: int) -> Snapshot | None:
    packed = b"".join(part.value or b"" for part in parts)
    headers = dict(parts[-1].headers)
    if b"%08x" % zlib.crc32(packed) != headers.get(_CHECKSUM):
        return None
    try:
        return Snapshot(
            offset=int(headers[_OFFSET]),
            generation=int(headers[_GENERATION]),
            slot=int((parts[-1].key or b"0/0").split(b"/")[-2]),
            state=_unpack(packed, max_bytes),
            form=_form(headers),
        )
    except SnapshotTooLargeError:
        raise
    except (KeyError, IndexError, ValueError, zlib.error):
        # None of ours, whoever wrote it; an older one may be whole.
        return None


def _unpack(packed: bytes, max_bytes: int) -> bytes:
    unpacker = zlib.decompressobj()
    state = unpacker.decompress(packed, max_bytes)
    if unpacker.unconsumed_tail:
        msg = (
            f"a saved state is larger than worker.snapshot_max_bytes ({max_bytes}); raise it to "
            "restore the state, or the worker rebuilds it from the input"
        )
        raise SnapshotTooLargeError(msg)
    return state
