"""A lane: one assigned input partition with its Stage, its position and what is durable of it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from agents.worker.stage import Incoming, Stage


@dataclass(slots=True, kw_only=True, eq=False)
class Lane:
    """Belongs to one session and one generation of the group; dropped, never reused.

    `position` is the next offset to handle, `durable` the one up to which state and offset are
    saved. `clean` is False while outputs of handled records are not all acknowledged: then the
    state is ahead of the position and must not be saved. `slot` is where the next snapshot goes.
    """

    tp: TopicPartition
    stage: Stage
    state_topic: str | None
    position: int
    durable: int
    generation: int
    slot: int = 0
    clean: bool = True
    revoked: bool = False
    unsaved_records: int = 0
    saved_at: float = field(default_factory=time.monotonic)
    idle_at: float = 0.0

    def advance(self, offset: int, count: int) -> None:
        """Move past handled records whose outputs are all acknowledged."""
        assert offset >= self.position
        self.position = offset
        self.unsaved_records += count
        self.clean = True

    def saved(self) -> None:
        """Note that state and offset are durable up to the position."""
        self.durable = self.position
        self.unsaved_records = 0
        self.saved_at = time.monotonic()

    def is_due(self, seconds: float, records: int) -> bool:
        """Tell whether there is something to save and it is time to."""
        if not self.clean or self.position == self.durable:
            return False
        aged = time.monotonic() - self.saved_at >= seconds
        return aged or self.unsaved_records >= records


def slices(records: Sequence[Incoming], position: int, limit: int) -> Iterator[Sequence[Incoming]]:
    """Cut records into pieces of at most `limit`, without those before `position`."""
    first = next((i for i, record in enumerate(records) if record.offset >= position), None)
    if first is None:
        return
    for start in range(first, len(records), limit):
        yield records[start : start + limit]
