"""Messages that nobody can use, of every dialect that an input topic takes: cut, bent, or noise.

Each is tried on the stage that would read it: it must give one dead letter and nothing else.
"""

import time
from functools import cache

from agents.telemetry import Telemetry
from agents.worker.assembly import consumer_specs
from agents.worker.topics import TopicsConfig
from tests.faults.orders import warm_up, worker_settings
from tests.faults.record import Record
from tests.schemas import otlp_samples as otlp
from tests.schemas import samples

_TOPICS = TopicsConfig()
_NOISE = (b"", b"\x00", b"null", b'{"poison": [', b"[" * 5_000, bytes(range(256)))
_VALID: dict[str, tuple[bytes, ...]] = {
    _TOPICS.alerts: tuple(
        samples.dumps(dialect)
        for dialect in (
            samples.WEBHOOK,
            samples.WEBHOOK_ALERT,
            samples.POSTABLE,
            samples.GETTABLE,
            samples.EVENT_CREATED,
            samples.GRAFANA_WEBHOOK,
        )
    ),
    _TOPICS.changes: (samples.dumps(samples.CHANGE),),
    _TOPICS.otlp_spans: (
        otlp.traces().SerializeToString(),
        samples.dumps(otlp.TRACES_JSON),
    ),
    _TOPICS.otlp_metrics: (
        otlp.metrics().SerializeToString(),
        samples.dumps(otlp.METRICS_JSON),
    ),
    _TOPICS.metrics: (samples.dumps(samples.SAMPLE),),
}


@cache
def poisons(topic: str) -> tuple[bytes, ...]:
    """Return the poison of a topic: at least one for each of its dialects."""
    settings = worker_settings("127.0.0.1:9092", "", {})
    reduce, _correlate = consumer_specs(settings, warm_up(), Telemetry(), lambda _stage: None)
    stage = reduce.stage(topic, 0)
    now_ms = time.time_ns() // 1_000_000

    def is_poison(value: bytes) -> bool:
        record = Record(topic=topic, partition=0, value=value, timestamp=now_ms)
        return [out.topic for out in stage.handle([record], now_ms)] == [_TOPICS.dead_letter]

    found = [value for value in _NOISE if is_poison(value)]
    for valid in _VALID[topic]:
        bent = [valid[: len(valid) - cut] for cut in (1, len(valid) // 2)]
        damaged = [value for value in bent if is_poison(value)]
        assert damaged, f"a dialect of {topic} stands every cut"
        found += damaged
    return tuple(found)
