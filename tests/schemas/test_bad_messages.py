"""What is malformed, cut, oversized, of the wrong type or from another time ends in a sentence."""

from collections.abc import Callable

import pytest

from schemas.codecs.alerts import decode_alerts
from schemas.codecs.changes import decode_change
from schemas.codecs.otlp_metrics import decode_metrics
from schemas.codecs.otlp_spans import decode_spans
from schemas.codecs.prometheus_json import decode_samples
from schemas.errors import SchemaError
from tests.schemas import otlp_samples as otlp
from tests.schemas import samples as s


def alert(**fields: object) -> bytes:
    return s.dumps({**s.WEBHOOK_ALERT, **fields})


def event(name: str, body: object) -> bytes:
    return s.dumps({"@timestamp": s.T0_TEXT, "data": {name: body}})


def change(**fields: object) -> bytes:
    return s.dumps({**s.CHANGE, **fields})


def sample(**fields: object) -> bytes:
    return s.dumps({**s.SAMPLE, **fields})


def span(**fields: object) -> bytes:
    data = otlp.traces()
    first = data.resource_spans[0].scope_spans[0].spans[0]
    for name, value in fields.items():
        setattr(first, name, value)
    return data.SerializeToString()


def json_span(**fields: object) -> bytes:
    valid = {
        "traceId": "01" * 16,
        "spanId": "02" * 8,
        "startTimeUnixNano": str(s.T0 * 1_000_000),
        "endTimeUnixNano": str(s.T0 * 1_000_000),
    }
    return s.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{**valid, **fields}]}]}]})


def json_metric(**metric: object) -> bytes:
    return s.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})


def gauge_at(nanoseconds: int) -> bytes:
    data = otlp.metrics()
    point = data.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0]
    point.time_unix_nano = nanoseconds
    return data.SerializeToString()


def nameless() -> bytes:
    data = otlp.metrics()
    data.resource_metrics[0].scope_metrics[0].metrics[0].name = ""
    return data.SerializeToString()


