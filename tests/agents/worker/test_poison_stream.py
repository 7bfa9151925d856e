"""One message in ten is poison, on every topic and in every dialect: a storm ends the same.

Poison is what no codec takes: arbitrary bytes, and messages of every dialect that were damaged.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codecs.alerts import decode_alerts
from schemas.codecs.changes import decode_change
from schemas.codecs.otlp_metrics import decode_metrics
from schemas.codecs.otlp_spans import decode_spans
from schemas.codecs.prometheus_json import decode_samples
from schemas.codecs.signals import decode_signal, encode_signal
from schemas.errors import SchemaError
from schemas.signal import TickSignal
from tests.agents.worker.line import (
    SLICE_MS,
    T0,
    Ends,
    Line,
    Sent,
    an_alert,
    on_time,
    sample_message,
    traffic,
)
from tests.agents.worker.test_poison import VALID, mutate, mutations

EVERY = 10
DIALECTS = {**VALID, "signals": [encode_signal(TickSignal(observed_ms=T0))]}
CERTAIN = b'{"poison": ['


def _samples(value: bytes) -> object:
    _, bad = decode_samples([value], [()])
    if bad:
        raise bad[0][1]
    return None


DECODERS: dict[str, Callable[[bytes], object]] = {
    "alerts": lambda value: decode_alerts(value, received_ms=T0),
    "changes": lambda value: decode_change(value, received_ms=T0),
    "metrics": _samples,
    "otlp_metrics": lambda value: decode_metrics(value, ()),
    "otlp_spans": lambda value: decode_spans(value, ()),
    "signals": decode_signal,
}


def is_refused(topic: str, value: bytes) -> bool:
    try:
        DECODERS[topic](value)
    except SchemaError:
        return True
    return False


@st.composite
def poison(draw: st.DrawFn, topic: str) -> bytes | None:
    """Something that the topic's codec refuses."""
    if draw(st.integers(0, 9)) == 0:
        return None
    value = draw(
        st.one_of(st.binary(max_size=60), st.sampled_from(DIALECTS[topic]).flatmap(_damaged))
    )
    return value if is_refused(topic, value) else CERTAIN


def _damaged(value: bytes) -> st.SearchStrategy[bytes]:
    def apply(changes: list[tuple[str, float, bytes]]) -> bytes:
        damaged = value
        for how, where, what in changes:
            damaged = mutate(damaged, how, where, what)
        return damaged

    return st.lists(mutations, min_size=1, max_size=3).map(apply)


poisons = st.fixed_dictionaries(
    {topic: st.lists(poison(topic), min_size=4, max_size=12) for topic in sorted(DIALECTS)}
)


def a_storm() -> list[Sent]:
    """Traffic, a deploy, OTLP metrics, and alerts in several dialects."""
    rules = ("HighLatency", "HighErrorRate", "Saturated")
    singles = [
        an_alert(service, rule, at_s=15 + 4 * number)
        for number, (service, rule) in enumerate(
            (service, rule) for rule in rules for service in ("orders", "cart", "web")
        )
    ]
    deploy = {"kind": "deploy", "service": "db", "title": "v2", "at": "2025-12-31T23:58:00Z"}
    return [
        *traffic(),
        *(sample_message(T0 + second * 1000) for second in range(1, 60, 2)),
        *(_in_another_dialect(sent, number) for number, sent in enumerate(singles)),
        *(Sent(T0 - 120_000 + 1_000 * n, "changes", orjson.dumps(deploy)) for n in range(12)),
        *(otlp_gauge(T0 + number * SLICE_MS) for number in range(12)),
    ]


def otlp_gauge(at_ms: int) -> Sent:
    point = {"timeUnixNano": str(at_ms * 1_000_000), "asDouble": 0.5 + at_ms % 7 / 100}
    metric = {"name": "system.cpu.utilization", "gauge": {"dataPoints": [point]}}
    service = {"key": "service.name", "value": {"stringValue": "cart"}}
    body = {
        "resourceMetrics": [
            {"resource": {"attributes": [service]}, "scopeMetrics": [{"metrics": [metric]}]}
        ]
    }
    return Sent(at_ms, "otlp_metrics", orjson.dumps(body))


def _in_another_dialect(sent: Sent, number: int) -> Sent:
    alert = orjson.loads(sent.value or b"")
    webhook = {"version": "4", "status": "firing", "groupKey": "k", "receiver": "r"}
    event = {"specversion": "1.0", "type": "alert", "source": "/am", "id": str(number)}
    forms: Sequence[Any] = (alert, [alert], webhook | {"alerts": [alert]}, event | {"data": alert})
    return sent._replace(value=orjson.dumps(forms[number % len(forms)]))


def mixed(messages: list[Sent], pools: dict[str, list[bytes | None]]) -> list[tuple[int, Sent]]:
    """Put poison before every ninth good message of each topic, and among the signals."""
    found: list[tuple[int, Sent]] = []
    seen: Counter[str] = Counter()
    for at_ms, sent in on_time(sorted(messages, key=lambda each: each.event_ms)):
        topics = [sent.topic] if seen[sent.topic] % (EVERY - 1) == 0 else []
        seen[sent.topic] += 1
        seen["all"] += 1
        if seen["all"] % (EVERY - 1) == 0:
            topics.append("signals")
        for topic in topics:
            pool = pools[topic]
            found.append((at_ms, Sent(at_ms, topic, pool[len(found) % len(pool)])))
        found.append((at_ms, sent))
    return found


def through(arrivals: list[tuple[int, Sent]]) -> tuple[Line, Ends]:
    line = Line()
    return line, line.run(arrivals)


@cache
def undisturbed() -> Ends:
    return through(on_time(a_storm()))[1]


def check(pools: dict[str, list[bytes | None]]) -> None:
    messages = a_storm()
    clean = undisturbed()
    arrivals = mixed(messages, pools)
    good = Counter((sent.topic, sent.value) for sent in messages)
    bad = Counter((sent.topic, sent.value) for _, sent in arrivals) - good
    assert bad.total() >= len(messages) // EVERY
    assert {topic for topic, _ in bad} == set(DIALECTS)

    line, ends = through(arrivals)
    assert ends.answers() == clean.answers()
    assert "db" in {root for _, _, root in ends.answers().values()}
    assert sorted(ends.aside) == sorted(clean.aside)

    found = Counter(
        (letter["rootline.error.topic"], value)
        for letter, value in zip(ends.letters, ends.originals, strict=True)
    )
    assert found == bad, "every poison message is a dead letter once, and nothing else is"
    for topic in DECODERS:
        received = line.counted("messages_received", topic=topic)
        assert topic == "signals" or received == line.offsets[topic]
    for letter in ends.letters:
        assert letter["rootline.error.kind"] in {"undecodable", "empty"}
        assert is_a_sentence(letter["rootline.error.reason"])


def is_a_sentence(reason: str) -> bool:
    """Whether it says what was found and what was expected or is to be done."""
    return len(reason.split()) >= 5 and any(
        word in reason for word in ("expected", "send", "correct", "check", "raise", ": ")
    )


CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=3, deadline=None, suppress_health_check=CHECKS)
@given(poisons)
def test_a_poisoned_storm_makes_the_same_incidents_and_every_poison_is_a_dead_letter_once(pools):
    check(pools)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@settings(max_examples=100, deadline=None, suppress_health_check=CHECKS)
@given(poisons)
def test_a_hundred_poisoned_storms_make_the_same_incidents(pools):
    check(pools)
