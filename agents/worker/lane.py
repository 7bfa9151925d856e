"""A lane: one assigned input partition with its Stage, its position and what is durable of it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from agents.worker.pace import Pace
from agents.worker.stage import Incoming, Stage
from agents.worker.standing import Place

_PAUSES = 9
_LONGEST_SECONDS = 60.0


@dataclass(slots=True, kw_only=True, eq=False)
class Lane:
    """Belongs to one session and one generation of the group; dropped, never reused.

    `position` is the next offset to handle, `durable` the one up to which state and offset are
    saved. `clean` is False while outputs of handled records are not all acknowledged: then the
    state is ahead of the position and must not be saved. `slot` is where the next snapshot goes,
    `held` why it is not written, `handled_ms` when the last handled record arrived. `left_over`
    says that records were read and not handled: whoever comes next reads them again.
    `save_seconds` is how long making the last snapshot took.
    """

    tp: TopicPartition
    stage: Stage
    state_topic: str | None
    position: int
    durable: int
    generation: int
    pace: Pace
    slot: int = 0
    clean: bool = True
    revoked: bool = False
    left_over: bool = False
    unsaved_records: int = 0
    handled_ms: int = 0
    held: str | None = None
    save_seconds: float = 0.0
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

    def place(self, end: int) -> Place:
        """Say where it stands; `end` is what the brokers have."""
        return Place(
            topic=self.tp.topic,
            partition=self.tp.partition,
            position=self.position,
            durable=self.durable,
            end=end,
            handled_ms=self.handled_ms,
            held=self.held,
        )

    def is_due(self, seconds: float, records: int) -> bool:
        """Tell whether there is something to save and it is time to.

        A state that takes long to save is saved less often: a storm must not spend its time on
        that. What a crash then costs is a longer replay, not more than `_LONGEST_SECONDS` of it.
        """
        if not self.clean or self.position == self.durable:
            return False
        pause = max(seconds, min(_PAUSES * self.save_seconds, _LONGEST_SECONDS))
        aged = time.monotonic() - self.saved_at >= pause
        return aged or self.unsaved_records >= records


def slices(records: Sequence[Incoming], position: int, pace: Pace) -> Iterator[Sequence[Incoming]]:
    """Cut records into pieces of the pace's present size, without those before `position`."""
    first = next((i for i, record in enumerate(records) if record.offset >= position), None)
    if first is None:
        return
    while first < len(records):
        piece = records[first : first + pace.size]
        yield piece
        first += len(piece)
