import json
from dataclasses import dataclass, field

import numpy as np
import pytest

from agents.telemetry import Telemetry
from agents.worker.config import WorkerConfig
from agents.worker.dead_letter import DeadLetters
from agents.worker.forwarding import AlertStage
from agents.worker.intake import Intake
from agents.worker.packing import Packer
from agents.worker.reduce import ReduceParts, reduce_spec
from agents.worker.reducing import PrometheusStage
from agents.worker.topics import TopicsConfig
from schemas.codecs.alerts import decode_alerts
from schemas.codecs.limits import CodecLimits
from schemas.codecs.prometheus_json import decode_samples
from schemas.codecs.signals import decode_signal
from schemas.component import Component
from schemas.resolve import Resolver, ResolverConfig
from schemas.signal import ServicePane, TelemetrySignal

NOW_MS = 1_760_000_000_000


@dataclass
class Record:
    value: bytes | None
    topic: str = "alerts"
    key: bytes | None = None
    headers: list = field(default_factory=list)
    partition: int = 0
    offset: int = 0
    timestamp: int = NOW_MS


class CountingReducer:
    """Counts rows; tells the total at once, and what it holds when flushed."""

    def __init__(self, source):
        self._source = source
        self._rows = 0
        self._untold = 0
        self.arrivals = []

    def _signal(self):
        pane = ServicePane(component=Component(name="all"), start_ms=0, count=self._rows)
        return ("default", TelemetrySignal(source=self._source, observed_ms=1, services=(pane,)))

    def handle(self, batch, arrived_ms):
        self._rows += len(batch)
        self._untold = 1
        self.arrivals.append(arrived_ms)
        return []

    def stats(self):
        return {}

    def flush(self):
        told, self._untold = self._untold, 0
        return [self._signal()] * told

    def snapshot(self):
        return json.dumps([self._rows, self._untold]).encode()

    def restore(self, data):
        self._rows, self._untold = json.loads(data)


@pytest.fixture
def telemetry():
    return Telemetry()


@pytest.fixture
def letters(telemetry):
    return DeadLetters(
        topic="dead-letter", max_bytes=10_000, counter=telemetry.intake.dead_lettered
    )


@pytest.fixture
def intake(letters, telemetry):
    return Intake(letters=letters, metrics=telemetry.intake, future_ms=300_000)


@pytest.fixture
def packer():
    return Packer("signals", 900_000)


@pytest.fixture
def resolver():
    return Resolver(ResolverConfig(environment_labels=("cluster",)))


@pytest.fixture
def stage(letters, resolver, telemetry):
    """Make the stage of a topic."""
    parts = ReduceParts(
        topics=TopicsConfig(),
        worker=WorkerConfig(),
        limits=CodecLimits(),
        span_reducer=CountingReducer,
        metric_reducer=CountingReducer,
        resolver=resolver,
        metrics=telemetry.intake,
        letters=letters,
    )
    return lambda topic: reduce_spec(parts).stage(topic, 0)


def an_alert(name="HighLatency", starts="2025-10-09T08:53:20Z", **labels):
    return {"labels": {"alertname": name, **labels}, "annotations": {}, "startsAt": starts}


def a_group(*alerts):
    body = {"version": "4", "status": "firing", "groupKey": "k", "receiver": "r"}
    return json.dumps(body | {"alerts": [a | {"status": "firing"} for a in alerts]}).encode()


def a_sample(time_ms=NOW_MS, value="1"):
    seconds = np.datetime_as_string(np.datetime64(time_ms, "ms"), unit="ms")
    row = {"timestamp": f"{seconds}Z", "value": value, "name": "up", "labels": {"job": "cart"}}
    return json.dumps(row).encode()


