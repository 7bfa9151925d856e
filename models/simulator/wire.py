"""Turns a recording into the messages that its producers would have put on the topics.

Spans become OTLP a resource and export interval, samples the JSON of prometheus-kafka-adapter;
alerts and changes go as they are. Pure: bytes out, in the order of event time.
"""

import heapq
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import orjson

from models.simulator.alertmanager import rfc3339
from models.simulator.wire_spans import SpanEncoder, exports
from schemas.recording import Message, Recording
from schemas.telemetry import MetricBatch, SpanBatch

ALERTS_TOPIC = "alerts"
CHANGES_TOPIC = "changes"
METRICS_TOPIC = "metrics"
SPANS_TOPIC = "otlp_spans"
REMOTE_WRITE_MS = 250


class WireMessage(NamedTuple):
    """One message: when its producer sends it (event time), to which topic, its bytes."""

    event_ms: int
    topic: str
    value: bytes


def wire_messages(recording: Recording) -> Iterator[WireMessage]:
    """Return everything that a recording holds as messages, in the order of event time."""
    streams = [
        as_they_are(ALERTS_TOPIC, recording.alerts),
        as_they_are(CHANGES_TOPIC, recording.changes),
    ]
    if recording.metrics is not None:
        streams.append(metric_messages(recording.metrics))
    if recording.spans is not None:
        streams.append(span_messages(recording.spans))
    return heapq.merge(*streams, key=lambda message: message.event_ms)


def as_they_are(topic: str, messages: tuple[Message, ...]) -> Iterator[WireMessage]:
    """Return messages that a recording holds as bytes."""
    for message in messages:
        yield WireMessage(message.arrived_ms, topic, message.value)


def metric_messages(batch: MetricBatch) -> Iterator[WireMessage]:
    """Return one message a sample, as prometheus-kafka-adapter writes it: whole seconds."""
    heads = [_metric_head(series.name, dict(series.labels)) for series in batch.table]
    columns = (batch.series.tolist(), batch.time_ms.tolist(), batch.value.tolist())
    stamp, second = "", -1
    for series, time_ms, value in zip(*columns, strict=True):
        if time_ms // 1000 != second:
            second = time_ms // 1000
            stamp = rfc3339(second * 1000)
        text = f'{{"timestamp":"{stamp}","value":"{_number(value)}",'
        yield WireMessage(time_ms + REMOTE_WRITE_MS, METRICS_TOPIC, text.encode() + heads[series])


def span_messages(batch: SpanBatch) -> Iterator[WireMessage]:
    """Return the exports of all processes: OTLP, some seconds of one resource's spans each."""
    encoder = SpanEncoder(batch)
    for event_ms, rows in exports(batch):
        yield WireMessage(event_ms, SPANS_TOPIC, encoder.encode(rows))


def _metric_head(name: str, labels: dict[str, str]) -> bytes:
    """Return the part of a sample's JSON that is the same for the whole series."""
    body = orjson.dumps({"name": name, "labels": {"__name__": name, **labels}})
    return body[1:]


def _number(value: float) -> str:
    """Format a sample as Go does.

    >>> _number(2.0), _number(0.25), _number(float("nan"))
    ('2', '0.25', 'NaN')
    """
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
