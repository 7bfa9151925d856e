"""One consumer at one moment, and the judgement of it: idle, busy, waiting, or stuck and why.

Stuck means that a restart would help: Kafka answers, records wait, and nothing moves. A consumer
without work, one that waits for Kafka, one whose commits wait for the next snapshot, and a
partition that waits until others had their turn are not stuck.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from agents.worker.standing import Key, PartitionStatus

_TURNS = 3
_BARREN = 10


class Phase(StrEnum):
    """What a consumer is at."""

    WAITING = "waiting for Kafka"
    JOINING = "joining the group"
    RESTORING = "restoring state"
    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long what may take, in seconds.

    Attributes:
        stuck: without progress while there is work.
        save: from a record's handling until its offset is durable, when all is well.
        behind: age of the last handled record with which a consumer still counts as caught up.
        join: to become a member of the group.
    """

    stuck: float = 60.0
    save: float = 10.0
    behind: float = 60.0
    join: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerStatus:
    """One consumer; `barren_seconds` is how long it has had work, and Kafka, and done nothing."""

    name: str
    phase: Phase
    partitions: Mapping[Key, PartitionStatus]
    beat_seconds: float
    phase_seconds: float
    moved_seconds: float
    barren_seconds: float
    patience: Patience

    @property
    def lag(self) -> dict[Key, int]:
        """Records not handled yet, by (topic, partition)."""
        return {key: partition.lag for key, partition in self.partitions.items()}

    @property
    def unsaved(self) -> int:
        """Records handled whose offsets are not durable yet: a restart handles them again."""
        return sum(partition.unsaved for partition in self.partitions.values())

    @property
    def assigned(self) -> bool:
        """Whether it belongs to the group and its state is restored."""
        return self.phase is Phase.RUNNING

    @property
    def alive(self) -> bool:
        """Whether it makes progress, or has none to make."""
        return self.stuck is None

    @property
    def ready(self) -> bool:
        """Whether it is assigned, Kafka answers, and it is caught up enough."""
        return self.unready is None

    @property
    def stuck(self) -> str | None:
        """Why a restart would help, in a sentence; None while all is well."""
        limit = self.patience.stuck
        if self.phase is Phase.STOPPED:
            return None
        if self.beat_seconds >= limit:
            return f"its loop has not gone round for {self.beat_seconds:.0f} s"
        if self.phase is Phase.JOINING and self.phase_seconds >= limit + self.patience.join:
            return f"it has not become a member of its group for {self.phase_seconds:.0f} s"
        return self._not_moving() if self.phase is not Phase.WAITING else None

    def _not_moving(self) -> str | None:
        limit, waiting = self.patience.stuck, sum(self.lag.values())
        running = self.phase is Phase.RUNNING
        if running and waiting and self.moved_seconds >= limit:
            return f"none of {waiting} waiting records was handled for {self.moved_seconds:.0f} s"
        if waiting and self.barren_seconds >= _BARREN * limit:
            return (
                f"it joins again and again and has handled nothing for {self.barren_seconds:.0f} s"
            )
        if running:
            for (topic, number), each in sorted(self.partitions.items()):
                # It may only wait until others had their turn.
                if each.moved_seconds >= limit and each.turns >= _TURNS:
                    return (
                        f"{topic}/{number} has {each.lag} waiting records and was passed over for "
                        f"{each.moved_seconds:.0f} s"
                    )
                if each.held is None and each.unsaved_seconds >= limit + self.patience.save:
                    return (
                        f"{topic}/{number} has {each.unsaved} handled records whose offsets were "
                        f"not saved for {each.unsaved_seconds:.0f} s"
                    )
        return None

    @property
    def unready(self) -> str | None:
        """Why it does not do its work now, in a sentence; None while it does."""
        if not self.assigned:
            return self.sentence
        late = max((each.behind_seconds for each in self.partitions.values()), default=0.0)
        if late > self.patience.behind:
            return f"not caught up: the last handled record is {late:.0f} s old; {self.sentence}"
        return None

    @property
    def sentence(self) -> str:
        """How it stands, in a sentence."""
        behind = sum(self.lag.values())
        return (
            f"{self.name}: {self.phase}, {len(self.lag)} partitions, {behind} records behind, "
            f"last sign of life {self.beat_seconds:.0f} s ago, last progress "
            f"{self.moved_seconds:.0f} s ago"
        )