BAD_ALERTS: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"firing!", "the message is no JSON"),
    "cut": (s.dumps(s.WEBHOOK)[:-7], "the message is no JSON"),
    "latin-1": ('{"labels":{"a":"é"}}'.encode("latin-1"), "the message is no JSON"),
    "empty": (b"", "the message is empty, expected JSON"),
    "null": (b"null", "found null, expected alerts"),
    "number": (b"7", "found the number 7, expected alerts"),
    "text": (b'"x"', "found text, expected alerts"),
    "empty object": (b"{}", "found an empty object, expected alerts"),
    "another object": (b'{"foo":1,"bar":2}', "an object with the fields bar, foo, expected"),
    "list of numbers": (b"[1]", "[0] is the number 1, expected an object"),
    "list of lists": (b"[[]]", "[0] is a list, expected an object"),
    "alerts an object": (b'{"alerts":{}}', "alerts is an object, expected a list"),
    "alerts null": (b'{"alerts":null}', "alerts is null, expected a list"),
    "alert a text": (b'{"alerts":["a"]}', "alerts[0] is text, expected an object"),
    "no labels": (alert(labels={}), "the alert has no labels, expected at least alertname"),
    "labels a list": (alert(labels=[]), "the alert.labels is a list, expected an object"),
    "label a number": (
        alert(labels={"code": 500}),
        "the alert.labels.code is the number 500, expected text",
    ),
    "label null": (alert(labels={"a": None}), "the alert.labels.a is null, expected text"),
    "label without a name": (alert(labels={"": "x"}), "has a label without a name"),
    "annotation a list": (
        alert(annotations={"a": []}),
        "the alert.annotations.a is a list, expected text",
    ),
    "no start": (alert(startsAt=None), "the alert has no startsAt, expected an RFC 3339 time"),
    "start a number": (alert(startsAt=1756720800), "startsAt is of type int, expected an RFC"),
    "start in words": (alert(startsAt="yesterday"), 'startsAt is "yesterday", expected an RFC'),
    "start without zone": (alert(startsAt="2026-09-01T10:00:00"), "expected an RFC 3339 time"),
    "month 13": (alert(startsAt="2026-13-01T10:00:00Z"), "expected an RFC 3339 time"),
    "start in 1970": (alert(startsAt="1970-01-01T00:00:00Z"), "between the years 2000 and 2200"),
    "start in 2999": (alert(startsAt="2999-01-01T00:00:00Z"), "between the years 2000 and 2200"),
    "status ok": (alert(status="ok"), 'status is "ok", expected "firing" or "resolved"'),
    "status a number": (alert(status=1), 'status is the number 1, expected "firing"'),
    "status a list": (alert(status=[]), 'status is a list, expected "firing"'),
    "state a list": (alert(status={"state": []}), "status.state is '[]', expected one of"),
    "state unknown": (alert(status={"state": "odd"}), "status.state is 'odd', expected one of"),
    "ends before it starts": (
        alert(status="resolved", endsAt="2026-09-01T09:00:00Z"),
        "ends 3600123 ms before it starts",
    ),
    "fingerprint a number": (alert(fingerprint=7), "fingerprint is the number 7, expected text"),
    "url a list": (alert(generatorURL=[]), "generatorURL is a list, expected text"),
    "event without alert": (event("alertCreated", {}), "data.alertCreated.alert is null"),
    "event with a text": (event("alertCreated", "x"), "data.alertCreated is text"),
    "event without labels": (
        event("alertResolved", {"alert": {"hash": "1", "details": {}}}),
        "has no labels, expected at least alertname",
    ),
    "event with a bad fingerprint": (
        event("alertCreated", {"alert": {**s.EVENT_ALERT, "fingerprint": "0x1"}}),
        "expected a decimal 64-bit number as text",
    ),
    "event with labels as a map": (
        event("alertCreated", {"alert": {"labels": {"labels": {"a": "b"}}}}),
        "labels is an object, expected a list",
    ),
    "Grafana's text": (s.dumps(s.GRAFANA_RECORD), "contact point with alerts as text"),
    "Grafana in Grafana": (
        s.dumps({**s.GRAFANA_RECORD, "details": s.dumps(s.GRAFANA_RECORD).decode()}),
        "expected alerts",
    ),
    "too deep": (b"[" * 65 + b"]" * 65, "JSON nested 65 deep, at most 64 levels"),
    "much too deep": (b'{"a":' * 100_000, "at most 64 levels are accepted"),
}
BAD_CHANGES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"deploy", "the message is no JSON"),
    "a list": (b"[]", "the change is a list, expected an object"),
    "no kind": (change(kind=""), "the change has no kind, expected one of deploy, config"),
    "kind a number": (change(kind=1), "kind is the number 1, expected text"),
    "no target": (change(service=""), "the change names no target, expected service or labels"),
    "service a list": (change(service=[]), "service is a list, expected text"),
    "labels a list": (change(labels=[]), "labels is a list, expected an object"),
    "label a number": (change(labels={"a": 1}), "labels.a is the number 1, expected text"),
    "no time": (change(at=None), "the change has no at, expected an RFC 3339 time or"),
    "time in seconds": (change(at=1_756_720_800), "check the unit and the producer's clock"),
    "negative time": (change(at=-1), "at is -1 ms since 1970, expected a time between"),
    "time in words": (change(at="noon"), 'at is "noon", expected an RFC 3339 time'),
    "time a truth": (change(at=True), "at is of type bool, expected an RFC 3339 time"),
    "title a list": (change(title=[]), "title is a list, expected text"),
    "id a number": (change(id=7), "id is the number 7, expected text"),
}
BAD_SPANS: dict[str, tuple[bytes, str]] = {
    "no OTLP": (b"garbage!", "the message is no OTLP spans in protobuf (8 bytes, cut or"),
    "cut": (otlp.traces().SerializeToString()[:-9], "the message is no OTLP spans in protobuf"),
    "short trace id": (span(trace_id=b"abc"), "found a trace id of 3 bytes, expected 16"),
    "no span id": (span(span_id=b""), "found a span id of 0 bytes, expected 8"),
    "zero span id": (span(span_id=b"\0" * 8), "a trace or span id of zero"),
    "zero trace id": (span(trace_id=b"\0" * 16), "a trace or span id of zero"),
    "short parent": (span(parent_span_id=b"x"), "found a parent id of 1 bytes, expected 8"),
    "no start": (span(start_time_unix_nano=0), "span 0 is from 0 to"),
    "start in ms": (span(start_time_unix_nano=s.T0), "between the years 2000 and 2200"),
    "end in 2262": (span(end_time_unix_nano=(1 << 63) + 5), "between the years 2000 and 2200"),
    "metrics": (s.dumps(otlp.METRICS_JSON), "the message is JSON without resourceSpans"),
    "JSON cut": (s.dumps(otlp.TRACES_JSON)[:-3], "the message is no OTLP in JSON"),
    "JSON of wrong type": (b'{"resourceSpans":{}}', "Expected `array`, got `object` - at"),
    "JSON ids in base64": (json_span(traceId="W47/95gDgQPSabYzgT/GDA=="), "trace id of 24 hex"),
    "JSON id no hex": (json_span(spanId="zz" * 8), "a span id that is no hexadecimal number"),
    "JSON id with blanks": (json_span(spanId="0102 030405 060708"[:16]), "a span id"),
    "JSON time negative": (json_span(startTimeUnixNano=-5), "a span time outside 64 bits"),
    "JSON time huge": (json_span(startTimeUnixNano=str(1 << 70)), "a span time outside 64 bits"),
    "JSON attribute a text": (json_span(attributes=["x"]), "an attribute is no OTLP KeyValue"),
    "JSON kind a name": (json_span(kind="SPAN_KIND_SERVER"), "Expected `int`"),
    "JSON null spans": (b'{"resourceSpans":null}', "Expected `array`, got `null`"),
    "JSON too deep": (b'{"resourceSpans":' + b"[" * 99, "JSON nested 100 deep"),
}
BAD_METRICS: dict[str, tuple[bytes, str]] = {
    "no OTLP": (b"garbage!", "the message is no OTLP metrics in protobuf"),
    "cut": (otlp.metrics().SerializeToString()[:-3], "the message is no OTLP metrics in protobuf"),
    "spans": (s.dumps(otlp.TRACES_JSON), "the message is JSON without resourceMetrics"),
    "no name": (nameless(), "found a metric without a name"),
    "no time": (gauge_at(0), "sample 0 is at 0 ms since 1970, expected a time between"),
    "time in ms": (gauge_at(s.T0), "between the years 2000 and 2200"),
    "JSON value a list": (
        json_metric(name="g", gauge={"dataPoints": [{"asDouble": []}]}),
        "the message is no OTLP in JSON (Expected",
    ),
    "JSON value in words": (
        json_metric(name="g", gauge={"dataPoints": [{"asDouble": "fast"}]}),
        "the message is no OTLP in JSON (Expected",
    ),
    "JSON negative time": (
        json_metric(name="g", gauge={"dataPoints": [{"asInt": 1, "timeUnixNano": -1}]}),
        "a sample time or value outside 64 bits",
    ),
}
BAD_SAMPLES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"nonsense", "no sample of prometheus-kafka-adapter (JSON is malformed"),
    "empty": (b"", "no sample of prometheus-kafka-adapter (Input data was truncated)"),
    "cut": (s.dumps(s.SAMPLE)[:-4], "no sample of prometheus-kafka-adapter"),
    "a list": (b"[]", "Expected `object`, got `array`"),
    "no timestamp": (
        b'{"value":"1","name":"m","labels":{}}',
        "missing required field `timestamp`",
    ),
    "timestamp empty": (sample(timestamp=""), "timestamp is empty, expected an RFC 3339 time"),
    "timestamp a number": (sample(timestamp=1), "Expected `str`, got `int` - at `$.timestamp`"),
    "timestamp in words": (sample(timestamp="now"), 'timestamp is "now", expected an RFC 3339'),
    "value in words": (sample(value="fast"), 'value is "fast", expected a number as text'),
    "value grouped": (sample(value="1_000"), 'value is "1_000", expected a number as text'),
    "value a list": (sample(value=[]), "got `array` - at `$.value`"),
    "value long": (sample(value="1" * 99), "expected a number as text"),
    "labels a list": (sample(labels=[]), "labels is a list, expected an object"),
    "label a number": (sample(labels={"a": 1}), "labels.a is the number 1, expected text"),
    "no name": (sample(name="", labels={"a": "b"}), "the metric's name has 0 characters"),
    "too deep": (b'{"labels":' + b'{"a":' * 99, "JSON nested 100 deep"),
}


