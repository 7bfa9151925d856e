"""A state is read back as it was, and nothing that poses as one fills the memory."""

import tracemalloc
import zlib
from dataclasses import dataclass

import pytest

from pipeline.reduce.packing import dump, load


@dataclass(frozen=True, slots=True)
class Kept:
    text: str


def test_a_state_comes_back_up_to_the_limit() -> None:
    data = dump(Kept("x" * 100))
    assert load(data, Kept) == Kept("x" * 100)
    size = len(zlib.decompress(data))
    assert load(data, Kept, limit=size) == Kept("x" * 100)
    with pytest.raises(ValueError, match=rf"more than {size - 1} bytes unpacked"):
        load(data, Kept, limit=size - 1)


def test_a_state_that_unpacks_without_end_is_refused_without_being_held() -> None:
    bomb = zlib.compress(bytes(200_000_000), 9)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="more than 100000 bytes unpacked"):
            load(bomb, Kept, limit=100_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_a_state_that_is_cut_or_of_another_kind_is_refused() -> None:
    data = dump(Kept("x" * 1000))
    for damaged in (data[:-5], b"", b"x" * 20, dump([1])):
        with pytest.raises(ValueError, match="is no Kept"):
            load(damaged, Kept)
