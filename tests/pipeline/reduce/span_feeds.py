"""Spans by hand and a reducer that is fed with them."""

from dataclasses import dataclass, field

import numpy as np

from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.spans import SpanReducer
from schemas.resolve import Resolver, ResolverConfig
from schemas.signal import EdgePane, ServicePane, TelemetrySignal
from schemas.telemetry import SpanBatch, SpanKind, SpanStatus, labels_of

T0 = 1_700_000_010_000
INTERNAL, SERVER, CLIENT = SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT
PRODUCER, CONSUMER = SpanKind.PRODUCER, SpanKind.CONSUMER
MYSQL = {"db.system.name": "mysql", "server.address": "mysql"}
KAFKA = {"messaging.system": "kafka", "messaging.destination.name": "orders"}


@dataclass(frozen=True, kw_only=True)
class A:
    """A span: times in ms since T0, relations by number."""

    service: str
    kind: SpanKind
    number: int
    parent: int = 0
    start: float = 0
    end: float = 100
    failed: bool = False
    name: str = "GET /"
    trace: int = 1
    attributes: dict[str, str] = field(default_factory=dict)
    link: tuple[int, int] | None = None
    resource: dict[str, str] = field(default_factory=dict)


def scrambled(number: int) -> int:
    return number * 0x9E3779B97F4A7C15 % 2**64


def a_batch(*spans: A) -> SpanBatch:
    resources = list(
        dict.fromkeys(labels_of({"service.name": s.service} | s.resource) for s in spans)
    )
    sets = list(dict.fromkeys(labels_of(s.attributes) for s in spans))
    names = list(dict.fromkeys(s.name for s in spans))
    links = [(row, s.link) for row, s in enumerate(spans) if s.link]
    return SpanBatch(
        trace_hi=np.array([7] * len(spans), np.uint64),
        trace_lo=np.array([scrambled(s.trace) for s in spans], np.uint64),
        span_id=np.array([scrambled(s.number) for s in spans], np.uint64),
        parent_id=np.array([scrambled(s.parent) for s in spans], np.uint64),
        start_ns=np.array([T0 * 10**6 + int(s.start * 1e6) for s in spans], np.int64),
        end_ns=np.array([T0 * 10**6 + int(s.end * 1e6) for s in spans], np.int64),
        kind=np.array([s.kind for s in spans], np.uint8),
        status=np.array([SpanStatus.ERROR * s.failed for s in spans], np.uint8),
        resource=np.array(
            [resources.index(labels_of({"service.name": s.service} | s.resource)) for s in spans],
            np.int32,
        ),
        attributes=np.array([sets.index(labels_of(s.attributes)) for s in spans], np.int32),
        name=np.array([names.index(s.name) for s in spans], np.int32),
        resources=tuple(resources),
        attribute_sets=tuple(sets),
        names=tuple(names),
        link_row=np.array([row for row, _ in links], np.int32),
        link_trace_hi=np.array([7 for _ in links], np.uint64),
        link_trace_lo=np.array([scrambled(link[0]) for _, link in links], np.uint64),
        link_span_id=np.array([scrambled(link[1]) for _, link in links], np.uint64),
    )


class Feed:
    """Gives spans to a reducer and holds the latest totals."""

    def __init__(self, **config: float) -> None:
        resolver = Resolver(ResolverConfig())
        self.reducer = SpanReducer("s-0", resolver, ReduceConfig(**config))
        self.said: list[TelemetrySignal] = []

    def give(self, *spans: A) -> list[TelemetrySignal]:
        arrived = int(T0 + max((span.end for span in spans), default=0))
        said = [s for _, s in self.reducer.handle(a_batch(*spans), arrived)]
        self.said += said
        return said

    def flush(self) -> "Feed":
        self.said += [s for _, s in self.reducer.flush()]
        return self

    def service(self, name: str) -> ServicePane:
        return [p for s in self.said for p in s.services if p.component.name == name][-1]

    def edge(self, caller: str, callee: str) -> EdgePane:
        return [
            pane
            for signal in self.said
            for pane in signal.edges
            if (pane.caller.name, pane.callee.name) == (caller, callee)
        ][-1]

    def edges(self) -> set[tuple[str, str]]:
        return {(p.caller.name, p.callee.name) for s in self.said for p in s.edges}


def fed(*spans: A, **config: float) -> Feed:
    feed = Feed(**config)
    feed.give(*spans)
    return feed.flush()


STORY = (
    A(service="cart", kind=SERVER, number=1, start=0, end=100),
    A(service="cart", kind=INTERNAL, number=2, parent=1, start=10, end=90),
    A(
        service="cart",
        kind=CLIENT,
        number=3,
        parent=2,
        start=20,
        end=60,
        attributes={"server.address": "stock"},
    ),
    A(service="stock", kind=SERVER, number=4, parent=3, start=25, end=55),
    A(service="stock", kind=CLIENT, number=5, parent=4, start=30, end=40, attributes=MYSQL),
    A(service="stock", kind=CLIENT, number=6, parent=4, start=35, end=50, attributes=MYSQL),
)
