"""Fuzz targets: every dialect of the input topics, and our own records on the internal ones.

What a codec takes is carried on as the worker would: labels are resolved, nouns become signals and
batches files, and what was written is read back and written again to the same bytes.
"""

import orjson

from agents.cases.kept import decode_kept, encode_kept
from agents.notifier.notified import decode_sent, encode_sent
from agents.notifier.records import decode_incident
from agents.notifier.sent import Occasion
from agents.notifier.slack import plain_payload, render
from agents.notifier.story import tell
from agents.redrive.ledger import decode_entry, encode_entry
from schemas.codecs.alerts import decode_alerts
from schemas.codecs.changes import decode_change
from schemas.codecs.otlp_metrics import decode_metrics
from schemas.codecs.otlp_spans import decode_spans
from schemas.codecs.prometheus_json import decode_samples
from schemas.codecs.recordings import (
    metrics_from_npz,
    metrics_to_npz,
    spans_from_npz,
    spans_to_npz,
)
from schemas.codecs.signals import decode_signal, encode_signal
from schemas.codecs.statements import normalise_statement
from schemas.codecs.verdicts import decode_verdict
from schemas.errors import SchemaError
from schemas.resolve import Resolver, ResolverConfig
from schemas.signal import AlertSignal, ChangeSignal
from tests.fuzz import seeds
from tests.fuzz.oracle import Target
from tests.schemas.samples import T0

_RESOLVER = Resolver(ResolverConfig(environment_labels=("cluster", "env"), cache_entries=256))
_HEADERS_LIMIT = 64
_EVERY = 8


def _alerts(data: bytes) -> None:
    for alert in decode_alerts(data, received_ms=T0 + 1_000):
        found = _RESOLVER.component(alert.labels)
        _RESOLVER.environment(alert.labels).encode()
        _stable(AlertSignal(alert=alert, component=found.component, route=found.route))


def _change(data: bytes) -> None:
    change = decode_change(data, received_ms=T0)
    component = _RESOLVER.component(change.labels).component
    _stable(ChangeSignal(change=change, component=component))


def _stable(signal: AlertSignal | ChangeSignal) -> None:
    written = encode_signal(signal)
    again = decode_signal(written)
    assert again == signal, "a signal that comes back as another"
    assert encode_signal(again) == written, "a signal that is written in two ways"


def _verdict(data: bytes) -> None:
    orjson.dumps(decode_verdict(data, received_ms=T0))


def _spans(data: bytes) -> None:
    batch = decode_spans(data)
    for resource in batch.resources:
        _RESOLVER.resource(resource)
    if len(data) % _EVERY:
        return  # compressing is slow, and a few are enough
    written = spans_to_npz(batch)
    assert spans_to_npz(spans_from_npz(written)) == written, "spans that come back as others"


def _metrics(data: bytes) -> None:
    batch = decode_metrics(data)
    for series in batch.table:
        _RESOLVER.component(series.labels, metric=series.name)
    if len(data) % _EVERY:
        return
    written = metrics_to_npz(batch)
    assert metrics_to_npz(metrics_from_npz(written)) == written, "samples that come back as others"


def _samples(data: bytes) -> None:
    values = data.split(b"\n")
    batch, bad = decode_samples(values)
    assert len(batch) + len(bad) == len(values), "a sample that is neither taken nor refused"
    written = metrics_to_npz(batch)
    assert metrics_to_npz(metrics_from_npz(written)) == written, "samples that come back as others"
    if bad:
        raise bad[0][1]


def _cloud_events(data: bytes) -> None:
    """The first line is the headers as a JSON object, the rest the value."""
    head, _, value = data.partition(b"\n")
    headers = _headers(head)
    first: SchemaError | None = None
    for decode in (decode_alerts, decode_change, decode_verdict, decode_spans, decode_metrics):
        try:
            decode(value, headers)
        except SchemaError as error:
            first = first or error
    if first:
        raise first


