from pathlib import Path

import pytest

from agents.worker.dead_letter import Rejection
from agents.worker.topics import TopicsConfig, declarations
from pipeline.outputs import DropReason, Transition

PAGE = (Path(__file__).parents[3] / "docs" / "TOPICS.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("item", declarations(TopicsConfig()), ids=lambda item: item.name)
def test_every_topic_is_explained_with_its_partitions(item):
    if item.state_of is not None:
        assert "`rootline.state.<input>`" in PAGE
        assert f"`{item.state_of}`" in PAGE
        return
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{item.name}` |")]
    assert f" {item.partitions} partitions" in row
    assert ("compacted" in row) == ("compact" in item.settings["cleanup.policy"])
    hours = int(item.settings["retention.ms"]) // 3_600_000
    assert (f"{hours} h" if hours < 48 else f"{hours // 24} days") in row


@pytest.mark.parametrize("word", [*Rejection, *DropReason, *Transition])
def test_every_word_of_a_closed_set_is_named(word):
    assert word.value in PAGE
