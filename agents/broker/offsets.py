"""Committed offsets of consumer groups, durable in a journal of their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agents.broker.errors import BrokerError, ErrorCode
from agents.broker.journal import Journal, Row

MAX_METADATA_CHARS = 4_096


@dataclass(frozen=True, slots=True)
class Committed:
    """How far a group has read one partition, with the note its consumer left."""

    offset: int
    leader_epoch: int
    metadata: str


Place = tuple[str, int]  # topic, partition


class CommittedOffsets:
    """The last commit per group, topic and partition."""

    def __init__(self, folder: Path, *, fsync: bool, max_groups: int) -> None:
        self._max_groups = max_groups
        self._groups: dict[str, dict[Place, Committed]] = {}
        self._journal = Journal(folder / "offsets.journal", fsync=fsync)
        self._journal.replay(self._apply)

    def groups(self) -> list[str]:
        """Return the groups that have committed anything, in order."""
        return sorted(self._groups)

    def of_group(self, group: str) -> dict[Place, Committed]:
        """Return a copy of what a group has committed, ordered by place."""
        return dict(sorted(self._groups.get(group, {}).items()))

    def find(self, group: str, place: Place) -> Committed | None:
        """Return the commit for one partition, or None."""
        return self._groups.get(group, {}).get(place)

    def commit(self, group: str, commits: dict[Place, Committed]) -> None:
        """Store commits, all of them or none.

        Raises:
            BrokerError: there are too many groups, or the disk refuses.
        """
        if group not in self._groups and len(self._groups) >= self._max_groups:
            sentence = f"{self._max_groups} groups have offsets already (max_groups)"
            raise BrokerError(ErrorCode.GROUP_MAX_SIZE_REACHED, sentence)
        self._record([_row(group, place, commit) for place, commit in commits.items()])

    def forget(self, group: str, places: list[Place]) -> None:
        """Drop a group's commits for some partitions."""
        known = self._groups.get(group, {})
        self._record([["drop", group, *place] for place in places if place in known])

    def forget_group(self, group: str) -> None:
        """Drop all of a group's commits."""
        if group in self._groups:
            self._record([["drop-group", group]])

    def forget_topic(self, topic: str) -> None:
        """Drop every group's commits for a topic, so that a new one of that name starts afresh."""
        for group in self.groups():
            self.forget(group, [place for place in self.of_group(group) if place[0] == topic])

    def upkeep(self) -> None:
        """Rewrite the journal when most of it is history."""
        self._journal.rewrite_if_large(self._rows)

    def close(self) -> None:
        """Release the journal."""
        self._journal.close()

    def _record(self, rows: list[Row]) -> None:
        try:
            self._journal.append(rows)
        except OSError as error:
            raise BrokerError(ErrorCode.KAFKA_STORAGE_ERROR, f"cannot write: {error}") from error
        for row in rows:
            self._apply(row)

    def _apply(self, row: Row) -> None:
        match row:
            case [
                "commit",
                str(group),
                str(topic),
                int(index),
                int(offset),
                int(epoch),
                str(note),
            ]:
                places = self._groups.setdefault(group, {})
                places[topic, index] = Committed(offset, epoch, note)
            case ["drop", str(group), str(topic), int(index)]:
                places = self._groups[group]
                del places[topic, index]
                if not places:
                    del self._groups[group]
            case ["drop-group", str(group)]:
                del self._groups[group]
            case _:
                msg = f"the offsets journal holds a row this version does not know: {row!r:.200}"
                raise ValueError(msg)

    def _rows(self) -> Iterator[Row]:
        for group in self.groups():
            for place, commit in self.of_group(group).items():
                yield _row(group, place, commit)


def _row(group: str, place: Place, commit: Committed) -> Row:
    return ["commit", group, *place, commit.offset, commit.leader_epoch, commit.metadata]