@pytest.mark.parametrize(("value", "sentence"), BAD_ALERTS.values(), ids=BAD_ALERTS)
def test_a_bad_alert_is_refused_with_a_sentence(value: bytes, sentence: str) -> None:
    _refuses(decode_alerts, value, sentence)


@pytest.mark.parametrize(("value", "sentence"), BAD_CHANGES.values(), ids=BAD_CHANGES)
def test_a_bad_change_is_refused_with_a_sentence(value: bytes, sentence: str) -> None:
    _refuses(decode_change, value, sentence)


@pytest.mark.parametrize(("value", "sentence"), BAD_SPANS.values(), ids=BAD_SPANS)
def test_bad_spans_are_refused_with_a_sentence(value: bytes, sentence: str) -> None:
    _refuses(decode_spans, value, sentence)


@pytest.mark.parametrize(("value", "sentence"), BAD_METRICS.values(), ids=BAD_METRICS)
def test_bad_metrics_are_refused_with_a_sentence(value: bytes, sentence: str) -> None:
    _refuses(decode_metrics, value, sentence)


@pytest.mark.parametrize(("value", "sentence"), BAD_SAMPLES.values(), ids=BAD_SAMPLES)
def test_a_bad_sample_is_told_with_a_sentence(value: bytes, sentence: str) -> None:
    batch, bad = decode_samples([value])
    assert len(batch) == 0
    assert sentence in str(bad[0][1])