def _headers(head: bytes) -> list[tuple[str, bytes]]:
    try:
        document = orjson.loads(head)
    except orjson.JSONDecodeError:
        return [("content-type", head)]
    if not isinstance(document, dict):
        return []
    pairs = list(document.items())[:_HEADERS_LIMIT]
    return [(name, str(value).encode("utf-8", "replace")) for name, value in pairs]


def _signal(data: bytes) -> None:
    signal = decode_signal(data)
    written = encode_signal(signal)
    assert encode_signal(decode_signal(written)) == written, "a signal that is written in two ways"


def _incident(data: bytes) -> None:
    incident = decode_incident(data)
    for occasion in Occasion:
        payload = render(incident, occasion, console_url="https://rootline.example/i")
        orjson.dumps(payload)
        orjson.dumps(plain_payload(tell(incident, occasion)))


def _sent(data: bytes) -> None:
    sent = decode_sent(data)
    if sent is not None:
        _, written = encode_sent(sent)
        assert decode_sent(written) == sent, "a state that comes back as another"


def _ledger(data: bytes) -> None:
    entry = decode_entry(data)
    if entry is not None:
        assert decode_entry(encode_entry(entry)) == entry, "an entry that comes back as another"


def _kept(data: bytes) -> None:
    kept = decode_kept(data)
    written = encode_kept(kept)
    assert encode_kept(decode_kept(written)) == written, "a question that is written in two ways"


def _statement(data: bytes) -> None:
    normalise_statement(data.decode("utf-8", "replace")).encode()


_BAD = (SchemaError,)
CODECS = (
    Target(name="alerts", run=_alerts, seeds=seeds.ALERTS, refusals=_BAD, words=seeds.ALERT_WORDS),
    Target(
        name="changes", run=_change, seeds=seeds.CHANGES, refusals=_BAD, words=seeds.CHANGE_WORDS
    ),
    Target(
        name="verdicts",
        run=_verdict,
        seeds=seeds.VERDICTS,
        refusals=_BAD,
        words=seeds.CHANGE_WORDS,
    ),
    Target(
        name="otlp_spans",
        run=_spans,
        seeds=seeds.SPANS,
        refusals=_BAD,
        form="protobuf",
        words=seeds.OTLP_WORDS,
    ),
    Target(
        name="otlp_metrics",
        run=_metrics,
        seeds=seeds.METRICS,
        refusals=_BAD,
        form="protobuf",
        words=seeds.OTLP_WORDS,
    ),
    Target(
        name="prometheus_json",
        run=_samples,
        seeds=seeds.SAMPLES,
        refusals=_BAD,
        form="lines",
        words=(b"__name__", b"timestamp", b"value", b"labels", b"+Inf", b"NaN"),
    ),
    Target(
        name="cloud_events",
        run=_cloud_events,
        seeds=seeds.CLOUD_EVENTS,
        refusals=_BAD,
        form="lines",
        words=seeds.CLOUD_EVENT_WORDS,
    ),
    Target(
        name="signals",
        run=_signal,
        seeds=seeds.SIGNALS,
        refusals=_BAD,
        words=(b"alert", b"change", b"telemetry", b"tick", b"component", b"observed_ms"),
    ),
    Target(name="incidents", run=_incident, seeds=seeds.INCIDENTS, refusals=_BAD),
    Target(name="redrive_ledger", run=_ledger, seeds=seeds.LEDGER, refusals=_BAD),
    Target(name="notified_states", run=_sent, seeds=seeds.SENT, refusals=_BAD),
    Target(name="kept_questions", run=_kept, seeds=seeds.KEPT, refusals=_BAD, form="lines"),
    Target(
        name="statements",
        run=_statement,
        seeds=seeds.STATEMENTS,
        refusals=_BAD,
        form="text",
        words=(b"/*", b"*/", b"--", b"'", b'"', b"\\", b"''", b"(?)", b", ", b"0x"),
    ),
)
