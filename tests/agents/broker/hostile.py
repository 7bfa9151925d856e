"""Hostile bytes for a Kafka socket: frames by the protocol's layouts, with lies and damage.

All of it follows from a seed, so that a failure can be played again.
"""

import gzip
import random
import struct
from typing import Any

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from agents.broker.api import APIS, ApiKey
from agents.broker.batch_codec import crc32c
from agents.broker.wire import ArrayOf, Layout

# Nobody but the fuzzer uses these, so whatever becomes of them disturbs no other client.
NAMES = ("fuzz-a", "fuzz-b", "fuzz-compacted", "fuzz-none")
_TEXTS = (
    *NAMES * 4,
    "",
    "retention.ms",
    "cleanup.policy",
    "range",
    "consumer",
    "..",
    "../../escape",
    "a\x00b",
    "%s%n{0}",
    "\u202e\U0001f4a5" * 20,
    "x" * 250,
    "y" * 32_767,
)
_EXTREMES = {
    "b": (0, 1, -1, 127, -128),
    "h": (0, 1, -1, -1, 2, 32_767, -32_768),
    "i": (0, 0, 0, 0, 1, -1, 2, 3, 1000, 2**31 - 1, -(2**31)),
    "q": (0, 1, -1, -2, 5, 2**63 - 1, -(2**63), 1_700_000_000_000),
}
_LENGTHS = (-1, -2, 0, 1, 2**31 - 1, -(2**31), 65_536, 1_000_000)
_GZIP_BOMB = gzip.compress(bytes(64 << 20), 9)
# A block that says it is -4 bytes long: who adds that to his place never moves on.
_SNAPPY_LOOP = b"\x82SNAPPY\x00" + struct.pack(">iii", 1, 1, -4) + b"rest"


class Hostile:
    """An endless source of inputs; each is what one connection sends."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def blob(self) -> bytes:
        """What one connection sends: noise, or some frames, each perhaps damaged."""
        rng = self._random
        kind = rng.random()
        if kind < 0.1:
            return rng.randbytes(rng.randrange(400))
        frames = [self.frame() for _ in range(rng.choice((1, 1, 2, 5)))]
        if kind < 0.5:
            frames = [self.mutated(frame) for frame in frames]
        blob = b"".join(frames)
        return blob[: rng.randrange(len(blob) + 1)] if rng.random() < 0.1 else blob

    def frame(self) -> bytes:
        """A request frame by its layout; now and then a length in it is a lie."""
        rng = self._random
        key = rng.choice(list(ApiKey))
        api = APIS[key]
        version = rng.randint(api.oldest, api.newest)
        name = rng.choice((b"\xff\xff", b"\x00\x04fuzz", b"\x7f\xff" + b"z" * 32_767))
        head = struct.pack(">hhi", key, version, rng.randrange(2**31)) + name
        body = head + self._write(api.request, version)
        size = len(body) if rng.random() < 0.95 else rng.choice(_LENGTHS)
        return struct.pack(">i", size) + body

    def mutated(self, data: bytes) -> bytes:
        """The bytes with bits flipped, parts cut, doubled, or overwritten with extreme numbers."""
        rng, damaged = self._random, bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            if not damaged:
                break
            at = rng.randrange(len(damaged))
            match rng.randrange(5):
                case 0:
                    damaged[at] ^= 1 << rng.randrange(8)
                case 1:
                    damaged[at : at + 4] = struct.pack(">i", rng.choice(_LENGTHS))
                case 2:
                    del damaged[at : at + rng.randrange(1, 20)]
                case 3:
                    damaged[at:at] = damaged[at : at + rng.randrange(1, 40)]
                case _:
                    damaged[at:at] = rng.randbytes(rng.randrange(1, 10))
        return bytes(damaged)

    def _write(self, kind: Any, version: int) -> bytes:
        rng = self._random
        if isinstance(kind, Layout):
            fields = [field for field in kind._fields if field.is_in(version)]
            return b"".join(self._write(field.kind, version) for field in fields)
        if isinstance(kind, ArrayOf):
            count = rng.choice((0, 1, 1, 1, 2, 3))
            said = count if rng.random() < 0.97 else rng.choice(_LENGTHS)
            items = [self._write(kind._item, version) for _ in range(count)]
            return struct.pack(">i", said) + b"".join(items)
        if hasattr(kind, "_struct"):
            return self._number(kind._struct.format)
        if type(kind).__name__ == "_Text":
            text = rng.choice(_TEXTS).encode()[:32_767]
            said = len(text) if rng.random() < 0.98 else rng.choice((-1, -2, 32_767))
            return struct.pack(">h", said) + text
        data = self._bytes()
        said = len(data) if rng.random() < 0.97 else rng.choice(_LENGTHS)
        return struct.pack(">i", said) + data

    def _number(self, layout: str) -> bytes:
        code = layout[-1]
        if code == "?":
            return self._random.choice((b"\x00", b"\x01", b"\x02"))
        return struct.pack(layout, self._random.choice(_EXTREMES[code]))

    def _bytes(self) -> bytes:
        rng = self._random
        kind = rng.randrange(6)
        if kind == 0:
            return rng.randbytes(rng.randrange(200))
        if kind == 1:  # what a consumer says of itself, more or less
            return struct.pack(">hih", 0, 1, 6) + b"fuzz-a" + struct.pack(">i", -1)
        batch = bytearray(self._batch())
        if kind == 2:
            batch = bytearray(self.mutated(bytes(batch)))
        if kind <= 4 and len(batch) > 21:
            # With its checksum right again the damage gets as far as it can.
            struct.pack_into(">i", batch, 8, len(batch) - 12)
            struct.pack_into(">I", batch, 17, crc32c(batch[21:]))
        return bytes(batch) * rng.choice((1, 1, 2))

    def _batch(self) -> bytes:
        rng = self._random
        producer = rng.choice((-1, 1, 7))
        sequence = -1 if producer < 0 else rng.randrange(3)
        codec = rng.randrange(5)
        builder = DefaultRecordBatchBuilder(2, codec, 0, producer, 0, sequence, 1 << 20)
        count = rng.choice((1, 2, 30))
        for delta in range(count):
            key = rng.choice((None, b"", b"key"))
            builder.append(delta, rng.choice((0, 2**40)), key, rng.randbytes(20), [("h", b"1")])
        batch = bytes(builder.build())
        match rng.randrange(12):
            case 0:  # records that are no records, in a batch that says how they are packed
                batch = batch[:61] + rng.choice((_SNAPPY_LOOP, b"", rng.randbytes(30)))
            case 1:
                batch = batch[:21] + b"\x00\x01" + batch[23:61] + _GZIP_BOMB
            case 2:  # billions of records
                batch = batch[:23] + struct.pack(">i", 2**31 - 2) + batch[27:57]
                batch += struct.pack(">i", 2**31 - 1) + bytes(8)
            case 3:  # magic 0 and 1: message sets, which may nest
                batch = batch[:16] + bytes([rng.randrange(2)]) + batch[17:]
        return batch
