"""The catalog: which topics exist, with which settings, and the log of each partition.

The journal decides: a folder that it does not name is left over from a deletion and goes on start.
"""

import logging
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agents.broker.errors import BrokerError, ErrorCode
from agents.broker.journal import Journal, Row
from agents.broker.partition_log import LogOptions, PartitionLog
from agents.broker.topic_config import TopicConfig, effective

logger = logging.getLogger(__name__)

_LEGAL_NAME = re.compile(r"[a-zA-Z0-9._-]{1,200}")


@dataclass(slots=True, kw_only=True)
class Topic:
    """One topic; `folder` differs from that of an earlier topic of the same name."""

    name: str
    folder: Path
    overrides: dict[str, str]
    config: TopicConfig
    partitions: list[PartitionLog] = field(default_factory=list)
    starts: dict[int, int] = field(default_factory=dict)


class TopicCatalog:
    """Topics by name, durable; also hands out producer ids, which the same journal keeps."""

    def __init__(
        self, folder: Path, defaults: TopicConfig, options: LogOptions, *, max_partitions: int
    ) -> None:
        self._folder = folder / "topics"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._defaults = defaults
        self._options = options
        self._max_partitions = max_partitions
        self._topics: dict[str, Topic] = {}
        self._serial = 0
        self._producer_id = 0
        self._counts: dict[str, int] = {}
        self._journal = Journal(folder / "topics.journal", fsync=options.fsync)
        self._journal.replay(self._apply)
        self._open_all()

    def names(self) -> list[str]:
        """Return all topic names in order."""
        return sorted(self._topics)

    def topics(self) -> list[Topic]:
        """Return all topics in the order of their names."""
        return [self._topics[name] for name in self.names()]

    def find(self, name: str) -> Topic | None:
        """Return the topic, or None."""
        return self._topics.get(name)

    def partition(self, name: str, index: int) -> PartitionLog:
        """Return one partition's log.

        Raises:
            BrokerError: there is no such topic or partition.
        """
        topic = self._topics.get(name)
        if topic is None or not 0 <= index < len(topic.partitions):
            sentence = f"partition {name}/{index} does not exist"
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, sentence)
        return topic.partitions[index]

    def create(
        self, name: str, partitions: int, overrides: Mapping[str, str], *, dry_run: bool = False
    ) -> None:
        """Create a topic.

        Raises:
            BrokerError: the name is taken or illegal, a setting is wrong, or a limit is reached.
        """
        if not _LEGAL_NAME.fullmatch(name) or name in {".", ".."}:
            sentence = (
                f"topic name {name[:80]!r} is not 1 to 200 of letters, digits, '.', '_', '-'"
            )
            raise BrokerError(ErrorCode.INVALID_TOPIC, sentence)
        if name in self._topics:
            raise BrokerError(ErrorCode.TOPIC_ALREADY_EXISTS, f"topic {name!r} exists already")
        self._check_room(partitions, partitions)
        effective(self._defaults, overrides)
        if dry_run:
            return
        self._record(["topic", name, self._serial + 1, partitions, dict(overrides)])
        self._open(self._topics[name], partitions)
        logger.info("created topic %s with %d partitions", name, partitions)

    def grow(self, name: str, count: int, *, dry_run: bool = False) -> None:
        """Raise a topic's number of partitions to `count`.

        Raises:
            BrokerError: the topic is unknown, would shrink, or a limit is reached.
        """
        topic = self._require(name)
        if count <= len(topic.partitions):
            sentence = f"topic {name!r} has {len(topic.partitions)} partitions; {count} is no more"
            raise BrokerError(ErrorCode.INVALID_PARTITIONS, sentence)
        self._check_room(count, count - len(topic.partitions))
        if not dry_run:
            self._record(["grow", name, count])
            self._open(topic, count)

    def configure(self, name: str, overrides: Mapping[str, str], *, dry_run: bool = False) -> None:
        """Replace a topic's own settings.

        Raises:
            BrokerError: the topic is unknown or a setting is wrong.
        """
        topic = self._require(name)
        effective(self._defaults, overrides)
        if not dry_run:
            self._record(["config", name, dict(overrides)])
            for log in topic.partitions:
                log.config = topic.config

    def delete(self, name: str) -> None:
        """Delete a topic and its files.

        Raises:
            BrokerError: the topic is unknown.
        """
        topic = self._require(name)
        self._record(["delete", name])
        for log in topic.partitions:
            log.close()
        shutil.rmtree(topic.folder, ignore_errors=True)
        logger.info("deleted topic %s", name)

    def delete_records(self, name: str, index: int, offset: int) -> int:
        """Delete a partition's records below `offset` (-1: all); return the new first offset.

        Raises:
            BrokerError: the partition is unknown or the offset lies beyond its end.
        """
        log = self.partition(name, index)
        target = log.next_offset if offset < 0 else offset
        if target > log.next_offset:
            sentence = f"offset {target} is beyond the end at {log.next_offset}"
            raise BrokerError(ErrorCode.OFFSET_OUT_OF_RANGE, sentence)
        self._record(["start", name, index, target])
        log.delete_before(target)
        return log.start_offset

    def next_producer_id(self) -> int:
        """Return a producer id that was never given out before, across restarts."""
        self._record(["producer", self._producer_id + 1])
        return self._producer_id

    def upkeep(self) -> None:
        """Rewrite the journal when most of it is history."""
        self._journal.rewrite_if_large(self._rows)

    def close(self) -> None:
        """Release all files."""
        for topic in self._topics.values():
            for log in topic.partitions:
                log.close()
        self._journal.close()

    def _require(self, name: str) -> Topic:
        if name not in self._topics:
            sentence = f"topic {name[:80]!r} does not exist"
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, sentence)
        return self._topics[name]

    def _check_room(self, count: int, added: int) -> None:
        if count < 1:
            raise BrokerError(
                ErrorCode.INVALID_PARTITIONS, f"{count} partitions; expected 1 or more"
            )
        taken = sum(len(topic.partitions) for topic in self._topics.values())
        if taken + added > self._max_partitions:
            sentence = (
                f"{added} more partitions over the {taken} that exist exceed max_partitions "
                f"({self._max_partitions})"
            )
            raise BrokerError(ErrorCode.POLICY_VIOLATION, sentence)

    def _record(self, row: Row) -> None:
        try:
            self._journal.append([row])
        except OSError as error:
            raise BrokerError(ErrorCode.KAFKA_STORAGE_ERROR, f"cannot write: {error}") from error
        self._apply(row)

    def _apply(self, row: Row) -> None:
        match row:
            case ["topic", str(name), int(serial), int(count), dict(overrides)]:
                self._serial = serial
                self._counts[name] = count
                self._topics[name] = Topic(
                    name=name,
                    folder=self._folder / f"{name}.{serial}",
                    overrides=overrides,
                    config=effective(self._defaults, overrides),
                )
            case ["grow", str(name), int(count)]:
                self._counts[name] = count
            case ["config", str(name), dict(overrides)]:
                self._topics[name].overrides = overrides
                self._topics[name].config = effective(self._defaults, overrides)
            case ["start", str(name), int(index), int(offset)]:
                self._topics[name].starts[index] = offset
            case ["delete", str(name)]:
                del self._topics[name], self._counts[name]
            case ["producer", int(producer_id)]:
                self._producer_id = producer_id
            case ["serial", int(serial)]:
                self._serial = serial
            case _:
                msg = f"the topics journal holds a row this version does not know: {row!r:.200}"
                raise ValueError(msg)

    def _rows(self) -> Iterator[Row]:
        for topic in self.topics():
            serial = int(topic.folder.suffix[1:])
            yield ["topic", topic.name, serial, len(topic.partitions), topic.overrides]
            for index, offset in sorted(topic.starts.items()):
                yield ["start", topic.name, index, offset]
        yield ["producer", self._producer_id]
        yield ["serial", self._serial]

    def _open_all(self) -> None:
        known = {topic.folder.name for topic in self._topics.values()}
        for folder in sorted(self._folder.iterdir()):
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)
        for topic in self.topics():
            self._open(topic, self._counts[topic.name])

    def _open(self, topic: Topic, count: int) -> None:
        for index in range(len(topic.partitions), count):
            log = PartitionLog(topic.folder / str(index), topic.config, self._options)
            # Files may have been lost since (no fsync, power cut): never start beyond the end.
            log.delete_before(min(topic.starts.get(index, 0), log.next_offset))
            topic.partitions.append(log)
