import asyncio

import pytest

from agents.kafka import KafkaConfig
from agents.worker.config import WorkerConfig
from agents.worker.topic_admin import TopicMissingError, ensure_topics
from agents.worker.topics import NAMES, TopicsConfig, declarations


def test_every_named_topic_is_declared_and_every_state_follows_its_input():
    config = TopicsConfig()
    declared = {item.name: item for item in declarations(config)}
    assert {getattr(config, name) for name in NAMES} <= set(declared)
    states = {item.name: item for item in declared.values() if item.state_of is not None}
    assert set(states) == {
        f"rootline.state.{t}" for t in ("metrics", "otlp_metrics", "otlp_spans", "signals")
    }
    for item in states.values():
        assert item.partitions == declared[item.state_of].partitions
        assert item.settings["cleanup.policy"] == "compact"


def test_a_dead_letter_may_be_larger_than_any_input():
    declared = {
        item.name: int(item.settings["max.message.bytes"]) for item in declarations(TopicsConfig())
    }
    inputs = [declared[name] for name in TopicsConfig().inputs]
    assert declared["dead-letter"] > max(inputs)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"input_partitions": 0}, "topics.input_partitions is 0; expected a number above 0"),
        ({"replication": 0}, "topics.replication is 0; expected -1, or 1 and more"),
        ({"alerts": "signals"}, "the name 'signals' is empty or used twice"),
    ],
)
def test_impossible_topics_are_refused_with_a_sentence(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        TopicsConfig(**values)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"roles": ("reduce", "dance")}, "expected one or more of reduce, correlate, notify"),
        ({"roles": ()}, "expected one or more of"),
        ({"poll_ms": 0}, "worker.poll_ms is 0; expected a number above 0"),
        ({"heartbeat_ms": 3_000}, "more than a third"),
        ({"handover_ms": 30_000}, "is not below"),
    ],
)
def test_impossible_workers_are_refused_with_a_sentence(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        WorkerConfig(**values)


@pytest.mark.integration
def test_what_is_missing_is_created_and_what_is_there_is_left_alone(on_stand):
    async def scenario(stand):
        kafka = KafkaConfig(bootstrap=stand.bootstrap)
        await stand.create(alerts=3)
        found = await ensure_topics(kafka, TopicsConfig())
        assert "topic alerts has 3 partitions, declared are 4; the topic stays as it is" in found
        assert all(sentence.startswith("topic alerts ") for sentence in found)
        assert await ensure_topics(kafka, TopicsConfig()) == found
        other = await ensure_topics(kafka, TopicsConfig(input_retention_hours=1))
        assert (
            "topic signals has retention.ms = 604800000, declared is 3600000; the topic stays so"
            in other
        )

    on_stand(scenario)


@pytest.mark.integration
def test_a_state_topic_has_as_many_partitions_as_its_input_really_has(on_stand):
    async def scenario(stand):
        kafka = KafkaConfig(bootstrap=stand.bootstrap)
        await stand.create(otlp_spans=6, metrics=5, rootline__state__metrics=2)
        await ensure_topics(kafka, TopicsConfig())
        assert await stand.partitions("rootline.state.otlp_spans") == 6
        assert await stand.partitions("rootline.state.metrics") == 5

    on_stand(scenario)


@pytest.mark.integration
def test_without_leave_to_create_a_missing_topic_is_named(on_stand):
    async def scenario(stand):
        kafka = KafkaConfig(bootstrap=stand.bootstrap)
        with pytest.raises(TopicMissingError, match="topics are missing: alerts, changes"):
            await ensure_topics(kafka, TopicsConfig(create=False))

    on_stand(scenario)


@pytest.mark.integration
def test_workers_that_create_the_topics_at_the_same_time_both_succeed(on_stand):
    async def scenario(stand):
        kafka = KafkaConfig(bootstrap=stand.bootstrap)
        await asyncio.gather(*(ensure_topics(kafka, TopicsConfig()) for _ in range(4)))

    on_stand(scenario)