def some_spans(*starts_ms):
    spans = [
        {
            "traceId": "0af7651916cd43dd8448eb211c80319c",
            "spanId": f"{i + 1:016x}",
            "name": "GET /",
            "kind": 2,
            "startTimeUnixNano": str(start * 1_000_000),
            "endTimeUnixNano": str((start + 5) * 1_000_000),
        }
        for i, start in enumerate(starts_ms)
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    return json.dumps(body).encode()


def split(outgoing):
    """Return (decoded signals, reasons of dead letters)."""
    signals = [decode_signal(out.value) for out in outgoing if out.topic == "signals"]
    reasons = [
        dict(out.headers)["rootline.error.reason"].decode()
        for out in outgoing
        if out.topic == "dead-letter"
    ]
    return signals, reasons


def test_every_alert_of_a_group_goes_on_with_its_component_and_environment(stage):
    value = a_group(an_alert(service="cart", cluster="eu"), an_alert("B", service="db"))
    outgoing = stage("alerts").handle([Record(value)], NOW_MS)
    assert [out.key for out in outgoing] == [b"eu", b"default"]
    signals, reasons = split(outgoing)
    assert [s.component.name for s in signals] == ["cart", "db"]
    assert not reasons


def test_a_poison_message_is_set_aside_and_its_neighbours_go_on(stage, telemetry):
    good = a_group(an_alert(service="cart"))
    poison = [b"{broken", b"", None, b"\xff\xfe", b"[]" * 3, b'{"alerts": 5}', b"null"]
    records = [Record(value) for bad in poison for value in (good, bad)]
    signals, reasons = split(stage("alerts").handle(records, NOW_MS))
    assert len(signals) == len(poison)
    assert len(reasons) == len(poison)
    assert all(len(reason) > 20 for reason in reasons)
    received = telemetry.registry.get_sample_value(
        "rootline_messages_received_total", {"topic": "alerts"}
    )
    assert received == len(records)


def test_a_future_dated_alert_is_set_aside_and_the_rest_of_its_group_used(stage):
    value = a_group(an_alert(service="cart"), an_alert("B", starts="2025-10-09T09:03:21Z"))
    signals, reasons = split(stage("alerts").handle([Record(value)], NOW_MS))
    assert [s.alert.rule for s in signals] == ["HighLatency"]
    (reason,) = reasons
    assert reason.startswith("1 of 2 alerts (the others were used) are dated after 2025-10-09T08:")


def test_a_record_stamped_in_the_future_is_judged_by_our_clock(stage):
    value = a_group(an_alert(starts="2025-10-09T09:53:20Z"))
    record = Record(value, timestamp=NOW_MS + 3_600_000)
    signals, reasons = split(stage("alerts").handle([record], NOW_MS))
    assert not signals
    assert len(reasons) == 1


def test_a_change_goes_on_and_a_future_one_does_not(stage):
    row = {"kind": "deploy", "service": "cart", "version": "2"}
    now = json.dumps(row | {"id": "a", "at": "2025-10-09T08:53:20Z"}).encode()
    future = json.dumps(row | {"id": "b", "at": "2025-10-10T08:53:20Z"}).encode()
    signals, reasons = split(stage("changes").handle([Record(now), Record(future)], NOW_MS))
    assert [s.component.name for s in signals] == ["cart"]
    assert reasons[0].startswith("the change is dated after ")


def test_a_codec_that_fails_unexpectedly_costs_one_message(intake, packer, resolver, telemetry):
    def buggy(value, headers, arrived_ms):
        if value == b"bug":
            raise KeyError(value)
        return decode_alerts(value, headers, received_ms=arrived_ms)

    alerts = AlertStage(intake, packer, resolver, buggy)
    records = [Record(b"bug"), Record(a_group(an_alert()))]
    signals, reasons = split(alerts.handle(records, NOW_MS))
    assert len(signals) == 1
    assert reasons[0].startswith("the decoder failed with KeyError, which is a bug in Rootline")
    labels = {"topic": "alerts", "reason": "codec_bug"}
    name = "rootline_messages_dead_lettered_total"
    assert telemetry.registry.get_sample_value(name, labels) == 1


def test_spans_are_reduced_and_what_is_held_goes_after_a_silence(stage):
    spans = stage("otlp_spans")
    assert spans.handle([Record(some_spans(NOW_MS, NOW_MS))], NOW_MS) == []
    assert spans.idle(NOW_MS + 500) == []
    signals, _ = split(spans.idle(NOW_MS + 1_000))
    assert [s.services[0].count for s in signals] == [2]
    assert spans.idle(NOW_MS + 9_000) == []


def test_future_spans_are_dropped_with_a_dead_letter_and_the_rest_used(stage):
    spans = stage("otlp_spans")
    record = Record(some_spans(NOW_MS, NOW_MS + 3_600_000))
    _, reasons = split(spans.handle([record], NOW_MS))
    assert reasons[0].startswith("1 of 2 spans are dated up to 3300.0 s beyond")
    signals, _ = split(spans.idle(NOW_MS + 1_000))
    assert signals[0].services[0].count == 1


def test_a_restored_reducer_still_tells_what_it_held(stage):
    first = stage("otlp_spans")
    first.handle([Record(some_spans(NOW_MS))], NOW_MS)
    second = stage("otlp_spans")
    second.restore(first.snapshot())
    # The silence begins with the restored reducer, not with the one before it.
    assert second.idle(NOW_MS + 5_000) == []
    signals, _ = split(second.idle(NOW_MS + 6_000))
    assert signals[0].services[0].count == 1


def test_samples_are_reduced_as_one_batch_and_bad_ones_set_aside(stage):
    metrics = stage("metrics")
    values = [a_sample(), b"{", a_sample(), None, a_sample(NOW_MS + 3_600_000), a_sample()]
    records = [Record(v, topic="metrics", offset=i) for i, v in enumerate(values)]
    outgoing = metrics.handle(records, NOW_MS)
    offsets = [dict(out.headers)["rootline.error.offset"] for out in outgoing]
    assert sorted(offsets) == [b"1", b"3", b"4"]
    signals, _ = split(metrics.idle(NOW_MS + 1_000))
    assert signals[0].services[0].count == 3


def test_nothing_but_bad_samples_is_no_trouble(stage):
    _, reasons = split(stage("metrics").handle([Record(b"{"), Record(None)], NOW_MS))
    assert len(reasons) == 2


def test_a_bug_in_the_samples_codec_costs_only_the_message_that_shows_it(intake, packer):
    def buggy(values, headers):
        if b"bug" in values:
            raise RecursionError
        return decode_samples(values, headers)

    metrics = PrometheusStage(CountingReducer("metrics/0"), intake, packer, 1_000, buggy)
    records = [Record(a_sample()), Record(b"bug"), Record(a_sample())]
    _, reasons = split(metrics.handle(records, NOW_MS))
    assert reasons[0].startswith("the decoder failed with RecursionError")
    signals, _ = split(metrics.idle(NOW_MS + 1_000))
    assert signals[0].services[0].count == 2
