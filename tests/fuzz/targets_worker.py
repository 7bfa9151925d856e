"""Fuzz targets: whole ways through the worker, because what decodes must not break what follows.

A message goes through the real stages to the signals log, the log through the real correlator, and
every incident that comes out of it to the chat message. A codec's bug that the intake catches, and
any exception behind it, is a finding: behind the intake one message could stop a partition.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

from agents.cases.asked import AskedQuestions
from agents.notifier.records import decode_incident
from agents.notifier.sent import Occasion
from agents.notifier.slack import render
from agents.telemetry import Telemetry
from agents.worker.config import WorkerConfig
from agents.worker.correlate import CorrelateParts, correlate_spec
from agents.worker.dead_letter import DeadLetters
from agents.worker.engines import WatchedCorrelator
from agents.worker.reduce import ReduceParts, reduce_spec
from agents.worker.stage import Outgoing, Stage
from agents.worker.topics import TopicsConfig
from models.rules import RuleRanker
from pipeline.config import PipelineConfig
from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.metrics import MetricReducer
from pipeline.reduce.spans import SpanReducer
from schemas.codecs.limits import CodecLimits
from schemas.errors import SchemaError
from schemas.resolve import Resolver, ResolverConfig
from tests.fuzz import seeds
from tests.fuzz.oracle import Target
from tests.schemas.samples import T0

_TOPICS = TopicsConfig()
_NOW_MS = T0 + 60_000
_SILENCE_MS = (60_000, 400_000, 1_300_000)
_MAX_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class _Record:
    value: bytes | None
    topic: str
    key: bytes | None = None
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    partition: int = 0
    offset: int = 0
    timestamp: int = _NOW_MS


class _Worker:
    """Both stages, made anew for every input: what came before must not matter."""

    def __init__(self) -> None:
        telemetry = _TELEMETRY
        letters = DeadLetters(
            topic=_TOPICS.dead_letter, max_bytes=_MAX_BYTES, counter=telemetry.intake.dead_lettered
        )
        resolver = Resolver(ResolverConfig(environment_labels=("cluster",), cache_entries=512))
        self._reduce = reduce_spec(
            ReduceParts(
                topics=_TOPICS,
                worker=WorkerConfig(),
                limits=CodecLimits(),
                span_reducer=lambda source: SpanReducer(source, resolver, ReduceConfig()),
                metric_reducer=lambda source: MetricReducer(source, resolver, ReduceConfig()),
                resolver=resolver,
                metrics=telemetry.intake,
                letters=letters,
            )
        )
        self._correlate = correlate_spec(
            CorrelateParts(
                topics=_TOPICS,
                worker=WorkerConfig(),
                correlator=_correlator,
                metrics=telemetry.incidents,
                letters=letters,
                max_message_bytes=_MAX_BYTES,
                opened=lambda _stage: None,
            )
        ).stage(_TOPICS.signals, 0)

    def take(self, topic: str, values: list[bytes]) -> list[Outgoing]:
        """Send messages through both stages, then silence until everything has ended."""
        stage: Stage = self._reduce.stage(topic, 0)
        records = [_Record(value=value, topic=topic) for value in values]
        made = stage.handle(records, _NOW_MS) + stage.idle(_NOW_MS + 60_000)
        saved = stage.snapshot()
        if saved is not None:
            self._reduce.stage(topic, 0).restore(saved)
        signals = [record for record in made if record.topic == _TOPICS.signals]
        out = [record for record in made if record.topic != _TOPICS.signals]
        out += self._correlated(signals, _NOW_MS)
        for silence_ms in _SILENCE_MS:
            ticks = self._correlate.idle(_NOW_MS + silence_ms)
            out += self._correlated(ticks, _NOW_MS + silence_ms)
        saved = self._correlate.snapshot()
        assert saved is not None
        self._correlate.restore(saved)
        return out

    def _correlated(self, signals: list[Outgoing], now_ms: int) -> list[Outgoing]:
        records = [
            _Record(value=s.value, topic=_TOPICS.signals, key=s.key, timestamp=now_ms)
            for s in signals
        ]
        return self._correlate.handle(records, now_ms) if records else []


def _correlator() -> WatchedCorrelator:
    return WatchedCorrelator(PipelineConfig(), AskedQuestions(RuleRanker(), 100))


_TELEMETRY = Telemetry()


def _through(topic: str) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        values = data.split(b"\n") if topic == _TOPICS.metrics else [data]
        refused, last = "", {}
        for record in _Worker().take(topic, values):
            if record.topic == _TOPICS.dead_letter:
                refused = _reason(record)
            elif record.topic == _TOPICS.incidents and record.value is not None:
                last[record.key] = decode_incident(record.value)
        # What comes last of an incident has all that came before it; telling each takes long.
        for incident in last.values():
            for occasion in Occasion:
                orjson.dumps(render(incident, occasion))
        if refused:
            raise SchemaError(refused)

    return run


def _reason(record: Outgoing) -> str:
    headers = dict(record.headers)
    kind = headers["rootline.error.kind"]
    assert kind != b"codec_bug", headers["rootline.error.reason"].decode()
    return headers["rootline.error.reason"].decode()


WORKER = tuple(
    Target(
        name=f"worker_{topic}", run=_through(topic), seeds=found, refusals=(SchemaError,),
        form="protobuf" if topic.startswith("otlp") else "json", words=words,
    )
    for topic, found, words in (
        (_TOPICS.alerts, seeds.ALERTS, seeds.ALERT_WORDS),
        (_TOPICS.changes, seeds.CHANGES, seeds.CHANGE_WORDS),
        (_TOPICS.otlp_spans, seeds.SPANS, seeds.OTLP_WORDS),
        (_TOPICS.otlp_metrics, seeds.METRICS, seeds.OTLP_WORDS),
        (_TOPICS.metrics, seeds.SAMPLES, (b"__name__", b"labels", b"value", b"timestamp")),
    )
)  # fmt: skip
