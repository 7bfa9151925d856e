"""The span reducer: panes of services and edges, by hand."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.spans import SpanReducer
from pipeline.sketch import total
from schemas.component import Component, ComponentKind
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


def test_self_time_is_what_no_child_covers() -> None:
    feed = fed(*STORY)
    # cart: server 100 - 80, internal 80 - 40. stock: 30 - (30..50).
    assert feed.service("cart").self_ms == pytest.approx(20 + 40)
    assert feed.service("stock").self_ms == pytest.approx(10)
    assert feed.service("cart").duration_ms == pytest.approx(100)
    assert (feed.service("cart").count, feed.service("stock").count) == (1, 1)


def test_edges_point_from_caller_to_callee() -> None:
    feed = fed(*STORY)
    assert feed.edges() == {("cart", "stock"), ("stock", "mysql")}
    to_stock, to_mysql = feed.edge("cart", "stock"), feed.edge("stock", "mysql")
    assert (to_stock.count, to_stock.served, to_stock.parents) == (1, 1, 1)
    assert to_stock.duration_ms == pytest.approx(40)
    assert (to_mysql.count, to_mysql.served, to_mysql.parents) == (2, 0, 1)
    assert to_mysql.callee == Component(name="mysql", kind=ComponentKind.DATABASE)
    assert total(to_mysql.sketch) == 2


def test_counts_are_told_at_once_and_self_time_when_the_trace_is_quiet() -> None:
    feed = Feed(trace_hold_seconds=5)
    feed.give(*STORY)
    assert feed.service("cart").count == 1
    assert feed.service("cart").self_ms == 0.0
    feed.give(A(service="other", kind=SERVER, number=50, trace=9, start=6000, end=6100))
    assert feed.service("cart").self_ms == pytest.approx(60)


def test_a_child_that_comes_late_takes_its_time_back() -> None:
    late = [span for span in STORY if span.number == 5]
    feed = fed(*(span for span in STORY if span.number != 5))
    assert feed.service("stock").self_ms == pytest.approx(15)
    feed.give(*late)
    feed.flush()
    assert feed.service("stock").self_ms == pytest.approx(10)


def test_children_outside_their_parent_do_not_count() -> None:
    feed = fed(
        A(service="cart", kind=SERVER, number=1, start=0, end=100),
        A(service="cart", kind=INTERNAL, number=2, parent=1, start=-50, end=10),
        A(service="cart", kind=INTERNAL, number=3, parent=1, start=90, end=400),
    )
    assert feed.service("cart").self_ms == pytest.approx(80 + 60 + 310)


def test_an_error_is_the_origin_where_nothing_below_failed() -> None:
    failing = [A(**{**vars(span), "failed": span.number in (1, 2, 3, 4)}) for span in STORY]
    feed = fed(*failing)
    assert (feed.service("cart").errors, feed.service("cart").origin_errors) == (1, 0)
    assert (feed.service("stock").errors, feed.service("stock").origin_errors) == (1, 1)
    assert feed.edge("cart", "stock").errors == 1
    assert feed.edge("stock", "mysql").errors == 0


def test_a_failed_call_is_not_the_callers_error() -> None:
    failing = [A(**{**vars(span), "failed": span.number in (4, 5)}) for span in STORY]
    feed = fed(*failing)
    assert feed.service("stock").origin_errors == 0
    assert feed.edge("stock", "mysql").errors == 1


def test_a_failed_internal_span_is_the_services_own_error() -> None:
    feed = fed(
        A(service="cart", kind=SERVER, number=1, failed=True),
        A(service="cart", kind=INTERNAL, number=2, parent=1, failed=True),
    )
    assert feed.service("cart").origin_errors == 1


def a_call(number: int, failed: bool = True, **attributes: str) -> A:
    return A(
        service="cart",
        kind=CLIENT,
        number=number,
        parent=1,
        failed=failed,
        attributes={"server.address": "redis", "db.system.name": "redis"}
        | {name.replace("__", "."): value for name, value in attributes.items()},
    )


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"error__type": "timeout"}, (1, 1, 0, 0)),
        ({"error__type": "java.net.SocketTimeoutException"}, (1, 1, 0, 0)),
        ({"exception__type": "context.DeadlineExceeded"}, (1, 1, 0, 0)),
        ({"http__response__status_code": "504"}, (1, 1, 0, 0)),
        ({"rpc__grpc__status_code": "4"}, (1, 1, 0, 0)),
        ({"error__type": "connection_refused"}, (1, 0, 1, 0)),
        ({"error__type": "connection_reset"}, (1, 0, 1, 0)),
        ({"exception__type": "java.net.ConnectException"}, (1, 0, 1, 0)),
        ({"rpc__grpc__status_code": "14"}, (1, 0, 1, 0)),
        ({"error__type": "too_many_connections"}, (1, 0, 1, 0)),
        ({"db__response__status_code": "53300"}, (1, 0, 1, 0)),
        ({"error__type": "tls"}, (1, 0, 0, 1)),
        ({"exception__type": "javax.net.ssl.SSLHandshakeException"}, (1, 0, 0, 1)),
        ({"http__response__status_code": "503"}, (1, 0, 0, 0)),
        ({"http__response__status_code": "429"}, (1, 0, 0, 0)),
        ({"http__response__status_code": "404"}, (0, 0, 0, 0)),
    ],
)
def test_how_calls_fail(attributes: dict[str, str], expected: tuple[int, ...]) -> None:
    edge = fed(a_call(2, **attributes)).edge("cart", "redis")
    assert (edge.errors, edge.timeouts, edge.refused, edge.tls_errors) == expected


def test_a_status_code_fails_a_span_whose_status_says_nothing() -> None:
    feed = fed(
        A(
            service="cart",
            kind=SERVER,
            number=1,
            attributes={"http.response.status_code": "500"},
        )
    )
    assert feed.service("cart").errors == 1


def test_retries_show_as_calls_per_parent() -> None:
    calls = [a_call(number, error__type="timeout") for number in (2, 3, 4)]
    other = A(**{**vars(a_call(5, failed=False)), "parent": 9})
    edge = fed(*calls, other).edge("cart", "redis")
    assert (edge.count, edge.parents, edge.timeouts) == (4, 2, 3)


def test_retries_in_batches_of_their_own_have_one_parent() -> None:
    feed = Feed()
    for number in (2, 3, 4):
        feed.give(a_call(number))
    edge = feed.flush().edge("cart", "redis")
    assert (edge.count, edge.parents) == (3, 1)


def test_a_peers_name_that_is_an_alias_gives_way_to_the_service_that_answers() -> None:
    feed = Feed()
    for trace in range(1, 4):
        feed.give(
            A(
                service="cart",
                kind=CLIENT,
                number=10 * trace + 1,
                trace=trace,
                start=trace * 100,
                end=trace * 100 + 50,
                attributes={"server.address": "inventory-vip"},
            ),
            A(
                service="stock",
                kind=SERVER,
                number=10 * trace + 2,
                parent=10 * trace + 1,
                trace=trace,
                start=trace * 100,
                end=trace * 100 + 40,
            ),
        )
    feed.flush()
    assert feed.edges() == {("cart", "stock")}
    assert (feed.edge("cart", "stock").count, feed.edge("cart", "stock").served) == (3, 3)


def test_a_learnt_alias_holds_when_the_callee_falls_silent() -> None:
    call = {"server.address": "inventory-vip"}
    feed = fed(
        A(service="cart", kind=CLIENT, number=1, attributes=call),
        A(service="stock", kind=SERVER, number=2, parent=1),
    )
    feed.give(A(service="cart", kind=CLIENT, number=3, trace=2, attributes=call, end=20_000))
    assert (feed.edge("cart", "stock").count, feed.edge("cart", "stock").served) == (2, 1)


def test_a_name_that_means_two_services_is_never_guessed() -> None:
    call = {"server.address": "mesh-gateway"}
    feed = Feed()
    for trace, service in ((1, "stock"), (2, "price")):
        feed.give(
            A(service="cart", kind=CLIENT, number=trace, trace=trace, attributes=call),
            A(service=service, kind=SERVER, number=trace + 10, parent=trace, trace=trace),
        )
        feed.flush()
    feed.give(A(service="cart", kind=CLIENT, number=3, trace=3, attributes=call))
    # The second call was still taken for one of the first's; the third is not.
    assert feed.edge("cart", "stock").count == 2
    feed.flush()
    assert ("cart", "mesh-gateway") in feed.edges()


def test_a_peer_that_never_answers_is_taken_by_its_name() -> None:
    feed = Feed(trace_hold_seconds=5)
    call = {"server.address": "api.payments.example.com"}
    feed.give(A(service="cart", kind=CLIENT, number=1, attributes=call))
    assert feed.edges() == set()
    feed.give(A(service="cart", kind=SERVER, number=2, trace=2, end=6000))
    ((_, external),) = feed.edges()
    feed.give(A(service="cart", kind=CLIENT, number=3, trace=3, end=12_000, attributes=call))
    assert feed.edge("cart", external).count == 2


def test_a_call_that_names_nobody_is_told_by_the_server_span() -> None:
    feed = fed(
        A(service="cart", kind=CLIENT, number=1),
        A(service="stock", kind=SERVER, number=2, parent=1),
        A(service="cart", kind=CLIENT, number=3, trace=2, name="GET /nowhere"),
    )
    assert feed.edges() == {("cart", "stock")}


def test_a_call_of_ones_own_is_no_edge() -> None:
    feed = fed(
        A(service="cart", kind=CLIENT, number=1, attributes={"server.address": "cart"}),
        A(service="cart", kind=SERVER, number=2, parent=1),
    )
    assert feed.edges() == set()


def test_producer_and_consumer_both_depend_on_the_queue() -> None:
    feed = fed(
        A(service="cart", kind=PRODUCER, number=1, start=0, end=10, attributes=KAFKA),
        A(
            service="mailer",
            kind=CONSUMER,
            number=2,
            trace=2,
            start=250,
            end=300,
            failed=True,
            attributes=KAFKA,
            link=(1, 1),
        ),
    )
    assert feed.edges() == {("cart", "orders"), ("mailer", "orders")}
    assert feed.edge("cart", "orders").callee.kind is ComponentKind.QUEUE
    consumed = feed.edge("mailer", "orders")
    # Its time is the time in the queue, and its failure is not the queue's.
    assert consumed.duration_ms == pytest.approx(240)
    assert (consumed.count, consumed.errors, total(consumed.sketch)) == (1, 0, 1)
    assert (feed.service("mailer").count, feed.service("mailer").errors) == (1, 1)


def test_a_consumer_may_be_the_producers_child() -> None:
    feed = fed(
        A(service="cart", kind=PRODUCER, number=1, start=0, end=10, attributes=KAFKA),
        A(service="mailer", kind=CONSUMER, number=2, parent=1, start=90, end=99, attributes=KAFKA),
    )
    assert feed.edge("mailer", "orders").duration_ms == pytest.approx(80)


def test_waiting_for_a_pool_is_told_apart() -> None:
    feed = fed(
        A(service="cart", kind=SERVER, number=1),
        A(service="cart", kind=INTERNAL, number=2, parent=1, end=70, name="pool.acquire"),
        A(
            service="cart",
            kind=INTERNAL,
            number=3,
            parent=1,
            start=70,
            end=75,
            name="prepare",
            attributes={"pool.name": "orders"},
        ),
        A(service="cart", kind=INTERNAL, number=4, parent=1, start=80, end=90, name="render"),
    )
    assert feed.service("cart").wait_ms == pytest.approx(75)


def test_a_root_that_nobody_called_is_a_job() -> None:
    feed = fed(
        A(service="report", kind=INTERNAL, number=1, failed=True),
        A(service="report", kind=CLIENT, number=2, parent=1, end=90, attributes=MYSQL),
    )
    pane = feed.service("report")
    assert (pane.count, pane.errors, pane.origin_errors) == (1, 1, 1)
    assert pane.self_ms == pytest.approx(10)


def test_statements_are_ranked_by_time_and_bounded() -> None:
    calls = [
        A(
            service="cart",
            kind=CLIENT,
            number=n,
            trace=n,
            end=n,
            attributes=MYSQL | {"db.query.text": f"GET {chr(96 + n)} WHERE id = {n}"},
        )
        for n in range(1, 9)
    ]
    feed = fed(*calls, statements_per_edge=2)
    told = feed.edge("cart", "mysql").statements
    assert [s.text for s in told] == [f"GET {c} WHERE id = ?" for c in "hg"]
    crowded = fed(*calls, statements_per_edge=20, statements_tracked=3).edge("cart", "mysql")
    assert len(crowded.statements) == 4
    assert "(other)" in {statement.text for statement in crowded.statements}
    assert sum(s.duration_ms for s in crowded.statements) == pytest.approx(crowded.duration_ms)


def test_exemplars_are_the_slowest_and_a_failed_one() -> None:
    spans = [
        A(service="cart", kind=SERVER, number=n, trace=n, end=n * 10, failed=n == 2)
        for n in range(1, 8)
    ]
    failed, *slow = fed(*spans).service("cart").exemplars
    assert (failed.duration_ms, failed.failure) == (20, "error")
    assert [(e.duration_ms, e.failure) for e in slow] == [(70, ""), (60, "")]
    assert failed.trace_id == f"{7:016x}{scrambled(2):016x}"
    assert failed.span_id == f"{scrambled(2):016x}"
    assert failed.start_ms == T0


def test_a_span_counts_in_the_pane_of_its_end() -> None:
    feed = fed(A(service="cart", kind=SERVER, number=1, start=29_000, end=31_000))
    assert feed.service("cart").start_ms == T0 + 30_000


def test_repeated_spans_count_once() -> None:
    feed = Feed()
    feed.give(*STORY, *STORY)
    feed.give(*STORY)
    feed.flush()
    assert feed.service("cart").count == 1
    assert feed.edge("stock", "mysql").count == 2
    assert feed.reducer.stats()["repeated"] == 2 * len(STORY)


def test_components_are_sighted_with_their_nodes() -> None:
    feed = fed(
        A(service="cart", kind=SERVER, number=1, resource={"k8s.node.name": "node-a"}),
        A(service="cart", kind=SERVER, number=2, trace=2, resource={"k8s.node.name": "node-b"}),
    )
    (sighting,) = feed.said[0].sightings
    assert sighting.has_spans
    assert [(n.name, n.kind) for n in sighting.runs_on] == [
        ("node-a", ComponentKind.NODE),
        ("node-b", ComponentKind.NODE),
    ]


def test_spans_without_a_service_are_counted_and_left_out() -> None:
    feed = Feed()
    batch = a_batch(A(service="cart", kind=SERVER, number=1))
    homeless = SpanBatch(**{**{n: getattr(batch, n) for n in batch.__slots__}, "resources": ((),)})
    assert feed.reducer.handle(homeless, T0) == []
    assert feed.reducer.stats()["homeless"] == 1


def test_spans_of_forgotten_panes_are_late() -> None:
    feed = fed(A(service="cart", kind=SERVER, number=1, end=400_000), pane_keep_seconds=300)
    feed.give(A(service="cart", kind=SERVER, number=2, end=10))
    feed.flush()
    assert feed.reducer.stats()["late"] == 1
    assert {p.start_ms for s in feed.said for p in s.services} == {T0 + 390_000}


def test_the_longest_silent_traces_make_room() -> None:
    feed = Feed(span_limit=40)
    for trace in range(1, 30):
        at = trace * 10
        feed.give(
            A(service="cart", kind=SERVER, number=trace, trace=trace, start=at, end=at + 9),
            A(
                service="cart",
                kind=CLIENT,
                number=trace + 100,
                parent=trace,
                trace=trace,
                start=at + 2,
                end=at + 8,
                attributes={"server.address": "somebody"},
            ),
        )
        assert feed.reducer.stats()["spans_held"] <= 40
    feed.flush()
    assert feed.reducer.stats()["crowded_out"] > 0
    assert feed.service("cart").count == 29
    assert feed.service("cart").self_ms == pytest.approx(29 * 3)
    assert feed.edge("cart", "somebody").count == 29


def test_event_time_is_believed_only_a_little_ahead_of_the_arrival() -> None:
    batch = a_batch(A(service="cart", kind=SERVER, number=1, end=200_000))
    said = Feed().reducer.handle(batch, T0)
    assert [signal.observed_ms for _, signal in said] == [T0 + 5000]


def test_an_empty_batch_says_nothing() -> None:
    assert Feed().give() == []
    assert Feed().flush().said == []


def test_a_broken_snapshot_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"no SpanState .* start from the committed offset"):
        Feed().reducer.restore(b"nonsense")


def test_a_snapshot_of_another_layout_is_refused() -> None:
    with pytest.raises(ValueError, match=r"written with reduce.pane_seconds = 20"):
        Feed().reducer.restore(Feed(pane_seconds=20).reducer.snapshot())


def test_a_flush_with_no_news_says_nothing() -> None:
    feed = Feed()
    feed.give(*STORY)
    feed.flush()
    assert feed.reducer.flush() == []
