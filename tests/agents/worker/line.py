"""Both stages of the worker in memory, a small shop's traffic, and what became of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

import orjson

from agents.replay.stages import Record
from agents.settings import Settings
from agents.telemetry import Telemetry
from agents.worker.assembly import Engines, consumer_specs
from agents.worker.stage import Outgoing, Stage
from models.rules import RuleRanker
from pipeline.correlator import Correlator
from pipeline.reduce.metrics import MetricReducer
from pipeline.reduce.spans import SpanReducer
from pipeline.timestamps import rfc3339
from schemas.resolve import Resolver

T0 = 1_767_225_600_000  # when the database of the shop becomes slow
SLICE_MS = 10_000
BEFORE_MS, AFTER_MS = 150_000, 120_000
CALLS = (("web", "cart"), ("web", "orders"), ("cart", "db"), ("orders", "db"), ("mail", "smtp"))
SERVICES = ("web", "cart", "orders", "mail")
RANKER = RuleRanker()
_IDLE_MS = 1_000
_SETTLE_MS = 25 * 60_000
_TICK_MS = 20_000


class Sent(NamedTuple):
    """A message: when what it tells happened, its topic and its bytes."""

    event_ms: int
    topic: str
    value: bytes | None


@dataclass(slots=True)
class Ends:
    """Where everything ended."""

    incidents: dict[str, dict[str, Any]] = field(default_factory=dict)
    aside: list[tuple[str, str]] = field(default_factory=list)
    letters: list[dict[str, str]] = field(default_factory=list)
    originals: list[bytes | None] = field(default_factory=list)

    def answers(self) -> dict[str, tuple[str, tuple[str, ...], str]]:
        """Of each incident its status, its members and its root cause."""
        return {
            name: (
                incident["status"],
                tuple(sorted(alert["fingerprint"] for alert in incident["alerts"])),
                ""
                if incident["abstained"] or not incident["candidates"]
                else incident["candidates"][0]["component"],
            )
            for name, incident in self.incidents.items()
        }

    def members(self) -> list[str]:
        """The alerts of all incidents that were not merged into another."""
        return sorted(
            alert["fingerprint"]
            for incident in self.incidents.values()
            if incident["status"] != "merged"
            for alert in incident["alerts"]
        )


class Line:
    """The stages of every topic, fed with records that arrive at stated times."""

    def __init__(self) -> None:
        settings = Settings()
        settings = replace(
            settings, worker=replace(settings.worker, roles=("reduce", "correlate"))
        )
        resolver = Resolver(settings.resolver)
        engines = Engines(
            span_reducer=lambda source: SpanReducer(source, resolver, settings.reduce),
            metric_reducer=lambda source: MetricReducer(source, resolver, settings.reduce),
            correlator=lambda: _Correlator(settings.pipeline, RANKER),
            resolver=resolver,
        )
        self.telemetry = Telemetry()
        specs = consumer_specs(settings, engines, self.telemetry, lambda _stage: None)
        self._reduce, self._correlate = (spec.stage for spec in specs)
        self._stages: dict[str, Stage] = {}
        self._engine = self._correlate("signals", 0)
        self._clock_ms = 0
        self.offsets: dict[str, int] = {}
        self.ends = Ends()

    def counted(self, name: str, **labels: str) -> float:
        """The value of a counter, 0 where it never moved."""
        return self.telemetry.registry.get_sample_value(f"rootline_{name}_total", labels) or 0.0

    def run(self, arrivals: Iterable[tuple[int, Sent]]) -> Ends:
        """Take in messages in the order of their arrival, then silence until all is settled."""
        ordered = sorted(arrivals, key=lambda pair: (pair[0], pair[1].topic))
        # What arrives on a topic at one moment is handled at once, as one read brings it.
        for (at_ms, topic), batch in groupby(ordered, key=lambda pair: (pair[0], pair[1].topic)):
            self._pass_time(at_ms, _IDLE_MS)
            self._handle(at_ms, topic, [sent.value for _, sent in batch])
        self._pass_time(self._clock_ms + 60_000, _IDLE_MS)
        self._pass_time(self._clock_ms + _SETTLE_MS, _TICK_MS)
        return self.ends

    def _handle(self, at_ms: int, topic: str, values: Sequence[bytes | None]) -> None:
        first = self.offsets.get(topic, 0)
        self.offsets[topic] = first + len(values)
        records = [
            Record(
                topic=topic,
                partition=0,
                offset=first + number,
                timestamp=at_ms,
                key=None,
                value=value,
                headers=(),
            )
            for number, value in enumerate(values)
        ]
        self._take(self._stage(topic).handle(records, at_ms), at_ms)

    def _stage(self, topic: str) -> Stage:
        if topic == "signals":
            return self._engine
        if topic not in self._stages:
            self._stages[topic] = self._reduce(topic, 0)
        return self._stages[topic]

    def _pass_time(self, until_ms: int, step_ms: int) -> None:
        self._clock_ms = self._clock_ms or until_ms
        while self._clock_ms + step_ms <= until_ms:
            self._clock_ms += step_ms
            for stage in (*self._stages.values(), self._engine):
                self._take(stage.idle(self._clock_ms), self._clock_ms)
        self._clock_ms = max(self._clock_ms, until_ms)

    def _take(self, outgoing: Sequence[Outgoing], at_ms: int) -> None:
        for out in outgoing:
            told = {name: text.decode() for name, text in out.headers}
            match out.topic:
                case "signals":
                    self._signal(out, at_ms)
                case "incidents":
                    incident = orjson.loads(out.value or b"")
                    self.ends.incidents[incident["incident_id"]] = incident
                case "unassigned":
                    key = (out.key or b"").decode()
                    self.ends.aside.append((key, told["rootline.reason"]))
                case "dead-letter":
                    self.ends.letters.append(told)
                    self.ends.originals.append(out.value)

    def _signal(self, out: Outgoing, at_ms: int) -> None:
        record = Record(
            topic="signals",
            partition=0,
            offset=0,
            timestamp=at_ms,
            key=out.key,
            value=out.value,
            headers=(),
        )
        self._take(self._engine.handle([record], at_ms), at_ms)


class _Correlator(Correlator):
    """The correlator without its questions kept: nobody gives verdicts here."""

    def asked(self, incident_id: str) -> None:
        """Return nothing."""


def on_time(messages: Iterable[Sent]) -> list[tuple[int, Sent]]:
    """Let every message arrive when what it tells happens."""
    return [(sent.event_ms, sent) for sent in messages]


def an_alert(
    service: str, rule: str = "HighLatency", *, at_s: float = 0.0, severity: str = "critical"
) -> Sent:
    """An alert as a bridge writes it; it starts `at_s` after the database became slow."""
    at_ms = T0 + round(at_s * 1000)
    labels = {"alertname": rule, "service": service, "severity": severity}
    value = {"status": "firing", "labels": labels, "startsAt": rfc3339(at_ms)}
    return Sent(at_ms, "alerts", orjson.dumps(value))


@cache
def traffic() -> tuple[Sent, ...]:
    """Spans of every service and samples of the database, from before the slowness to after."""
    found: list[Sent] = []
    for start_ms in range(T0 - BEFORE_MS, T0 + AFTER_MS, SLICE_MS):
        found += [spans_message(service, start_ms) for service in SERVICES]
        found += [sample_message(start_ms + SLICE_MS)]
    return tuple(found)


def spans_message(service: str, start_ms: int) -> Sent:
    """What one service exports for a slice, as OTLP JSON."""
    slow = start_ms >= T0 and service != "mail"
    spans = [
        span
        for number in range(4)
        for span in _request(service, start_ms + number * 2_000, number, slow=slow)
    ]
    resource = {"attributes": [_attribute("service.name", service)]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    return Sent(start_ms + SLICE_MS, "otlp_spans", orjson.dumps(body))


def _request(service: str, start_ms: int, number: int, *, slow: bool) -> list[dict[str, Any]]:
    """A request that a service takes and what it calls for it."""
    trace = f"{start_ms:024x}{number:08x}"
    server = _id(service, "in", start_ms)
    spans = [_span((trace, server, ""), 2, start_ms, slow=slow)]
    for callee in (callee for caller, callee in CALLS if caller == service):
        client = _id(service, callee, start_ms)
        span = _span((trace, client, server), 3, start_ms, slow=slow)
        peer = {"db": "db.system.name", "smtp": "server.address"}.get(callee, "peer.service")
        value = "mysql" if callee == "db" else callee
        span["attributes"] = [_attribute(peer, value), _attribute("server.address", callee)]
        spans.append(span)
    return spans


def _span(ids: tuple[str, str, str], kind: int, start_ms: int, *, slow: bool) -> dict[str, Any]:
    """A span with the ids of its trace, itself and its parent; a slow one fails, too."""
    end_ms = start_ms + (900 if slow else 20)
    return {
        "traceId": ids[0],
        "spanId": ids[1],
        "parentSpanId": ids[2],
        "name": "GET /",
        "kind": kind,
        "startTimeUnixNano": str(start_ms * 1_000_000),
        "endTimeUnixNano": str(end_ms * 1_000_000),
        "status": {"code": 2 if slow else 1},
    }


def _id(service: str, what: str, start_ms: int) -> str:
    number = SERVICES.index(service) * 100 + (("in", *(c for _, c in CALLS)).index(what))
    return f"{(start_ms * 1000 + number) % (1 << 64):016x}"


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def sample_message(at_ms: int) -> Sent:
    """A sample of the database's connections."""
    value = "95" if at_ms > T0 else f"{10 + at_ms // SLICE_MS % 3}"
    body = {
        "timestamp": rfc3339(at_ms),
        "value": value,
        "name": "mysql_global_status_threads_connected",
        "labels": {
            "__name__": "mysql_global_status_threads_connected",
            "instance": "db:9104",
            "job": "mysql",
        },
    }
    return Sent(at_ms, "metrics", orjson.dumps(body))
