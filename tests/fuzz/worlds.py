"""What a little world of ours writes: signals, incidents, states, rows; seeds of our records."""

from base64 import b64decode, b64encode
from functools import cache
from zlib import decompress

import msgspec
import numpy as np
import orjson

from agents.cases.kept import encode_kept, keep
from agents.notifier.notified import encode_sent
from agents.notifier.sent import Occasion, Sent
from agents.worker.snapshot import Snapshot, pack
from models.answer import Parameters
from models.artefact import write_artefact
from models.case_rows import encode_rows
from models.forest import Forest
from models.pattern_catalogue import default_catalogue
from models.rules import RuleRanker, rule_parameters
from pipeline.config import PipelineConfig
from pipeline.correlator import Correlator
from pipeline.outputs import IncidentPublished
from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.metrics import MetricReducer
from pipeline.reduce.spans import SpanReducer
from pipeline.reorder import event_ms_of
from schemas.candidate import Question
from schemas.codecs.otlp_metrics import decode_metrics
from schemas.codecs.otlp_spans import decode_spans
from schemas.codecs.signals import encode_signal
from schemas.resolve import Resolver, ResolverConfig
from schemas.signal import Signal
from tests.models import synthetic
from tests.pipeline import builders
from tests.schemas import otlp_samples as otlp
from tests.schemas import samples as s


def signals() -> list[Signal]:
    """A shop whose database gets slow after a deploy; alerts follow, one ends."""
    return [
        *builders.healthy_then_slow(before_s=330, after_s=120),
        builders.a_change("db"),
        builders.an_alert("cart"),
        builders.an_alert("db", rule="PoolFull", at_s=5),
        builders.an_alert("cart", at_s=1, ends_s=60),
    ]


@cache
def incidents() -> tuple[bytes, ...]:
    """The first and the last incident of each kind of firing."""
    found: dict[str, bytes] = {}
    for output in _run()[1]:
        if isinstance(output, IncidentPublished):
            key = f"{output.transition.value}/{output.incident.firing.value}"
            found[key] = orjson.dumps(output.incident)
    return tuple(found[key] for key in sorted(found))


@cache
def _run() -> tuple[Correlator, list[object]]:
    correlator = Correlator(PipelineConfig(), RuleRanker())
    outputs: list[object] = []
    for signal in sorted(signals(), key=event_ms_of):
        outputs += correlator.handle("prod", signal, event_ms_of(signal) + 500)
    return correlator, outputs


def correlator_state() -> bytes:
    """Everything the correlator knows in the middle of an incident."""
    return _run()[0].snapshot()


def some_signals() -> tuple[bytes, ...]:
    """One signal of each type."""
    by_type = {type(signal): signal for signal in signals()}
    tick = b'{"observed_ms":1770000000000,"type":"tick"}'
    return (*(encode_signal(each) for each in by_type.values()), tick)


def sent() -> bytes:
    """What a receiver was told."""
    state = Sent(
        receiver="slack", incident_id="i-1", revision=3, occasion=Occasion.OPENED, top="db",
        confidence=0.8, sent_at_ms=1_770_000_000_000,
    )  # fmt: skip
    return encode_sent(state)[1]


def question() -> Question:
    """A database with a full pool, and its caller."""
    reasons = synthetic.evidence("pool_saturated"), synthetic.evidence("explained", supports=False)
    return synthetic.question(
        synthetic.candidate("orders-db", "database", *reasons, z_pool=9.0, frontier=1.0),
        synthetic.candidate("cart", z_latency=4.0),
    )


def kept() -> bytes:
    """A question without names."""
    return encode_kept(keep(question(), "prod", default_catalogue()))


def case_rows() -> bytes:
    """Two labelled rows, as the library holds them."""
    return b"".join(encode_rows(synthetic.rows(range(1), ("pool",))[:2]))


def artefacts() -> tuple[bytes, ...]:
    """A ranker of rules alone, and one with a little forest."""
    plain = rule_parameters()
    forest = Forest(
        roots=np.array([0]),
        feature=np.array([0, -1, -1]),
        threshold=np.array([0.5, 0.0, 0.0]),
        left=np.array([1, 0, 0]),
        right=np.array([2, 0, 0]),
        share=np.array([0.5, 0.1, 0.9]),
    )
    both = Parameters(weights=plain.weights, outside=plain.outside, forest=forest)
    return tuple(write_artefact(each, {"rows": 3}) for each in (plain, both))


def snapshot_records() -> bytes:
    """A whole snapshot in three chunks, as the lines that the target reads."""
    snapshot = Snapshot(offset=77, generation=4, slot=1, state=bytes(range(256)) * 4)
    records = pack(snapshot, topic="state", partition=0, snapshot_id="a", chunk_bytes=120)
    return b"\n".join(
        orjson.dumps(
            {
                "key": (record.key or b"").decode(),
                "headers": {name: value.decode() for name, value in record.headers},
                "value": (record.value or b"").decode("latin-1"),
            }
        )
        for record in records
    )


def span_state() -> bytes:
    """What the span reducer holds after a message, not compressed."""
    reducer = SpanReducer("spans/0", Resolver(ResolverConfig()), ReduceConfig())
    reducer.handle(decode_spans(otlp.traces().SerializeToString()), s.T0 + 3_000)
    return decompress(reducer.snapshot())


def metric_state() -> bytes:
    """What the metric reducer holds after a message, not compressed."""
    reducer = MetricReducer("metrics/0", Resolver(ResolverConfig()), ReduceConfig())
    reducer.handle(decode_metrics(otlp.metrics().SerializeToString()), s.T0 + 3_000)
    return decompress(reducer.snapshot())


_BYTES = "base64"


def as_json(state: bytes) -> bytes:
    """Write a MessagePack state as JSON, for mutations that know JSON; bytes are marked."""
    return msgspec.json.encode(_marked(msgspec.msgpack.decode(state, strict=False)))


def _marked(value: object) -> object:
    match value:
        case bytes():
            return {_BYTES: b64encode(value).decode()}
        case list():
            return [_marked(each) for each in value]
        case dict():
            return {str(name): _marked(each) for name, each in value.items()}
        case _:
            return value


def of_json(value: object) -> object:
    """Undo `as_json`; bytes that are no longer base64 stay as they are."""
    match value:
        case {"base64": str(text)} if len(value) == 1:
            try:
                return b64decode(text)
            except ValueError:
                return text
        case list():
            return [of_json(each) for each in value]
        case dict():
            return {name: of_json(each) for name, each in value.items()}
        case _:
            return value