ENVELOPES: dict[str, tuple[object, list[tuple[str, bytes]], str]] = {
    "batch": ([], [("content-type", b"application/cloudevents-batch+json")], "CloudEvents batch"),
    "avro": ({}, [("content-type", b"application/cloudevents+avro")], "format is application/"),
    "list": ([], s.STRUCTURED, "envelope is a list, expected an object"),
    "attributes missing": ({"id": "1"}, s.STRUCTURED, "lacks specversion, type, source"),
    "version 0.3": ({**s.ENVELOPE, "specversion": "0.3"}, s.STRUCTURED, "is '0.3', expected 1.0"),
    "binary 0.3": (s.WEBHOOK, [("ce_specversion", b"0.3")], "is '0.3', expected 1.0"),
    "no data": (s.ENVELOPE, s.STRUCTURED, "has no data"),
    "no base64": ({**s.ENVELOPE, "data_base64": "%"}, s.STRUCTURED, "is not base64"),
    "bad time": ({**s.ENVELOPE, "time": "noon", "data": {}}, s.STRUCTURED, "CloudEvents time is"),
}


@pytest.mark.parametrize(("document", "headers", "sentence"), ENVELOPES.values(), ids=ENVELOPES)
def test_a_bad_envelope_is_refused_with_a_sentence(
    document: object, headers: list[tuple[str, bytes]], sentence: str
) -> None:
    with pytest.raises(SchemaError) as caught:
        decode_alerts(s.dumps(document), headers)
    assert sentence in str(caught.value)


def _refuses(decode: Callable[[bytes], object], value: bytes, sentence: str) -> None:
    with pytest.raises(SchemaError) as caught:
        decode(value)
    said = str(caught.value)
    assert sentence in said
    assert len(said) < 1000
