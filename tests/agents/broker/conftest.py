"""Builders for the broker's own tests: record batches as a real client encodes them."""

from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

Batch = Callable[..., bytes]


def build_batch(
    values: list[bytes | None],
    *,
    keys: list[bytes | None] | None = None,
    timestamps_ms: list[int] | None = None,
    compression: int = 0,
    producer: tuple[int, int, int] = (-1, -1, -1),
) -> bytes:
    """Encode one batch; `producer` is its id, epoch and first sequence."""
    producer_id, epoch, sequence = producer
    builder = DefaultRecordBatchBuilder(2, compression, 0, producer_id, epoch, sequence, 1 << 26)
    for delta, value in enumerate(values):
        timestamp = timestamps_ms[delta] if timestamps_ms else 1_000
        key = keys[delta] if keys else None
        builder.append(delta, timestamp, key, value, [])
    return bytes(builder.build())


@pytest.fixture(scope="session")
def a_batch() -> Batch:
    return build_batch


class Clock:
    """A clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, by_ms: int) -> None:
        self.now_ms += by_ms


@pytest.fixture
def clock() -> Any:
    return Clock()
