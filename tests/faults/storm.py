"""The storm that every run plays: simulated once, as messages of its producers, in numbered steps.

Two environments whose alerts must become the same incidents, byte for byte, in every run. So that
nothing but the fault differs between runs, a source sends one message a step, the next step waits
until the first stage has passed the one before it on, and which signals those are is worked out
beforehand with the stages themselves.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from zlib import crc32

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from models.simulator.alertmanager import rfc3339
from models.simulator.config import SimulationConfig
from models.simulator.simulate import simulate
from models.simulator.wire import (
    ALERTS_TOPIC,
    METRICS_TOPIC,
    SPANS_TOPIC,
    WireMessage,
    wire_messages,
)
from tests.faults.orders import ENVIRONMENT_LABEL, INPUT_PARTITIONS

NUMBER = "number"
"""The header that numbers an input message."""
STORMS = {"eu": "pool_exhaustion", "us": "bad_deploy"}
START_MS = 1_772_445_600_000  # 2026-03-02T10:00:00Z
_WARMUP_SECONDS, _STORM_SECONDS, _RECOVERY_SECONDS = 120.0, 165.0, 45.0
_STEP_MS = 15_000
_SILENCE_MS = 30 * 60_000
_SERIES_OF = 60
TELEMETRY = frozenset({METRICS_TOPIC, SPANS_TOPIC})


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """An input message: its number, when its producer sends it (event time), where it goes."""

    number: int
    event_ms: int
    topic: str
    partition: int
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is sent within a stretch of event time: alerts and changes first, then telemetry.

    Attributes:
        sparse: alerts and changes.
        telemetry: spans and samples.
        alerts: (environment, fingerprint, status) of the alerts among them.
        observed: how far each (environment, topic) has come on `signals` when it is passed on.
    """

    sparse: tuple[Numbered, ...]
    telemetry: tuple[Numbered, ...]
    alerts: frozenset[tuple[str, str, str]] = frozenset()
    observed: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """All steps: a warm-up, the storm, and a curtain: much later, so that windows end."""

    warmup: Step
    storm: tuple[Step, ...]
    curtain: Step

    @property
    def steps(self) -> tuple[Step, ...]:
        return (self.warmup, *self.storm, self.curtain)


def draw_steps(seed: int) -> list[list[Numbered]]:
    """Simulate the storm and cut it: the warm-up, then a list for each step, then the curtain."""
    messages = list(_messages(seed))
    warm_ms = START_MS + round(_WARMUP_SECONDS * 1000)

    def step_of(message: Numbered) -> int:
        return max(-1, (message.event_ms - warm_ms) // _STEP_MS)

    steps = [list(found) for _, found in groupby(messages, key=step_of)]
    return [*steps, list(_curtain(messages))]


def _messages(seed: int) -> Iterator[Numbered]:
    found: list[tuple[int, int, str, bytes]] = []
    for index, (environment, fault) in enumerate(sorted(STORMS.items())):
        config = SimulationConfig(
            warmup_seconds=_WARMUP_SECONDS,
            storm_seconds=_STORM_SECONDS,
            recovery_seconds=_RECOVERY_SECONDS,
            request_rate=1.0,
            scrape_seconds=30,
            start_ms=START_MS,
            environment=environment,
        )
        wire = list(wire_messages(simulate(fault, seed=seed, topology="shop", config=config)))
        rest = [m for m in wire if m.topic != SPANS_TOPIC and not _left_out(m)]
        for message in (*rest, *collected(m for m in wire if m.topic == SPANS_TOPIC)):
            value = in_environment(message, environment)
            found.append((message.event_ms, index, message.topic, value))
    found.sort(key=lambda row: row[:3])
    for number, (event_ms, index, topic, value) in enumerate(found):
        yield Numbered(
            number=number,
            event_ms=event_ms,
            topic=topic,
            # What belongs to one environment stays in order, as with a key.
            partition=index % INPUT_PARTITIONS,
            value=value,
        )


def collected(spans: Iterable[WireMessage]) -> Iterator[WireMessage]:
    """Return the spans of each step as one export, as a collector with a batch processor does."""
    for slot, messages in groupby(spans, key=lambda m: (m.event_ms - START_MS) // _STEP_MS):
        batch = TracesData()
        for message in messages:
            batch.MergeFromString(message.value)
        last_ms = START_MS + (slot + 1) * _STEP_MS - 1
        yield WireMessage(last_ms, SPANS_TOPIC, batch.SerializeToString())


def _curtain(messages: Sequence[Numbered]) -> Iterator[Numbered]:
    """Return the last message of each source once more, half an hour later."""
    last = {
        (message.topic, message.partition): message
        for message in messages
        if message.topic in TELEMETRY
    }
    for offset, message in enumerate(last.values()):
        yield Numbered(
            number=len(messages) + offset,
            event_ms=message.event_ms + _SILENCE_MS,
            topic=message.topic,
            partition=message.partition,
            value=_later(message, _SILENCE_MS),
        )


def _left_out(message: WireMessage) -> bool:
    """Tell whether it is of the many metric series that are left out: a run is to take seconds."""
    if message.topic != METRICS_TOPIC:
        return False
    labels = orjson.dumps(orjson.loads(message.value)["labels"], option=orjson.OPT_SORT_KEYS)
    return crc32(labels) % _SERIES_OF != 0


def in_environment(message: WireMessage, environment: str) -> bytes:
    """Return a message that says which environment it is about."""
    if message.topic == SPANS_TOPIC:
        spans = TracesData.FromString(message.value)
        for each in spans.resource_spans:
            each.resource.attributes.append(
                KeyValue(key=ENVIRONMENT_LABEL, value=AnyValue(string_value=environment))
            )
        return bytes(spans.SerializeToString())
    content = orjson.loads(message.value)
    labelled = content["alerts"] if message.topic == ALERTS_TOPIC else [content]
    for each in labelled:
        each.setdefault("labels", {})[ENVIRONMENT_LABEL] = environment
    return orjson.dumps(content)


def _later(message: Numbered, by_ms: int) -> bytes:
    """Return a telemetry message with its times moved, as something new."""
    if message.topic == METRICS_TOPIC:
        row = orjson.loads(message.value)
        at_ms = round(datetime.fromisoformat(row["timestamp"]).timestamp() * 1000)
        row["timestamp"] = rfc3339(at_ms + by_ms)
        return orjson.dumps(row)
    spans = TracesData.FromString(message.value)
    for resource in spans.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                span.start_time_unix_nano += by_ms * 1_000_000
                span.end_time_unix_nano += by_ms * 1_000_000
                span.trace_id = span.trace_id[::-1]  # or it would be known already
    return bytes(spans.SerializeToString())
