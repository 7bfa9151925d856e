"""Checksum and compression of record batches: the one file that leans on aiokafka's internals.

aiokafka ships a C implementation of CRC-32C and the four codecs in the framing Kafka expects;
both are outside its public interface, which is why it is pinned. Its decoders know no limit, so
decompression is done here, into a space that ends at MAX_OPENED_BYTES.
"""

import mmap
import struct
import zlib
from collections.abc import Callable
from enum import IntEnum
from typing import cast

from aiokafka import codec
from aiokafka.record.util import calc_crc32c


class Compression(IntEnum):
    """The compression codec in the low three bits of a batch's attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


# What a batch may be when it is opened. Producers fill batches by their uncompressed size, so a
# batch that unpacks to eight times the largest one that is taken is no honest one.
MAX_OPENED_BYTES = 64 * 1024 * 1024

_Transform = Callable[[bytes], bytes]
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER = struct.Struct(">8sii")
_GZIP_WINDOW = 31  # zlib's way to say: the largest window, with gzip's header and trailer


def _same(payload: bytes) -> bytes:
    return payload


def _gunzip(payload: bytes) -> bytes:
    pieces, room = [], MAX_OPENED_BYTES
    while payload:
        member = zlib.decompressobj(_GZIP_WINDOW)
        pieces.append(member.decompress(payload, room + 1))
        room -= len(pieces[-1])
        if room < 0 or not member.eof:
            msg = f"more than {MAX_OPENED_BYTES} bytes, or cut short"
            raise ValueError(msg)
        payload = member.unused_data
    return b"".join(pieces)


def _unsnap(payload: bytes) -> bytes:
    """Read one block, or the blocks with lengths that Java's library writes."""
    if not payload.startswith(_XERIAL):
        return _unsnap_block(payload, MAX_OPENED_BYTES)
    pieces, at, room = [], _XERIAL_HEADER.size, MAX_OPENED_BYTES
    while at < len(payload):
        (size,) = struct.unpack_from(">i", payload, at)
        at += 4
        if not 0 < size <= len(payload) - at:
            msg = f"a block of {size} bytes was announced where {len(payload) - at} are left"
            raise ValueError(msg)
        pieces.append(_unsnap_block(payload[at : at + size], room))
        room -= len(pieces[-1])
        at += size
    return b"".join(pieces)


def _unsnap_block(block: bytes, room: int) -> bytes:
    if (size := codec.cramjam.snappy.decompress_raw_len(block)) > room:
        msg = f"{size} bytes, more than the {room} that are left"
        raise ValueError(msg)
    return bytes(codec.cramjam.snappy.decompress_raw(block))


def _into_limited_space(decompress_into: Callable[[bytes, mmap.mmap], int]) -> _Transform:
    def run(payload: bytes) -> bytes:
        # An anonymous map costs only the pages that are written.
        with mmap.mmap(-1, MAX_OPENED_BYTES) as space:
            return space[: decompress_into(payload, space)]

    return run


_DECODERS: dict[Compression, _Transform] = {
    Compression.NONE: _same,
    Compression.GZIP: _gunzip,
    Compression.SNAPPY: _unsnap,
    Compression.LZ4: _into_limited_space(codec.cramjam.lz4.decompress_into),
    Compression.ZSTD: _into_limited_space(codec.cramjam.zstd.decompress_into),
}
_ENCODERS: dict[Compression, _Transform] = {
    Compression.NONE: _same,
    Compression.GZIP: codec.gzip_encode,
    Compression.SNAPPY: codec.snappy_encode,
    Compression.LZ4: codec.lz4_encode,
    Compression.ZSTD: codec.zstd_encode,
}


def crc32c(data: bytes | bytearray | memoryview) -> int:
    """Return the CRC-32C (Castagnoli) of the bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    return cast("int", calc_crc32c(bytes(data)))


def decompress(compression: Compression, payload: bytes) -> bytes:
    """Return the records section as it was before compression.

    Raises:
        ValueError: the payload is not what the codec wrote, or too large to be opened.
    """
    try:
        return _DECODERS[compression](payload)
    except Exception as error:  # the codecs raise each their own, some bare Exception
        msg = f"a {compression.name.lower()} payload of {len(payload)} bytes does not decompress"
        raise ValueError(msg) from error


def compress(compression: Compression, payload: bytes) -> bytes:
    """Return the payload compressed in the framing that Kafka clients read."""
    return _ENCODERS[compression](payload)
