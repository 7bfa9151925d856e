"""Checksum and compression of record batches: the one file that leans on aiokafka's internals.

aiokafka ships a C implementation of CRC-32C and the four codecs in the framing Kafka expects;
both are outside its public interface, which is why it is pinned.
"""

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


_Transform = Callable[[bytes], bytes]


def _same(payload: bytes) -> bytes:
    return payload


_DECODERS: dict[Compression, _Transform] = {
    Compression.NONE: _same,
    Compression.GZIP: codec.gzip_decode,
    Compression.SNAPPY: codec.snappy_decode,
    Compression.LZ4: codec.lz4_decode,
    Compression.ZSTD: codec.zstd_decode,
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
        ValueError: the payload is not what the codec wrote.
    """
    try:
        return _DECODERS[compression](payload)
    except Exception as error:  # the codecs raise each their own, some bare Exception
        msg = f"a {compression.name.lower()} payload of {len(payload)} bytes does not decompress"
        raise ValueError(msg) from error


def compress(compression: Compression, payload: bytes) -> bytes:
    """Return the payload compressed in the framing that Kafka clients read."""
    return _ENCODERS[compression](payload)
