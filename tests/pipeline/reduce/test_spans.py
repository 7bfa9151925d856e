"""The span reducer: panes of services and edges, by hand."""

import pytest

from pipeline.sketch import total
from schemas.component import Component, ComponentKind
from tests.pipeline.reduce.span_feeds import CLIENT, INTERNAL, SERVER, STORY, A, Feed, fed


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
