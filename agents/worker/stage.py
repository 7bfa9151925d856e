"""What a durable consumer runs: one Stage per input partition, records in, Outgoing records out.

A Stage is deterministic and does no I/O; it may be called from another thread, but never from two
at once. Bad input is its business (it answers with a dead letter); an exception is a bug.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

Headers = tuple[tuple[str, bytes], ...]


class Incoming(Protocol):
    """A record as read from Kafka."""

    @property
    def topic(self) -> str: ...  # noqa: D102 - the names are Kafka's
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to produce; without a partition the key decides."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None


class Stage(Protocol):
    """The state of one input partition and what it makes of records."""

    def handle(self, records: Sequence[Incoming], now_ms: int) -> list[Outgoing]:
        """Take the next records, in order; `now_ms` is the wall clock."""
        ...

    def idle(self, now_ms: int) -> list[Outgoing]:
        """Say what is due by the clock; called while the partition has no backlog."""
        ...

    def snapshot(self) -> bytes | None:
        """Return the whole state, or None where the stage has none."""
        ...

    def restore(self, data: bytes) -> None:
        """Become what `snapshot` was taken from."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFormats:
    """`written` names the format in which states are saved, `read` all that can be restored.

    A version that changes the format names a new one and goes on reading the one before it; what
    an older version cannot read, it leaves alone.
    """

    written: str = "1"
    read: frozenset[str] = frozenset({"1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerSpec:
    """One durable consumer: who it is, what it reads, where it keeps state, what it runs.

    `state_topic` maps an input topic to the topic of its snapshots, or None where its stages have
    no state, `formats` how it is written there; `stage` makes the Stage of one partition; `first`
    names topics that are read before the others in every turn.
    """

    name: str
    group: str
    topics: tuple[str, ...]
    state_topic: Callable[[str], str | None]
    stage: Callable[[str, int], Stage]
    formats: StateFormats = StateFormats()
    first: tuple[str, ...] = ()


def arrival_ms(record: Incoming, now_ms: int) -> int:
    """When a record arrived: its timestamp, unless that is missing or in the future.

    A producer may stamp records with any time; one that lies ahead of our clock is no arrival.
    """
    return record.timestamp if 0 < record.timestamp <= now_ms else now_ms
