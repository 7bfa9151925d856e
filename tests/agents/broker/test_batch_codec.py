"""Batches are opened within a limit, whatever they would unpack to."""

import gzip
import struct
from contextlib import suppress

import pytest
from aiokafka import codec
from hypothesis import given
from hypothesis import strategies as st

from agents.broker.batch_codec import MAX_OPENED_BYTES, Compression, compress, decompress

PACKED = [Compression.GZIP, Compression.SNAPPY, Compression.LZ4, Compression.ZSTD]
BOMB = bytes(MAX_OPENED_BYTES + 1)
XERIAL = struct.pack(">8sii", b"\x82SNAPPY\x00", 1, 1)


@pytest.mark.parametrize("compression", PACKED)
def test_what_would_unpack_to_more_than_the_limit_is_refused(compression: Compression) -> None:
    payload = compress(compression, BOMB)
    assert len(payload) < MAX_OPENED_BYTES // 15
    with pytest.raises(ValueError, match="does not decompress"):
        decompress(compression, payload)


def test_members_and_blocks_do_not_go_past_the_limit_together() -> None:
    half = BOMB[: MAX_OPENED_BYTES // 2 + 1]
    block = bytes(codec.cramjam.snappy.compress_raw(half))
    blocks = XERIAL + 2 * (struct.pack(">i", len(block)) + block)
    for compression, payload in (
        (Compression.GZIP, 2 * gzip.compress(half, 1)),
        (Compression.SNAPPY, blocks),
    ):
        with pytest.raises(ValueError, match="does not decompress"):
            decompress(compression, payload)


@pytest.mark.parametrize("size", [-4, -1, 0, 5, 2**31 - 1])
def test_a_block_with_an_impossible_length_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="does not decompress"):
        decompress(Compression.SNAPPY, XERIAL + struct.pack(">i", size) + b"rest")


def test_a_gzip_payload_that_is_cut_short_is_refused() -> None:
    payload = compress(Compression.GZIP, b"a value " * 100)
    with pytest.raises(ValueError, match="does not decompress"):
        decompress(Compression.GZIP, payload[:-9])


@pytest.mark.parametrize("compression", PACKED)
@given(payload=st.binary(max_size=5_000))
def test_what_was_packed_is_unpacked(compression: Compression, payload: bytes) -> None:
    assert decompress(compression, compress(compression, payload)) == payload


@given(payload=st.binary(max_size=5_000))
def test_other_ways_to_pack_are_read_too(payload: bytes) -> None:
    raw = bytes(codec.cramjam.snappy.compress_raw(payload))
    assert decompress(Compression.SNAPPY, raw) == payload
    members = gzip.compress(payload) + gzip.compress(b"more")
    assert decompress(Compression.GZIP, members) == payload + b"more"
    linked = bytes(codec.cramjam.lz4.compress(payload))
    assert decompress(Compression.LZ4, linked) == payload


@pytest.mark.parametrize("compression", PACKED)
@given(payload=st.binary(max_size=300))
def test_noise_is_refused_or_unpacked_but_nothing_else(
    compression: Compression, payload: bytes
) -> None:
    with suppress(ValueError):
        assert len(decompress(compression, payload)) <= MAX_OPENED_BYTES
