"""A record as a stage reads it, made without Kafka."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What `Incoming` asks for."""

    topic: str
    partition: int
    value: bytes | None
    timestamp: int
    offset: int = 0
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()
