"""Whatever bytes come on an input topic, the stage answers: signals, or a dead letter.

With the real reducers and codecs; what a stage raises would stop a partition.
"""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.telemetry import Telemetry
from agents.worker.config import WorkerConfig
from agents.worker.dead_letter import DeadLetters
from agents.worker.reduce import ReduceParts, reduce_spec
from agents.worker.topics import TopicsConfig
from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.metrics import MetricReducer
from pipeline.reduce.spans import SpanReducer
from schemas.codecs.limits import CodecLimits
from schemas.codecs.signals import decode_signal
from schemas.resolve import Resolver, ResolverConfig
from tests.agents.worker.test_stages import Record
from tests.schemas import otlp_samples as otlp
from tests.schemas import samples

NOW_MS = 1_795_000_000_000  # later than anything in the samples

VALID: dict[str, list[bytes]] = {
    "alerts": [
        samples.dumps(d)
        for d in (
            samples.WEBHOOK,
            samples.WEBHOOK_ALERT,
            samples.POSTABLE,
            samples.GETTABLE,
            samples.EVENT_CREATED,
            samples.GRAFANA_WEBHOOK,
        )
    ],
    "changes": [samples.dumps(samples.CHANGE)],
    "otlp_spans": [otlp.traces().SerializeToString(), samples.dumps(otlp.TRACES_JSON)],
    "otlp_metrics": [otlp.metrics().SerializeToString(), samples.dumps(otlp.METRICS_JSON)],
    "metrics": [samples.dumps(samples.SAMPLE)],
}
TOPICS = sorted(VALID)


def a_stage(topic: str) -> Callable[[list[Record]], list]:
    telemetry = Telemetry()
    resolver = Resolver(ResolverConfig())
    config = ReduceConfig()
    parts = ReduceParts(
        topics=TopicsConfig(),
        worker=WorkerConfig(),
        limits=CodecLimits(),
        span_reducer=lambda source: SpanReducer(source, resolver, config),
        metric_reducer=lambda source: MetricReducer(source, resolver, config),
        resolver=resolver,
        metrics=telemetry.intake,
        letters=DeadLetters(
            topic="dead-letter", max_bytes=1_000_000, counter=telemetry.intake.dead_lettered
        ),
    )
    stage = reduce_spec(parts).stage(topic, 0)

    def feed(records: list[Record]) -> list:
        for record in records:
            record.timestamp = NOW_MS
        return [*stage.handle(records, NOW_MS), *stage.idle(NOW_MS + 60_000)]

    return feed


def letters_of(outgoing: list) -> list[dict[str, str]]:
    """Return the headers of the dead letters; everything else must be a signal that decodes."""
    found = []
    for each in outgoing:
        if each.topic == "dead-letter":
            found.append({name: text.decode() for name, text in each.headers})
        else:
            decode_signal(each.value)
    return found


mutations = st.tuples(
    st.sampled_from(["cut", "flip", "insert", "repeat"]), st.floats(0, 1), st.binary(max_size=8)
)


def mutate(value: bytes, how: str, where: float, what: bytes) -> bytes:
    at = int(where * len(value))
    match how:
        case "cut":
            return value[:at]
        case "flip":
            return value[:at] + what + value[at + len(what) :]
        case "insert":
            return value[:at] + what + value[at:]
        case _:
            return value[:at] + value[: at // 2] + value[at:]


@pytest.mark.parametrize("topic", TOPICS)
def test_valid_messages_of_every_dialect_are_no_dead_letters(topic: str):
    records = [Record(value=value, topic=topic, offset=i) for i, value in enumerate(VALID[topic])]
    assert letters_of(a_stage(topic)(records)) == []


@pytest.mark.parametrize("topic", TOPICS)
@settings(max_examples=60, deadline=None)
@given(value=st.one_of(st.none(), st.binary(max_size=300)))
def test_arbitrary_bytes_never_stop_a_stage(topic: str, value: bytes | None):
    record = Record(value=value, topic=topic)
    for letter in letters_of(a_stage(topic)([record])):
        assert len(letter["rootline.error.reason"]) > 10


@pytest.mark.parametrize("topic", TOPICS)
@settings(max_examples=60, deadline=None)
@given(data=st.data(), changes=st.lists(mutations, min_size=1, max_size=3))
def test_mutated_messages_never_stop_a_stage(topic: str, data, changes):
    value = data.draw(st.sampled_from(VALID[topic]))
    for how, where, what in changes:
        value = mutate(value, how, where, what)
    letters_of(a_stage(topic)([Record(value=value, topic=topic)]))


@pytest.mark.parametrize("topic", TOPICS)
def test_one_poison_message_in_ten_costs_only_itself(topic: str):
    good = VALID[topic][0]
    records = [
        Record(value=b'{"poison": [' if i % 10 == 3 else good, topic=topic, offset=i)
        for i in range(40)
    ]
    outgoing = a_stage(topic)(records)
    letters = letters_of(outgoing)
    assert [letter["rootline.error.offset"] for letter in letters] == ["3", "13", "23", "33"]
    assert len(outgoing) > len(letters)
