import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.broker import journal as journal_module
from agents.broker.config import BrokerConfig
from agents.broker.errors import BrokerError, ErrorCode
from agents.broker.offsets import Committed, CommittedOffsets
from agents.broker.partition_log import LogOptions
from agents.broker.topic_config import broker_defaults
from agents.broker.topics import TopicCatalog


def open_catalog(folder: Path) -> TopicCatalog:
    options = LogOptions(
        fsync=False, index_interval_bytes=4096, max_producers=10, clock_ms=lambda: 1_000
    )
    return TopicCatalog(folder, broker_defaults(BrokerConfig()), options, max_partitions=10)


def refusal(act: Callable[[], object]) -> ErrorCode:
    with pytest.raises(BrokerError) as caught:
        act()
    return caught.value.code


def test_everything_about_topics_survives_a_restart(a_batch: Any, tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    catalog.create("kept", 2, {"retention.ms": "5000"})
    catalog.create("gone", 1, {})
    catalog.grow("kept", 3)
    catalog.configure("kept", {"retention.ms": "6000"})
    for _ in range(4):
        catalog.partition("kept", 2).append(a_batch([b"x"]))
    catalog.delete_records("kept", 2, 3)
    catalog.delete("gone")
    first_producer = catalog.next_producer_id()
    catalog.close()

    catalog = open_catalog(tmp_path)
    assert catalog.names() == ["kept"]
    (topic,) = catalog.topics()
    assert (len(topic.partitions), topic.config.retention_ms) == (3, 6_000)
    assert (topic.partitions[2].start_offset, topic.partitions[2].next_offset) == (3, 4)
    assert catalog.next_producer_id() > first_producer
    catalog.close()


def test_a_rewritten_journal_says_the_same(
    a_batch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "REWRITE_FROM_BYTES", 1)
    catalog = open_catalog(tmp_path)
    for _ in range(3):
        catalog.create("again", 2, {"segment.ms": "10"})
        catalog.delete("again")
    catalog.create("again", 2, {"segment.ms": "10"})
    catalog.partition("again", 1).append(a_batch([b"x", b"y"]))
    catalog.delete_records("again", 1, 1)
    producer = catalog.next_producer_id()
    catalog.upkeep()
    catalog.close()
    catalog = open_catalog(tmp_path)
    (topic,) = catalog.topics()
    assert (topic.partitions[1].start_offset, topic.overrides) == (1, {"segment.ms": "10"})
    assert catalog.next_producer_id() == producer + 1
    catalog.delete("again")
    catalog.create("again", 1, {})
    assert catalog.partition("again", 0).next_offset == 0
    catalog.close()


def test_a_deleted_topics_files_go_even_when_a_crash_left_them(tmp_path: Path) -> None:
    (tmp_path / "topics" / "ghost.7" / "0").mkdir(parents=True)
    catalog = open_catalog(tmp_path)
    assert list((tmp_path / "topics").iterdir()) == []
    catalog.close()


def test_files_that_a_crash_left_of_a_deleted_topic_are_not_taken_for_the_new_one(
    a_batch: Any, tmp_path: Path
) -> None:
    catalog = open_catalog(tmp_path)
    catalog.create("t", 1, {})
    catalog.partition("t", 0).append(a_batch([b"old"]))
    (folder,) = (tmp_path / "topics").iterdir()
    shutil.copytree(folder, tmp_path / "copy")
    catalog.delete("t")
    shutil.copytree(tmp_path / "copy", folder)  # as if the deletion had been interrupted
    catalog.create("t", 1, {})
    assert catalog.partition("t", 0).next_offset == 0
    catalog.close()


def test_partitions_are_limited_over_all_topics(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    catalog.create("a", 6, {})
    assert refusal(lambda: catalog.create("b", 5, {})) is ErrorCode.POLICY_VIOLATION
    catalog.create("b", 4, {})
    assert refusal(lambda: catalog.grow("b", 5)) is ErrorCode.POLICY_VIOLATION
    catalog.close()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "ä", "a b", "x" * 201, "a\n"])
def test_a_name_that_could_leave_the_folder_is_illegal(tmp_path: Path, name: str) -> None:
    catalog = open_catalog(tmp_path)
    assert refusal(lambda: catalog.create(name, 1, {})) is ErrorCode.INVALID_TOPIC
    catalog.close()


def test_unknown_topics_are_said_to_be_unknown(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    catalog.create("t", 1, {})
    for act in (
        lambda: catalog.partition("none", 0),
        lambda: catalog.partition("t", 1),
        lambda: catalog.partition("t", -1),
        lambda: catalog.delete("none"),
        lambda: catalog.configure("none", {}),
    ):
        assert refusal(act) is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    catalog.close()


def test_offsets_survive_a_restart_and_a_rewrite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reopen() -> CommittedOffsets:
        return CommittedOffsets(tmp_path, fsync=True, max_groups=2)

    monkeypatch.setattr(journal_module, "REWRITE_FROM_BYTES", 1)
    offsets = reopen()
    for number in range(5):
        offsets.commit(
            "g", {("t", 0): Committed(number, -1, "note"), ("u", 1): Committed(9, 2, "")}
        )
    offsets.commit("h", {("t", 0): Committed(1, -1, "")})
    assert refusal(lambda: offsets.commit("i", {("t", 0): Committed(1, -1, "")})) is (
        ErrorCode.GROUP_MAX_SIZE_REACHED
    )
    offsets.upkeep()
    offsets.forget_topic("u")
    offsets.forget_group("h")
    offsets.close()
    offsets = reopen()
    assert offsets.groups() == ["g"]
    assert offsets.of_group("g") == {("t", 0): Committed(4, -1, "note")}
    assert offsets.find("g", ("u", 1)) is None
    offsets.forget("g", [("t", 0), ("never", 3)])
    assert offsets.groups() == []
    offsets.close()
