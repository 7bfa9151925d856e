"""Alerts as baselines count them."""

from dataclasses import replace

import orjson

from agents.evaluation.alerts import counted, seen_alerts
from pipeline.alert_topic import TOPICS
from schemas.recording import Message
from schemas.resolve import Resolver, ResolverConfig
from tests.agents.evaluation.worlds import FAULT_MS, alert, recording

RESOLVER = Resolver(ResolverConfig())


def seen(*messages: Message):
    return seen_alerts(recording(alerts=messages), RESOLVER)


def resolved(message: Message) -> Message:
    value = orjson.loads(message.value)
    value |= {"status": "resolved", "endsAt": "2026-03-02T11:00:00Z"}
    return replace(message, value=orjson.dumps(value))


def test_an_alert_that_is_sent_again_or_resolves_counts_once():
    one = alert("DiskFull", "cart", FAULT_MS)
    found = seen(one, replace(one, arrived_ms=one.arrived_ms + 60_000), resolved(one))
    assert [s.component for s in found] == ["cart"]
    assert counted(found, FAULT_MS, FAULT_MS + 1)["cart"].alerts == 1


def test_only_alerts_that_began_in_the_window_count():
    found = seen(*(alert("DiskFull", "cart", FAULT_MS + s * 1000) for s in (-1, 0, 60, 61)))
    counts = counted(found[1:], FAULT_MS, FAULT_MS + 60_000)
    assert counts["cart"].alerts == 1  # the same fingerprint, whenever it fires
    assert counted(found[:1], FAULT_MS, FAULT_MS + 60_000) == {}


def test_alerts_are_counted_by_what_they_speak_of():
    count = counted(seen(alert("HostHighCpuLoad", "cart", FAULT_MS)), 0, FAULT_MS)["cart"]
    assert count.kinds[TOPICS.index("cpu")] == 1
    assert sum(count.kinds[: len(TOPICS)]) == 1
    assert count.kinds[len(TOPICS)] == 1  # a cause


def test_an_alert_on_calls_is_known_of_the_caller_too():
    value = orjson.loads(alert("CallErrors", "cart", FAULT_MS).value)
    value["labels"] |= {"source_workload": "web", "destination_workload": "cart"}
    message = Message(arrived_ms=FAULT_MS, value=orjson.dumps(value))
    counts = counted(seen(message), 0, FAULT_MS)
    assert (counts["cart"].alerts, counts["web"].alerts) == (1, 0)
    assert (counts["cart"].kinds[-1], counts["web"].kinds[-1]) == (0, 1)


def test_what_cannot_be_read_is_left_out():
    broken = Message(arrived_ms=FAULT_MS, value=b"{")
    assert [s.component for s in seen(broken, alert("DiskFull", "web", FAULT_MS))] == ["web"]
